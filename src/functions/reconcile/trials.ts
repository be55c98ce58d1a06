/** Trying a new revision before it gets the traffic: one instance is started beside the old ones. Kept in memory; after a restart it is tried again. */
import { toError } from '../../base/errors.ts';
import type { RevisionResource } from '../../resources/revision.ts';

/** `message`: why it failed; while it runs again, why it failed last. */
export type Trial = { readonly state: 'running'; readonly message?: string } | { readonly state: 'failed'; readonly message: string };

/** A failed trial is repeated after this: what it needs may have come. */
const repeatMs = 25_000;

export class Trials {
  readonly #start: (revision: RevisionResource) => Promise<unknown>;
  readonly #ended: (revision: RevisionResource) => void;
  readonly #trials = new Map<string, Trial & { readonly at: number }>();

  /** `ended` is called when the outcome is known. */
  constructor(start: (revision: RevisionResource) => Promise<unknown>, ended: (revision: RevisionResource) => void) {
    this.#start = start;
    this.#ended = ended;
  }

  /** How the revision's trial stands; begins one if there is none. When it succeeds, the revision has an instance and no trial is asked for. */
  of(revision: RevisionResource): Trial {
    const uid = revision.metadata.uid ?? '';
    const known = this.#trials.get(uid);
    if (known && (known.state === 'running' || Date.now() - known.at < repeatMs)) return known;
    const running = { state: 'running', ...(known && { message: known.message }), at: Date.now() } as const;
    this.#trials.set(uid, running);
    void this.#start(revision)
      .then(
        () => this.#trials.delete(uid),
        (error: unknown) => this.#trials.set(uid, { state: 'failed', message: toError(error).message, at: Date.now() }),
      )
      .then(() => this.#ended(revision));
    return running;
  }

  /** Somebody was told so; the revision's own status says it a moment later. */
  hasFailed(revisionUid: string): boolean {
    return this.#trials.get(revisionUid)?.message !== undefined;
  }

  forget(revisionUid: string): void {
    this.#trials.delete(revisionUid);
  }
}
