/** What is due by time alone: ended runs and events are forgotten once they are old enough. Only the leader does it. */
import type { Clock } from '../base/clock.ts';
import { toError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Fence } from '../records/fence.ts';
import type { Run, RunStore } from '../records/runs.ts';

export interface HistoryOptions {
  readonly runs: RunStore;
  /** Days after its end, or after it was told. */
  readonly days: number;
  /** Forgets a run that has ended, the object that declared it, and its log. */
  readonly forget: (run: Run) => Promise<void>;
  readonly fence?: Fence;
  readonly clock: Clock;
  readonly log: Log;
}

const everyMs = 10 * 60_000;
const dayMs = 86_400_000;
/** Forgotten at once: what is left comes a moment later. */
const batch = 500;
const nextBatchMs = 1000;

/** Resolves when `signal` is aborted. */
export async function keepHistoryInOrder(options: HistoryOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  while (!signal.aborted) {
    let again = everyMs;
    try {
      if (await trimHistory(options)) again = nextBatchMs;
    } catch (error) {
      if (!signal.aborted) log.warn({ error: toError(error).message }, 'old runs could not be forgotten; it will be tried again');
    }
    await clock.sleep(again, signal).catch(() => undefined);
  }
}

/** Answers whether there is more to do. */
export async function trimHistory({ runs, days, forget, fence, clock }: HistoryOptions): Promise<boolean> {
  const before = clock.now() - days * dayMs;
  await runs.trimEvents(before, fence);
  const old = await runs.list({ endedBefore: before, limit: batch });
  for (const run of old) if (run.desired !== 'delete') await forget(run);
  return old.length === batch;
}
