/** What keeps a process from being ready, for `/readyz`. */
import { type Clock, systemClock } from '../../base/clock.ts';
import { toError, TsumugiError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';

export class Health {
  readonly #missing = new Map<string, string>();

  /** `part` is not as it should be, in a sentence. */
  lacks(part: string, why: string): void {
    this.#missing.set(part, why);
  }

  has(part: string): void {
    this.#missing.delete(part);
  }

  readonly missing = (): readonly string[] => [...this.#missing].map(([part, why]) => `${part}: ${why}`);
}

export interface Trying {
  readonly health: Health;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

const firstPauseMs = 500;
const longestPauseMs = 2_000;

/** Does it again and again until it works; rejects only when the signal is aborted. Meanwhile `part` is what is missing. */
export async function untilItWorks<T>(
  part: string,
  work: () => Promise<T>,
  { health, log, signal, clock = systemClock }: Trying,
): Promise<T> {
  for (let pause = firstPauseMs; ; pause = Math.min(longestPauseMs, pause * 2)) {
    try {
      const result = await work();
      health.has(part);
      return result;
    } catch (thrown) {
      const why = sentence(thrown);
      health.lacks(part, why);
      log.warn({ part, retryMs: pause }, `not ready: ${why}`);
    }
    await clock.sleep(pause, signal);
  }
}

/** Looks every `everyMs` whether it still works. */
export async function watchOver(
  part: string,
  everyMs: number,
  check: () => Promise<unknown>,
  { health, log, signal, clock = systemClock }: Trying,
): Promise<void> {
  let worked = true;
  while (!signal.aborted) {
    try {
      await check();
      health.has(part);
      if (!worked) log.info({ part }, 'works again');
      worked = true;
    } catch (thrown) {
      const why = sentence(thrown);
      health.lacks(part, why);
      if (worked) log.warn({ part }, why);
      worked = false;
    }
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}

function sentence(thrown: unknown): string {
  const { message } = toError(thrown);
  return thrown instanceof TsumugiError && thrown.hint !== undefined ? `${message} (${thrown.hint})` : message;
}
