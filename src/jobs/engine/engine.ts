/**
 * The engine: puts runs in line, gives each to its driver when its turn comes, and finds all that were begun again after a restart.
 * It keeps nothing that the records do not say. Only the leader runs it.
 */
import { type Clock, systemClock } from '../../base/clock.ts';
import { toError, TsumugiError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Fence } from '../../records/fence.ts';
import type { Run, RunChange, RunOutline, RunStore } from '../../records/runs.ts';
import type { Bell } from '../bell.ts';
import type { RunDriver } from '../driver.ts';
import { type ConcurrencyPolicy, concurrencyPolicyOf } from '../model/plan.ts';
import { queueTimedOut } from '../model/queue.ts';
import { Driven, withEvent } from './driven.ts';
import { lineUp } from './line.ts';

export interface EngineOptions {
  readonly runs: RunStore;
  readonly drivers: readonly RunDriver[];
  /** Rung by whoever changes runs in this process, by the engine too. */
  readonly bell: Bell;
  readonly fence?: Fence;
  /** After the end of a run was written, and after a restart perhaps again. */
  readonly ended?: (run: RunOutline) => Promise<void>;
  /** Before runs are forgotten, and after a restart perhaps again: what goes with them. */
  readonly forget?: (uids: readonly string[]) => Promise<void>;
  /** Ends it: nothing is begun after that, and what runs is left as it is. */
  readonly signal: AbortSignal;
  /** How often it looks without having been told. Default 500. */
  readonly pollMs?: number;
  readonly clock?: Clock;
  readonly log: Log;
}

/** A look goes through all that is open, some microseconds for each: with thousands in line it comes less often, whoever rings. */
const restMsOf = (open: number): number => (open < 200 ? 0 : Math.min(250, open / 50));

/** Resolves when `signal` is aborted and all drivers have let go, or when another leads. */
export async function runEngine(options: EngineOptions): Promise<void> {
  const { bell, signal, log, pollMs = 500, clock = systemClock } = options;
  const over = new AbortController();
  const engine = new Engine(options, AbortSignal.any([signal, over.signal]));
  while (!signal.aborted) {
    const rung = bell.wait(pollMs, signal, 'asked');
    let nextAt = 0;
    try {
      nextAt = performance.now() + restMsOf(await engine.look());
    } catch (thrown) {
      if (options.fence && thrown instanceof TsumugiError && thrown.code === 'Conflict') break;
      if (!signal.aborted) log.warn({ err: toError(thrown) }, 'the runs could not be looked through; it will be tried again');
    }
    await rung;
    const restMs = nextAt - performance.now();
    if (restMs > 0) await clock.sleep(restMs, signal).catch(() => undefined);
  }
  over.abort();
  await engine.idle();
}

interface NeverBegun {
  readonly status: 'cancelled' | 'failed';
  readonly reason: string;
  readonly message: string;
}

/** Its turn should have come. The time of one that is paused does not count until it is to go on. */
const isOverdue = ({ admittedAt, desired, queueUntil }: RunOutline, now: number): boolean =>
  admittedAt === undefined && desired === 'run' && queueUntil !== undefined && queueUntil <= now;

class Engine {
  readonly #options: EngineOptions;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #driven = new Map<string, Driven>();
  /** Of runs that wait: read once. */
  readonly #policies = new Map<string, ConcurrencyPolicy>();

