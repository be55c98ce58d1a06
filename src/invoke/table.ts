import { errorTable, TsumugiError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Call } from './call.ts';
import { Instance, type InstanceOwner } from './instance.ts';
import type { Invocation, Invoker, InvokeRequest, ResponseSink } from './invoker.ts';
import { Pool, type PoolHost } from './pool.ts';
import type { Activator, FunctionEntry, InstanceEntry, ProjectionEntry } from './projection.ts';

/** What happens in the table, for metrics. */
export interface InvokeObserver {
  activated(entry: FunctionEntry, seconds: number, code: string): void;
  retried(entry: FunctionEntry, why: 'busy' | 'lost'): void;
}

/** How often deadlines are looked at while something is under way; ms. Nobody asks for a time-out to the millisecond. */
const TICK = 100;
const FIRST_RECONNECT = 20;
const MAX_RECONNECT = 5_000;
/** How long after its report a blocked instance may stay connected: longer than it takes to kill it. */
const KILL_GRACE = 15_000;
/** How long after its time a call waits that its instance has not accepted: longer than it takes to find out that it hangs, and to kill it; ms. */
const UNACCEPTED_GRACE = 20_000;
/** How long the callers of an instance that died wait to hear why; ms. */
const END_WAIT = 1_500;

/**
 * The functions and instances that the projection told of; sends requests to them. See the `Invoker` port.
 *
 * @example
 * const table = new InstanceTable({ activator, log });
 * watchProjection({ address, log, targets: [table] });
 */
