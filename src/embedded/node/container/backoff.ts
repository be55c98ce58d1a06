const longestMs = 300_000;
/** A container that ran so long starts anew with the first delay. */
const resetMs = 600_000;

/** How long a container that ended waits for its next start: first not at all, then twice as long each time. */
export class Backoff {
  readonly #firstMs: number;
  #count = 0;

  constructor(firstMs: number) {
    this.#firstMs = firstMs;
  }

  /** Milliseconds, after a run of that length. */
  next(ranMs: number): number {
    if (ranMs > resetMs) this.#count = 0;
    this.#count += 1;
    return this.#count === 1 ? 0 : Math.min(this.#firstMs * 2 ** (this.#count - 2), longestMs);
  }
}

/** What is told of a container that waits so long, in ms. */
export const waitingFor = (delay: number): { readonly reason: string; readonly message?: string } =>
  delay === 0
    ? { reason: 'ContainerCreating' }
    : { reason: 'CrashLoopBackOff', message: `back-off ${Math.ceil(delay / 1000)}s restarting failed container` };
