/**
 * Leader election on a Lease (coordination.k8s.io/v1), with the rules of Kubernetes' own components: who holds the Lease renews it;
 * who does not takes it once it has not been seen to change for the time it says. Time is measured by this process's monotonic clock.
 *
 * @example
 * const election = electLeader({
 *   client, namespace: 'tsumugi-system', lease: 'tsumugi-controller', identity: podName, log,
 *   epochFloor: () => records.fences.highest('controllers'),
 *   onLeading: async (leadership) => {
 *     await records.fences.raise({ scope: 'controllers', epoch: leadership.epoch });
 *     await runReconcilers(fenced(client, leadership), leadership.signal); // resolves when they have stopped
 *   },
 *   onLost: (error) => exitForARestart(error),
 * });
 * await election.stop(); // the signal is aborted, onLeading waited for, the Lease released: another leads at once
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { toError, TsumugiError } from '../base/errors.ts';
import { type Log, silentLog } from '../base/log.ts';
import { isAlreadyExists, isConflict } from '../resources/object.ts';
import type { KubeClient } from './client.ts';
import { LeaseRecord } from './lease-record.ts';

/** One time of leading: from getting the Lease to losing it or giving it up. */
export interface Leadership {
  /** The Lease's `leaseTransitions`: higher than that of every leader before. */
  readonly epoch: number;
  /** Aborted when it is lost (at once), or given up (`stop`; then writes are still allowed until `onLeading` has resolved). */
  readonly signal: AbortSignal;
  /** Throws Conflict once the Lease is not surely ours any more, also when nobody has told us yet: after SIGSTOP, say. */
  assertValid(): void;
}

export interface ElectionOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Name of the Lease; made when it is not there. */
  readonly lease: string;
  /** Who we are, for people: the pod's name. A random part is added: two processes are never one holder. */
  readonly identity: string;
  /** Do what only the leader may; resolve when it has stopped after the signal. A rejection gives the leadership up. */
  readonly onLeading: (leadership: Leadership) => Promise<void>;
  /** Called once, after the signal, when leading ended without `stop`. The election is over: end the process, begin anew. */
  readonly onLost: (error: Error) => void;
  /** The highest epoch known elsewhere (the records' fence): ours will be higher, also when somebody has deleted the Lease. */
  readonly epochFloor?: () => Promise<number>;
  /** How long others leave a silent holder alone. Whole seconds. Default 15. */
  readonly leaseDurationSeconds?: number;
  /** How long the holder relies on its last renewal. Default 10. */
  readonly renewDeadlineSeconds?: number;
  /** Between two attempts. Default 2. */
  readonly retryPeriodSeconds?: number;
  readonly clock?: Clock;
  /** Milliseconds that only go forward. Default: `performance.now`. */
  readonly monotonic?: () => number;
  readonly log?: Log;
}

export interface Election {
  /** As the Lease names us. */
  readonly identity: string;
  /** Now, if we lead. */
  readonly leadership: Leadership | undefined;
  /** Who held the Lease when it was read last. */
  readonly holder: string | undefined;
  /** Gives up: ends leading in order, releases the Lease. Resolves when that is done, or could not be. */
  stop(): Promise<void>;
}

/** The same client, but what changes something is refused (Conflict) before it is sent once `leadership` is not surely ours any more. */
export function fenced(client: KubeClient, leadership: Pick<Leadership, 'assertValid'>): KubeClient {
  const guard = <T>(write: () => Promise<T>): Promise<T> => {
    try {
      leadership.assertValid();
    } catch (error) {
      return Promise.reject(toError(error));
    }
    return write();
  };
  return {
    get: (resource, key) => client.get(resource, key),
    list: (resource, options) => client.list(resource, options),
    watch: (resource, options) => client.watch(resource, options),
    raw: (path, options) => client.raw(path, options),
    create: (resource, object, options) => guard(() => client.create(resource, object, options)),
    update: (resource, object, options) => guard(() => client.update(resource, object, options)),
    patch: (resource, key, patch, options) => guard(() => client.patch(resource, key, patch, options)),
    delete: (resource, key, options) => guard(() => client.delete(resource, key, options)),
  };
}