export class InstanceTable implements Invoker, PoolHost, InstanceOwner {
  readonly #activator: Activator;
  readonly #log: Log;
  readonly #observer: InvokeObserver | undefined;
  readonly #functions = new Map<string, FunctionEntry>();
  /** Made at a function's first request. */
  readonly #pools = new Map<string, Pool>();
  readonly #instances = new Map<string, Instance>();
  readonly #revisions = new Map<string, Instance[]>();
  /** Which pool a revision's instances serve. */
  readonly #poolOf = new Map<string, Pool>();
  readonly #reconnects = new Map<string, { timer: NodeJS.Timeout | undefined; delay: number }>();
  /** Out of the projection, but still finishing what they have. */
  readonly #retiring = new Set<Instance>();
  /** From an activator's answer; the projection has not told of them yet. */
  readonly #unconfirmed = new Set<string>();
  readonly #killedAt = new Map<Instance, number>();
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { activator: Activator; log: Log; observer?: InvokeObserver }) {
    this.#activator = options.activator;
    this.#log = options.log;
    this.#observer = options.observer;
  }

  invoke(request: InvokeRequest, sink: ResponseSink): Invocation {
    const pool = this.#pool(request.function);
    if (!pool) throw new TsumugiError('NotFound', `function "${request.function}" does not exist`);
    return pool.invoke(request, sink);
  }

  spread(key: string, instances: number): void {
    this.#pool(key)?.spread(instances);
  }

  lookup(key: string): FunctionEntry | undefined {
    return this.#functions.get(key);
  }

  /** Requests that wait for an instance, in all. */
  waiting(): number {
    let count = 0;
    for (const pool of this.#pools.values()) count += pool.queue.size;
    return count;
  }

  put(entry: ProjectionEntry): void {
    if (entry.kind === 'function') this.#putFunction(entry);
    else if (entry.kind === 'instance') {
      this.#unconfirmed.delete(entry.id);
      this.#putInstance(entry);
    }
  }

  delete(kind: ProjectionEntry['kind'], key: string): void {
    if (kind === 'function') {
      const pool = this.#pools.get(key);
      this.#functions.delete(key);
      this.#pools.delete(key);
      if (pool?.entry.revisionUid) this.#poolOf.delete(pool.entry.revisionUid);
      pool?.remove();
    } else if (kind === 'instance') this.#deleteInstance(key);
  }

  adopt(entry: InstanceEntry): void {
    if (!this.#instances.has(entry.id)) this.#unconfirmed.add(entry.id);
    this.#putInstance(entry);
  }

  instancesOf(revisionUid: string): readonly Instance[] {
    let instances = this.#revisions.get(revisionUid);
    if (!instances) this.#revisions.set(revisionUid, (instances = []));
    return instances;
  }

  async activate(entry: FunctionEntry, known: readonly string[]): Promise<InstanceEntry> {
    const start = performance.now();
    let code = 'Ok';
    const reserved = new Set<string>();
    try {
      const instance = await this.#activator.activate(
        { revisionUid: entry.revisionUid!, namespace: entry.namespace, revision: entry.revision!, known },
        this.#closing.signal,
        (early) => {
          if (this.#instances.has(early.id)) return;
          reserved.add(early.id);
          this.#unconfirmed.add(early.id);
          this.#putInstance(early, true);
        },
      );
      reserved.delete(instance.id);
      return instance;
    } catch (error) {
      code = error instanceof TsumugiError ? error.code : 'Internal';
      throw error;
    } finally {
      // Pods that were tried and did not become the instance.
      for (const id of reserved) if (this.#unconfirmed.has(id)) this.#deleteInstance(id);
      this.#observer?.activated(entry, (performance.now() - start) / 1000, code);
    }
  }

  retried(entry: FunctionEntry, why: 'busy' | 'lost'): void {
    this.#observer?.retried(entry, why);
  }

  welcomed(instance: Instance): void {
    this.#reconnects.delete(instance.entry.id);
  }

  freed(instance: Instance): void {
    const pool = this.#poolOf.get(instance.entry.revisionUid);
    if (pool && pool.queue.size > 0) pool.pump();
  }

  returned(call: Call, busy: boolean): void {
    call.pool.returned(call, busy);
  }

  async ending({ entry }: Instance): Promise<TsumugiError> {
    const end = await this.#activator
      .endOf(entry.id, AbortSignal.any([this.#closing.signal, AbortSignal.timeout(END_WAIT)]))
      .catch(() => undefined);
    const code = end?.reason ?? 'InstanceExited';
    return new TsumugiError(code, errorTable[code].says);
  }

  lost(instance: Instance): void {
    const { id } = instance.entry;
    if (instance.state === 'down') this.#retiring.delete(instance);
    if (instance.state !== 'down' || this.#instances.get(id) !== instance || this.#closing.signal.aborted) return;
    this.#killedAt.delete(instance);
    if (instance.isSpent) return this.#unconfirmed.has(id) ? this.#deleteInstance(id) : undefined;
    // As long as the projection says that it is there, it may come back. Until it does, activators are told not to offer it.
    const retry = this.#reconnects.get(id) ?? { timer: undefined, delay: FIRST_RECONNECT };
    if (retry.delay === MAX_RECONNECT && this.#unconfirmed.has(id)) return this.#deleteInstance(id);
    this.#reconnects.set(id, retry);
    clearTimeout(retry.timer);
    retry.timer = setTimeout(() => {
      instance.connect();
      this.freed(instance);
    }, retry.delay).unref();
    retry.delay = Math.min(MAX_RECONNECT, retry.delay * 2);
  }

  watch(): void {
    this.#timer ??= setTimeout(this.#tick, TICK);
  }

  /** Gives up what is left and closes all connections. */
  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
    for (const id of this.#instances.keys()) this.#deleteInstance(id);
    for (const instance of this.#retiring) instance.close();
    for (const pool of this.#pools.values()) pool.remove();
  }

  #pool(key: string): Pool | undefined {
    const present = this.#pools.get(key);
    const entry = this.#functions.get(key);
    if (present || !entry) return present;
    const pool = new Pool(entry, this);
    this.#pools.set(key, pool);
    if (entry.revisionUid) this.#poolOf.set(entry.revisionUid, pool);
    return pool;
  }

  #putFunction(entry: FunctionEntry): void {
    const key = `${entry.namespace}/${entry.name}`;
    this.#functions.set(key, entry);
    const pool = this.#pools.get(key);
    if (!pool) return;
    if (pool.entry.revisionUid) this.#poolOf.delete(pool.entry.revisionUid);
    if (entry.revisionUid) this.#poolOf.set(entry.revisionUid, pool);
    pool.update(entry);
  }

  #putInstance(entry: InstanceEntry, reserved = false): void {
    const present = this.#instances.get(entry.id);
    if (present) {
      if (present.entry.address === entry.address && present.entry.token === entry.token) return this.#confirm(present);
      this.#deleteInstance(entry.id);
    }
    const instance = new Instance(entry, this, reserved);
    this.#instances.set(entry.id, instance);
    (this.instancesOf(entry.revisionUid) as Instance[]).push(instance);
    this.#poolOf.get(entry.revisionUid)?.pump();
  }

  /** What the activator or the projection says of an instance that is known already. */
  #confirm(instance: Instance): void {
    if (instance.state !== 'opening') return;
    // It serves: calls may queue behind its greeting.
    instance.state = 'up';
    this.freed(instance);
  }

  #deleteInstance(id: string): void {
    const instance = this.#instances.get(id);
    if (!instance) return;
    this.#instances.delete(id);
    this.#unconfirmed.delete(id);
    clearTimeout(this.#reconnects.get(id)?.timer);
    this.#reconnects.delete(id);
    this.#killedAt.delete(instance);
    const { revisionUid } = instance.entry;
    const instances = this.#revisions.get(revisionUid);
    instances?.splice(instances.indexOf(instance), 1);
    if (instances?.length === 0 && !this.#poolOf.has(revisionUid)) this.#revisions.delete(revisionUid);
    this.#poolOf.get(revisionUid)?.hasRoom();
    // What runs there is finished, if the instance still can; a dead one closes by itself.
    if (instance.state === 'down') return;
    this.#retiring.add(instance);
    instance.retire();
  }

  readonly #tick = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    let busy = false;
    for (const pool of this.#pools.values()) {
      pool.tick(now);
      if (pool.queue.size > 0) busy = true;
    }
    for (const instances of [this.#instances.values(), this.#retiring]) {
      for (const instance of instances) {
        if (instance.active > 0 || instance.pingedAt > 0) busy = true;
        this.#checkTime(instance, now);
      }
    }
    if (busy && !this.#closing.signal.aborted) this.watch();
  };

  #checkTime(instance: Instance, now: number): void {
    let expired = false;
    for (const call of instance.expired(now)) {
      expired = true;
      // One that was never accepted goes elsewhere if the instance hangs, which is known after its grace.
      if (!call.accepted && now < call.deadline + UNACCEPTED_GRACE) continue;
      instance.cancel(call, 'Timeout');
      call.fail(new TsumugiError('Timeout', `the function did not answer in ${Math.round((call.deadline - call.sentAt) / 1000)} s`));
    }
    // A time-out may be the handler's own waiting, or an event loop that hangs: that one must go.
    if (expired) instance.overdue(now);
    else instance.watchSilence(now);
    const killedAt = this.#killedAt.get(instance);
    if (killedAt === undefined && instance.blocked(now)) {
      this.#killedAt.set(instance, now);
      this.#log.warn({ instance: instance.entry.pod }, 'an instance does not answer: its event loop is blocked');
      this.#activator
        .report(instance.entry.id, 'blocked', 'the event loop did not turn')
        .catch((error: unknown) => this.#log.warn({ err: error, instance: instance.entry.pod }, 'reporting a blocked instance failed'));
    } else if (killedAt !== undefined && now - killedAt > KILL_GRACE) instance.close();
  }
}
