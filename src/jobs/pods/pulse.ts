import type { RunControl } from '../driver.ts';

/** How often it is looked where nothing tells of a change. */
export const pollMs = 1000;
/** While pods end, their last words are read so often. */
export const lastWordsMs = 200;

/** Tells one driven run when to look again: something has changed, or a time has come. */
export class Pulse {
  readonly #signal: AbortSignal;
  #beaten = false;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Look again. */
  readonly beat = (): void => {
    this.#beaten = true;
    this.#wake?.();
  };

  /** Resolves at the next beat (one since the last `next` counts), after `ms`, or when the signal is aborted. */
  async next(ms: number): Promise<void> {
    if (!this.#beaten && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
        this.#signal.addEventListener('abort', this.#wake, { once: true });
      });
      if (this.#wake) this.#signal.removeEventListener('abort', this.#wake);
      this.#wake = undefined;
    }
    this.#beaten = false;
  }
}

/** Does steps until one answers nothing: its end is written. Each says in how many milliseconds to look again at the latest. */
export async function untilOver(
  control: Pick<RunControl, 'signal' | 'onDesired'>,
  pulse: Pulse,
  step: () => Promise<number | undefined>,
): Promise<void> {
  const stop = control.onDesired(pulse.beat);
  try {
    while (!control.signal.aborted) {
      const again = await step();
      if (again === undefined) return;
      await pulse.next(again);
    }
  } finally {
    stop();
  }
}