  constructor(options: EngineOptions, signal: AbortSignal) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#signal = signal;
  }

  /** Does what the records ask for at this moment. Answers how many runs are open. */
  async look(): Promise<number> {
    const { runs, fence, drivers, forget } = this.#options;
    const all = await runs.open();
    const ended = new Set(all.filter(({ status }) => status !== 'queued' && status !== 'running'));
    if (ended.size > 0) {
      const uids = [...ended].map(({ uid }) => uid);
      await forget?.(uids);
      await runs.delete(uids, fence);
    }
    const open = all.filter((run) => !ended.has(run));
    const begun = open.filter(({ admittedAt }) => admittedAt !== undefined);
    for (const { uid, desired } of begun) this.#driven.get(uid)?.tell(desired);
    await this.#drive(begun.filter(({ uid }) => !this.#driven.has(uid)));
    await this.#end(
      open.filter(({ admittedAt, desired }) => admittedAt === undefined && (desired === 'cancel' || desired === 'delete')),
      () => ({ status: 'cancelled', reason: 'Cancelled', message: 'cancelled before its turn came' }),
    );

    await this.#readPolicies(open);
    const { admitted, refused, replaced } = lineUp(
      open,
      (run) => drivers.find(({ place }) => place === run.place)?.quota(run),
      ({ uid }) => this.#policies.get(uid) ?? 'Allow',
    );
    const because = new Map(refused.map(({ run, because: other }) => [run.uid, other.name]));
    await this.#end(
      refused.map(({ run }) => run),
      ({ uid }) => ({
        status: 'cancelled',
        reason: 'ConcurrencyForbidden',
        message: `"${because.get(uid)}" has not ended, and the concurrency policy is Forbid`,
      }),
    );
    const now = this.#clock.now();
    const settled = new Set([...admitted, ...refused.map(({ run }) => run)]);
    await this.#end(
      open.filter((run) => isOverdue(run, now) && !settled.has(run)),
      ({ spec }) => ({ status: 'failed', ...queueTimedOut(spec) }),
    );
    for (const { run } of replaced) await runs.want(run.uid, 'cancel');
    if (replaced.length > 0) this.#options.bell.ring('asked');
    if (admitted.length > 0) {
      await runs.commit(
        admitted.map(({ uid }) => ({ uid, set: { admittedAt: now } })),
        fence,
      );
      await this.#drive(admitted);
      this.#options.bell.ring('progress');
    }
    return open.length;
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#driven.values()].map(({ done }) => done));
  }

  async #drive(outlines: readonly RunOutline[]): Promise<void> {
    const { runs, drivers, fence, bell, log } = this.#options;
    for (const run of await this.#read(outlines)) {
      const driver = drivers.find(({ place }) => place === run.place);
      if (!driver || run.endedAt !== undefined || this.#signal.aborted) continue;
      const driven = new Driven(run, {
        runs,
        driver,
        fence,
        changed: () => bell.ring('progress', run),
        signal: this.#signal,
        clock: this.#clock,
        log,
      });
      this.#driven.set(run.uid, driven);
      void driven.done.then(async () => {
        this.#driven.delete(run.uid);
        if (!this.#signal.aborted) await this.#ended(run);
        bell.ring('asked', run);
      });
    }
  }

  /** Ends what never began. */
  async #end(outlines: readonly RunOutline[], how: (run: Run) => NeverBegun): Promise<void> {
    if (outlines.length === 0) return;
    const now = this.#clock.now();
    const found = await this.#read(outlines);
    const changes = found.map((run): RunChange => withEvent(run, { set: { endedAt: now, ...how(run) } }, now));
    await this.#options.runs.commit(changes, this.#options.fence);
    for (const run of found) {
      await this.#ended(run);
      this.#options.bell.ring('asked', run);
    }
  }

  async #ended(run: RunOutline): Promise<void> {
    this.#policies.delete(run.uid);
    await this.#options.ended?.(run).catch((error: unknown) => {
      if (!this.#signal.aborted) this.#options.log.warn({ run: run.name, err: toError(error) }, 'tidying up after a run failed');
    });
  }

  async #readPolicies(open: readonly RunOutline[]): Promise<void> {
    const unread = open.filter(({ uid, job, admittedAt }) => admittedAt === undefined && job !== '' && !this.#policies.has(uid));
    for (const run of await this.#read(unread)) this.#policies.set(run.uid, concurrencyPolicyOf(run));
  }

  async #read(outlines: readonly RunOutline[]): Promise<readonly Run[]> {
    if (outlines.length === 0) return [];
    const found = await this.#options.runs.get(outlines.map(({ uid }) => uid));
    return found.filter((run) => run !== undefined);
  }
}