/** Begins to stand for election. Throws Invalid for times that cannot work; else whatever fails is logged and tried again. */
export function electLeader(options: ElectionOptions): Election {
  const timing = timingOf(options);
  const { onLost, clock = systemClock, log = silentLog } = options;
  const { client, namespace, lease, identity, epochFloor = async () => 0, monotonic = () => performance.now() } = options;
  const record = new LeaseRecord({ client, namespace, lease, identity, epochFloor, monotonic, now: () => clock.now(), ...timing });
  /** Ends waiting: nobody is to be elected any more, or what the leader did has ended. */
  const over = new AbortController();
  const stopping = new AbortController();
  let reign: Reign | undefined;

  const pause = (ms: number): Promise<void> => clock.sleep(ms, over.signal).catch(() => undefined);
  const warn = (error: unknown, says: string): void => log.warn({ lease, error: toError(error).message }, says);

  async function acquire(): Promise<number | undefined> {
    while (!stopping.signal.aborted) {
      try {
        const epoch = await within(clock, timing.renewDeadlineMs, record.acquire());
        if (epoch !== undefined) return epoch;
      } catch (error) {
        // That another was faster is everyday life.
        if (!isConflict(error) && !isAlreadyExists(error)) warn(error, 'the lease could not be read or taken');
      }
      // Not all contenders at the same moment.
      await pause(timing.retryPeriodMs * (1 + 0.2 * Math.random()));
    }
    return undefined;
  }

  /** Renews until what the leader does has ended. Answers why, when the lease is lost. */
  async function renew(epoch: number): Promise<Error | undefined> {
    let why: Error | undefined;
    for (;;) {
      await pause(Math.min(timing.retryPeriodMs, record.validMs()));
      if (over.signal.aborted) return undefined;
      if (record.validMs() > 0) {
        try {
          await within(clock, record.validMs(), record.renew());
          why = undefined;
        } catch (error) {
          // The last attempt may have had no time: the first says what is wrong.
          why ??= toError(error);
          warn(error, 'the lease could not be renewed');
        }
      }
      if (record.validMs() === 0) return lost(record.identity, epoch, why);
    }
  }

  async function lead(epoch: number): Promise<void> {
    const mine = new Reign(epoch, record);
    reign = mine;
    log.info({ lease, epoch, identity: record.identity }, 'leading');
    const renewing = renew(epoch);
    const working = (async () => options.onLeading(mine))().then(() => undefined, toError);
    const why = await Promise.race([working, renewing]);
    if (!stopping.signal.aborted) {
      const error = why ?? new TsumugiError('Unavailable', 'what the leader did has ended by itself');
      mine.end(error);
      reign = undefined;
      log.error({ lease, epoch, error: error.message }, 'leading no more');
      onLost(error);
    }
    // Renewed until the last write is done: whoever comes next finds nobody at work.
    await working;
    over.abort();
    await renewing;
    reign = undefined;
    if (record.validMs() > 0) await within(clock, timing.renewDeadlineMs, record.release());
  }

  const done = acquire()
    .then((epoch) => {
      if (epoch === undefined) return undefined;
      // Told to stop while the Lease was on its way to us: nobody is to lead.
      return stopping.signal.aborted ? within(clock, timing.renewDeadlineMs, record.release()) : lead(epoch);
    })
    .catch((error: unknown) => warn(error, 'the lease could not be released: others wait until it expires'));

  return {
    identity: record.identity,
    get leadership() {
      return reign;
    },
    get holder() {
      return record.holder;
    },
    stop: async () => {
      stopping.abort();
      if (reign) reign.end(new TsumugiError('Unavailable', 'this process stops'));
      else over.abort();
      await done;
    },
  };
}

class Reign implements Leadership {
  readonly epoch: number;
  readonly #record: LeaseRecord;
  readonly #end = new AbortController();

  constructor(epoch: number, record: LeaseRecord) {
    this.epoch = epoch;
    this.#record = record;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  end(why: Error): void {
    this.#end.abort(why);
  }

  assertValid(): void {
    if (this.#record.validMs() === 0) throw lost(this.#record.identity, this.epoch);
  }
}

function lost(identity: string, epoch: number, cause?: Error): TsumugiError {
  const because = cause ? `: ${cause.message}` : '';
  return new TsumugiError('Conflict', `"${identity}" is not surely the leader any more (epoch ${epoch})${because}`, {
    hint: 'end this process; the next leader goes on',
    ...(cause && { cause }),
  });
}

/** Rejects with Unavailable when `work` takes longer; what it does then is its own affair. */
async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const late = clock.sleep(ms, ended.signal).then(() => {
    throw new TsumugiError('Unavailable', `the API server did not answer within ${Math.round(ms)} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    work.catch(() => undefined);
    ended.abort();
  }
}

function timingOf({ leaseDurationSeconds = 15, renewDeadlineSeconds = 10, retryPeriodSeconds = 2 }: ElectionOptions): {
  readonly leaseDurationSeconds: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
} {
  if (!Number.isInteger(leaseDurationSeconds) || leaseDurationSeconds < 1) {
    throw new TsumugiError('Invalid', `leaseDurationSeconds is ${leaseDurationSeconds}`, { hint: 'give a whole number of at least 1' });
  }
  if (!(leaseDurationSeconds > renewDeadlineSeconds && renewDeadlineSeconds > retryPeriodSeconds * 1.2 && retryPeriodSeconds > 0)) {
    throw new TsumugiError(
      'Invalid',
      `leaseDurationSeconds ${leaseDurationSeconds}, renewDeadlineSeconds ${renewDeadlineSeconds} and retryPeriodSeconds ${retryPeriodSeconds} do not fit`,
      { hint: 'the duration must be longer than the deadline, the deadline longer than 1.2 retry periods' },
    );
  }
  return { leaseDurationSeconds, renewDeadlineMs: renewDeadlineSeconds * 1000, retryPeriodMs: retryPeriodSeconds * 1000 };
}
