/**
 * The activator: finds or makes an instance of a revision for a gateway that has none free.
 *
 * A gateway asks once for each instance that its waiting requests need, so each ask is one start, up to the function's greatest scale;
 * beyond that, asks share the starts that are under way.
 */
import { toError, TsumugiError } from '../../base/errors.ts';
import type { ActivateRequest } from '../../invoke/projection.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Claim, Member } from '../fleet/member.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { FunctionsObserver, ResultCode } from '../observer.ts';
import { NoPods } from './waiting.ts';

/** A pod that is about to become an instance: it is being sent the claim, and then loads the code. */
export interface Reservation {
  readonly member: Member;
  readonly claim: Claim;
}

type OnReserved = (reservation: Reservation) => void;

interface Start {
  readonly done: Promise<Member>;
  /** Pods that were tried, and who wants to hear of the next. */
  readonly reserved: Reservation[];
  readonly listeners: OnReserved[];
  /** Asks that wait for it. */
  asks: number;
}

interface Failure {
  readonly error: TsumugiError;
  readonly until: number;
  readonly delayMs: number;
}

export interface ActivatorOptions {
  readonly fleet: Fleet;
  /** Rejects with NotFound. */
  readonly revision: (request: { revisionUid: string; namespace: string; revision: string }) => Promise<RevisionResource>;
  readonly maxInstances: (revision: RevisionResource) => number;
  /** `reserved` hears of each pod that is tried, before it has loaded the code. */
  readonly start: (revision: RevisionResource, reserved: OnReserved) => Promise<Member>;
  /** A start ended, with what error, if any: for the revision's status. */
  readonly onStart?: (revision: RevisionResource, error: TsumugiError | undefined) => void;
  readonly observer?: Pick<FunctionsObserver, 'activated' | 'started'> | undefined;
}

/** A revision that cannot be loaded, or whose pods cannot start, costs a pod a try: tries are spaced out, callers get the last error at once. */
const firstRetryMs = 1000;
const maxRetryMs = 30_000;

export class InstanceActivator {
  readonly #options: ActivatorOptions;
  readonly #starts = new Map<string, Set<Start>>();
  readonly #failures = new Map<string, Failure>();

  constructor(options: ActivatorOptions) {
    this.#options = options;
  }

  /** Starts under way of a revision. */
  starting(revisionUid: string): number {
    return this.#starts.get(revisionUid)?.size ?? 0;
  }

  /**
   * An instance that is not among `known`. `reserved` hears of each pod that is about to become it.
   * Rejects with Busy, NoInstance, Timeout (no pod came in time: another try may have more luck), LoadError or NotFound.
   */
  async activate(request: ActivateRequest, reserved?: OnReserved): Promise<Member> {
    const from = performance.now();
    const told = (code: ResultCode): void => this.#options.observer?.activated?.((performance.now() - from) / 1000, code);
    try {
      const member = await this.#activate(request, reserved);
      told('Ok');
      return member;
    } catch (error) {
      told(codedError(error).code);
      throw error;
    }
  }

  async #activate(request: ActivateRequest, reserved?: OnReserved): Promise<Member> {
    const revision = await this.#options.revision(request);
    const { revisionUid } = request;
    const serving = this.#options.fleet.instances(revisionUid);
    const [free] = serving.filter((member) => !request.known.includes(member.uid)).sort((a, b) => a.active - b.active);
    if (free) return free;

    const starts = this.#starts.get(revisionUid) ?? new Set();
    const max = this.#options.maxInstances(revision);
    let start: Start | undefined;
    if (serving.length + starts.size < max) start = this.#begin(revision, revisionUid, starts);
    else {
      [start] = [...starts].sort((a, b) => a.asks - b.asks);
      if (!start) {
        throw new TsumugiError('Busy', `all ${max} instances of function "${revision.spec.function}" are busy`, {
          hint: 'raise spec.scale.max or spec.concurrency, or try again',
          retryAfterSeconds: 1,
        });
      }
    }
    start.asks++;
    if (reserved) {
      start.reserved.forEach(reserved);
      start.listeners.push(reserved);
    }
    return start.done;
  }

  #begin(revision: RevisionResource, revisionUid: string, starts: Set<Start>): Start {
    const failed = this.#failures.get(revisionUid);
    if (failed && failed.until > Date.now()) throw failed.error;
    const reserved: Reservation[] = [];
    const listeners: OnReserved[] = [];
    const done = this.#options.start(revision, (reservation) => {
      reserved.push(reservation);
      for (const listener of listeners) listener(reservation);
    });
    const from = performance.now();
    const start: Start = { done, reserved, listeners, asks: 0 };
    starts.add(start);
    this.#starts.set(revisionUid, starts);
    void start.done.then(
      () => this.#ended(revision, revisionUid, start, from, undefined),
      (error: unknown) => this.#ended(revision, revisionUid, start, from, codedError(error)),
    );
    return start;
  }

  #ended(revision: RevisionResource, revisionUid: string, start: Start, from: number, error: TsumugiError | undefined): void {
    const starts = this.#starts.get(revisionUid);
    starts?.delete(start);
    if (starts?.size === 0) this.#starts.delete(revisionUid);
    this.#options.observer?.started?.((performance.now() - from) / 1000, error?.code ?? 'Ok');
    if (error?.code === 'LoadError' || error instanceof NoPods) {
      const delayMs = Math.min((this.#failures.get(revisionUid)?.delayMs ?? firstRetryMs / 2) * 2, maxRetryMs);
      this.#failures.set(revisionUid, { error, delayMs, until: Date.now() + delayMs });
    } else if (!error) this.#failures.delete(revisionUid);
    this.#options.onStart?.(revision, error);
  }

  /** Nothing is kept of a revision that is gone. */
  forget(revisionUid: string): void {
    this.#failures.delete(revisionUid);
  }
}

const codedError = (thrown: unknown): TsumugiError =>
  thrown instanceof TsumugiError ? thrown : new TsumugiError('Internal', toError(thrown).message, { cause: thrown });
