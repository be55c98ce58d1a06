/**
 * A queue of keys for reconcilers: a key waits at most once, is never worked on twice at a time, and comes again with
 * growing delays while its work fails.
 */
import { type Clock, systemClock } from '../base/clock.ts';

export interface WorkQueueOptions {
  /** Does the work of one key; must not throw (decide what a failure means, then call `retry`, `addAfter` or nothing). */
  readonly work: (key: string) => Promise<void>;
  /** How many keys are worked on at once. Default 1. */
  readonly parallelism?: number;
  /** Delay after the first failure; doubles with each up to `maxDelay`. Milliseconds; defaults 100 and 60,000. */
  readonly firstDelay?: number;
  readonly maxDelay?: number;
  readonly clock?: Clock;
}

/** Nobody reads it; an abort without a reason makes a DOMException with a stack each time. */
const replaced = new Error('a later delay does not count any more');

/**
 * @example
 * const queue = new WorkQueue({ work: async (key) => { await tidy(key); queue.forget(key); }, parallelism: 4 });
 * queue.add('default/hello');
 * await queue.close();
 */
export class WorkQueue {
  readonly #work: (key: string) => Promise<void>;
  readonly #parallelism: number;
  readonly #firstDelay: number;
  readonly #maxDelay: number;
  readonly #clock: Clock;
  /** In the order of arrival. */
  readonly #ready = new Set<string>();
  readonly #running = new Set<string>();
  /** Added while running: to be done once more. */
  readonly #dirty = new Set<string>();
  readonly #delayed = new Map<string, { readonly due: number; readonly cancel: AbortController }>();
  readonly #failures = new Map<string, number>();
  #pumping = false;
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#work = options.work;
    this.#parallelism = options.parallelism ?? 1;
    this.#firstDelay = options.firstDelay ?? 100;
    this.#maxDelay = options.maxDelay ?? 60_000;
    this.#clock = options.clock ?? systemClock;
  }

  /** Keys that wait to be worked on now, without the delayed ones. */
  get waiting(): number {
    return this.#ready.size + this.#dirty.size;
  }

  get running(): number {
    return this.#running.size;
  }

  /** As soon as there is room. Nothing happens within this call itself. */
  add(key: string): void {
    if (this.#closed) return;
    if (this.#running.has(key)) this.#dirty.add(key);
    else {
      this.#ready.add(key);
      this.#pump();
    }
  }

  /**
   * In `ms`; of several delays of one key the earliest counts. A run of the key that begins before clears its delay:
   * the work says anew when to look again.
   */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const due = this.#clock.now() + ms;
    const earlier = this.#delayed.get(key);
    if (earlier && earlier.due <= due) return;
    earlier?.cancel.abort(replaced);
    const cancel = new AbortController();
    this.#delayed.set(key, { due, cancel });
    this.#clock.sleep(ms, cancel.signal).then(
      () => {
        this.#delayed.delete(key);
        this.add(key);
      },
      () => undefined,
    );
  }

  /** After a failure: again with a delay that doubles each time up to `maxDelay` (less up to a fifth, so that failures spread). Says the delay in ms. */
  retry(key: string, maxDelay = this.#maxDelay): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const full = Math.min(this.#firstDelay * 2 ** Math.min(failures, 30), maxDelay);
    const ms = Math.round(full * (1 - Math.random() / 5));
    this.addAfter(key, ms);
    return ms;
  }

  /** The key's work succeeded, or is given up: the next failure counts as the first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often the key has failed in a row. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Takes nothing more, drops what waits, and resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#ready.clear();
    this.#dirty.clear();
    for (const { cancel } of this.#delayed.values()) cancel.abort();
    this.#delayed.clear();
    if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  /** One turn of the event loop later, so that a burst of events is one batch and adding never runs the work itself. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      for (const key of this.#ready) {
        if (this.#running.size >= this.#parallelism) break;
        this.#ready.delete(key);
        void this.#run(key);
      }
    });
  }

  async #run(key: string): Promise<void> {
    this.#running.add(key);
    this.#delayed.get(key)?.cancel.abort(replaced);
    this.#delayed.delete(key);
    try {
      await this.#work(key);
    } finally {
      this.#running.delete(key);
      if (this.#dirty.delete(key)) this.#ready.add(key);
      if (this.#running.size === 0) this.#idle?.();
      if (this.#ready.size > 0) this.#pump();
    }
  }
}
