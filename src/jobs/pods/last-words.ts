/** What the pods of an execution say until their very end. */
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { PodParts } from './parts.ts';

/** Logs that are copied at once. */
const copiesAtOnce = 16;
/** Pods that are listened to at once: what others say last may be lost. */
const mostHeard = 100;
/** A log may come to its end that much later than its pod. */
const patienceMs = 3000;

export class LastWords {
  readonly #parts: Pick<PodParts, 'objects' | 'logs' | 'clock'>;
  readonly #run: string;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #said: () => void;
  /** By the pod's uid; resolves when it has nothing more to say. */
  readonly #speaking = new Map<string, Promise<void>>();
  /** Each is listened to once: where that fails, what it said until then is kept. */
  readonly #heard = new Set<string>();
  #waitedUntil: number | undefined;

  /** `said`: called when one of them has said all. */
  constructor(parts: PodParts, run: string, signal: AbortSignal, said: () => void) {
    this.#parts = parts;
    this.#run = run;
    this.#signal = AbortSignal.any([signal, this.#closing.signal]);
    this.#said = said;
  }

  /** Copies what is not yet there. */
  async keep(pods: readonly Pod[]): Promise<void> {
    const { objects, logs } = this.#parts;
    for (let at = 0; at < pods.length; at += copiesAtOnce) {
      await Promise.all(
        pods.slice(at, at + copiesAtOnce).map(async (pod) => {
          await this.#speaking.get(pod.metadata.uid ?? '');
          await logs.keep(objects.client, this.#run, pod);
        }),
      );
    }
  }

  /**
   * Listens to those that run from now on, as they are about to end: a moment after that they may be gone. That one runs may not have been
   * said yet; one that has not begun has nothing to say.
   */
  async hear(pods: readonly Pod[]): Promise<void> {
    const { objects, logs } = this.#parts;
    const unheard = pods.filter((pod) => !this.#heard.has(pod.metadata.uid ?? '') && !hasEnded(pod));
    // What they have said already is kept in any case.
    await this.keep(unheard);
    for (const pod of unheard.slice(0, Math.max(0, mostHeard - this.#speaking.size))) {
      const { uid = '' } = pod.metadata;
      this.#heard.add(uid);
      const speaking = logs
        .keep(objects.client, this.#run, pod, this.#signal)
        .catch(() => undefined)
        .finally(() => {
          this.#speaking.delete(uid);
          this.#said();
        });
      this.#speaking.set(uid, speaking);
    }
  }

  /** To be asked when the pods are gone. */
  get areSaid(): boolean {
    if (this.#speaking.size === 0) return true;
    const now = this.#parts.clock.now();
    this.#waitedUntil ??= now + patienceMs;
    return now >= this.#waitedUntil;
  }

  close(): void {
    this.#closing.abort();
  }
}

export const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';
