/** Rings when a run may have changed: a hint within one process. Who waits looks from time to time anyway. */
import type { RunOutline } from '../records/runs.ts';

/** `asked`: something is to be done (a new run, another wish, an end); `progress`: something was done. */
export type Ring = 'asked' | 'progress';

type RungRun = Pick<RunOutline, 'namespace' | 'name' | 'kind' | 'job'>;
type Listener = (ring: Ring, run: RungRun | undefined) => void;

export class Bell {
  readonly #listeners = new Set<Listener>();

  /** `run`: which, where it was one. */
  ring(ring: Ring, run?: RungRun): void {
    for (const listener of this.#listeners) listener(ring, run);
  }

  /** Answers how to stop listening. */
  on(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves at the next such ring (any), after `ms`, or when `signal` is aborted. */
  wait(ms: number, signal: AbortSignal, wanted?: Ring): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const listener: Listener = (ring) => {
        if (wanted === undefined || ring === wanted) done();
      };
      const timer = setTimeout(done, ms);
      this.#listeners.add(listener);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
