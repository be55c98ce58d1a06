/** One admitted run in the hands of its driver, until its end is written. */
import type { Clock } from '../../base/clock.ts';
import { errorTable, toError, TsumugiError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Fence } from '../../records/fence.ts';
import type { Run, RunChange, RunDesire, RunStore } from '../../records/runs.ts';
import type { RunControl, RunDriver } from '../driver.ts';
import { statusEvent } from '../model/events.ts';

const firstRetryMs = 200;
const maxRetryMs = 30_000;

export interface DrivenOptions {
  readonly runs: RunStore;
  readonly driver: RunDriver;
  readonly fence: Fence | undefined;
  /** Something was written. */
  readonly changed: () => void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

export class Driven implements RunControl {
  readonly signal: AbortSignal;
  /** Resolves when the driver is done with it; never rejects. */
  readonly done: Promise<void>;
  #run: Run;
  #desired: RunDesire;
  #ended = false;
  readonly #options: DrivenOptions;
  readonly #listeners = new Set<(desired: RunDesire) => void>();

  constructor(run: Run, options: DrivenOptions) {
    this.#run = run;
    this.#desired = run.desired;
    this.#options = options;
    this.signal = options.signal;
    this.done = this.#drive();
  }

  desired(): RunDesire {
    return this.#desired;
  }

  onDesired(listener: (desired: RunDesire) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What the records say by now. */
  tell(desired: RunDesire): void {
    if (desired === this.#desired) return;
    this.#desired = desired;
    for (const listener of this.#listeners) listener(desired);
  }

  async commit(change: Omit<RunChange, 'uid' | 'version' | 'desired'>): Promise<void> {
    const { runs, fence, changed, clock } = this.#options;
    this.signal.throwIfAborted();
    await runs.commit([withEvent(this.#run, change, clock.now())], fence);
    if (change.set?.status) this.#run = { ...this.#run, status: change.set.status, version: this.#run.version + 1 };
    if (change.set?.endedAt !== undefined) this.#ended = true;
    changed();
  }

  async #drive(): Promise<void> {
    const { runs, driver, clock, log } = this.#options;
    const { uid, namespace, name } = this.#run;
    for (let delayMs = firstRetryMs; !this.signal.aborted; delayMs = Math.min(maxRetryMs, delayMs * 2)) {
      try {
        await driver.drive(this.#run, this);
        if (this.#ended || this.signal.aborted) return;
        throw new Error('its driver left it before its end');
      } catch (thrown) {
        if (this.signal.aborted || (await this.#isHopeless(thrown))) return;
        log.warn({ run: `${namespace}/${name}`, err: toError(thrown) }, 'a run could not be driven; it will be tried again');
        await clock.sleep(delayMs, this.signal).catch(() => undefined);
        const [run] = await runs.get([uid]).catch(() => [this.#run]);
        if (!run || run.endedAt !== undefined) return;
        this.#run = run;
      }
    }
  }

  /** True when there is nothing more to do: it is gone, another leads, or it has just been ended. */
  async #isHopeless(thrown: unknown): Promise<boolean> {
    if (this.#ended) return true;
    if (!(thrown instanceof TsumugiError) || errorTable[thrown.code].retry !== 'never' || thrown.code === 'Internal') {
      return thrown instanceof TsumugiError && thrown.code === 'Conflict' && this.#options.fence !== undefined;
    }
    const set = { status: 'failed', endedAt: this.#options.clock.now(), reason: thrown.code, message: thrown.message } as const;
    try {
      await this.commit({ set });
    } catch (error) {
      return error instanceof TsumugiError && (error.code === 'NotFound' || error.code === 'Conflict');
    }
    return true;
  }
}

/** The change with the CloudEvent of its new status. */
export function withEvent(run: Run, change: Omit<RunChange, 'uid'>, now: number): RunChange {
  const status = change.set?.status;
  if (!status || status === run.status) return { ...change, uid: run.uid };
  return { ...change, uid: run.uid, events: [...(change.events ?? []), statusEvent(run, status, now)] };
}
