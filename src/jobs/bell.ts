/** Rings when a run may have changed: a hint within one process. Who waits looks from time to time anyway. */

/** `asked`: something is to be done (a new run, another wish, an end); `progress`: something was done. */
export type Ring = 'asked' | 'progress';

export class Bell {
  readonly #listeners = new Set<(ring: Ring) => void>();

  ring(ring: Ring): void {
    for (const listener of this.#listeners) listener(ring);
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
      const listener = (ring: Ring): void => {
        if (wanted === undefined || ring === wanted) done();
      };
      const timer = setTimeout(done, ms);
      this.#listeners.add(listener);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
