import { errorTable, TsumugiError, toError } from '../base/errors.ts';
import { Call, type CallOwner } from './call.ts';
import type { Instance } from './instance.ts';
import type { InvokeRequest, ResponseSink } from './invoker.ts';
import type { FunctionEntry, InstanceEntry } from './projection.ts';
import { WaitingQueue } from './queue.ts';

/** What a pool needs of the table it lives in. */
export interface PoolHost {
  /** The instances of a revision, whatever their state. */
  instancesOf(revisionUid: string): readonly Instance[];
  activate(entry: FunctionEntry, known: readonly string[]): Promise<InstanceEntry>;
  /** An activator's answer, which may come before the projection's. */
  adopt(entry: InstanceEntry): void;
  /** Something is under way: deadlines must be watched. */
  watch(): void;
  retried(entry: FunctionEntry, why: 'busy' | 'lost'): void;
}

/** Requests of one function that wait at most; ms that each waits at most; how often an instance may go away with a request. */
const MAX_WAITING = 1000;
const MAX_WAIT = 30_000;
const MAX_ATTEMPTS = 10;
/** For a call that has so little time left nothing is begun any more; ms. */
const LAST_MOMENT = 2_000;
/** After these nothing can change by waiting. */
const terminal = new Set(['LoadError', 'NotFound', 'Invalid', 'Forbidden', 'Unauthorized', 'OutOfMemory', 'Internal']);

/**
 * One function: leases its instances, keeps the queue of what waits for one, asks for more when all are full.
 * A waiting request belongs to the function, not to a revision: when the traffic moves on, it moves with it.
 */
export class Pool implements CallOwner {
  entry: FunctionEntry;
  /** Instances of the revision that gets the traffic. */
  instances: readonly Instance[];
  readonly queue = new WaitingQueue<Call>();
  /** Activations under way, by revision: an old revision's do not count for the new one. */
  activating = 0;
  /** No activation before this, in `performance.now()`. */
  #holdUntil = 0;
  #failures = 0;
  readonly #host: PoolHost;

  constructor(entry: FunctionEntry, host: PoolHost) {
    this.entry = entry;
    this.#host = host;
    this.instances = host.instancesOf(entry.revisionUid ?? '');
  }

  invoke(request: InvokeRequest, sink: ResponseSink): Call {
    const now = performance.now();
    const call = new Call(this, request, sink, now + this.#maxWait());
    this.#host.watch();
    const instance = this.queue.size === 0 ? this.#lease(now) : undefined;
    if (instance) instance.send(call, now, this.#timeoutOf(call));
    else this.#enqueue(call, false);
    return call;
  }

  /** Begins to start instances until there are so many, whether anybody waits for them or not. */
  spread(instances: number): void {
    if (!this.entry.revisionUid) return;
    const wanted = Math.min(instances, this.entry.maxInstances) - this.#usable();
    while (this.activating < wanted && performance.now() >= this.#holdUntil) void this.#activate();
  }

  /** The function was changed, perhaps to another revision. */
  update(entry: FunctionEntry): void {
    const moved = entry.revisionUid !== this.entry.revisionUid;
    this.entry = entry;
    if (moved) {
      this.instances = this.#host.instancesOf(entry.revisionUid ?? '');
      this.activating = 0;
      this.#holdUntil = 0;
      this.#failures = 0;
    }
    this.pump();
  }

  /** The function is gone. */
  remove(): void {
    this.#failWaiting(
      new TsumugiError('NotFound', `function "${this.entry.name}" does not exist (any more) in namespace "${this.entry.namespace}"`),
    );
  }

  /** Sends what waits to instances with room; asks for another instance if that is not enough. */
  pump(): void {
    if (this.queue.size === 0) return;
    const now = performance.now();
    for (let instance = this.#lease(now); instance; instance = this.#lease(now)) {
      const call = this.queue.shift();
      if (!call) return;
      call.waiting = false;
      instance.send(call, now, this.#timeoutOf(call));
    }
    if (this.queue.size > 0) this.#scale(now);
  }

  /** One instance is gone: where there were as many as allowed, another may be asked for at once. */
  hasRoom(): void {
    this.#holdUntil = 0;
    this.pump();
  }

  /** No instance accepted it. */
  returned(call: Call, busy: boolean): void {
    if (call.done) return;
    call.instance = undefined;
    call.sentAt = 0;
    if (!busy && ++call.attempts >= MAX_ATTEMPTS) {
      call.fail(
        new TsumugiError('NoInstance', `${MAX_ATTEMPTS} instances went away before accepting the request`, { retryAfterSeconds: 1 }),
      );
      return;
    }
    // The time that a lost instance held it is not its own.
    if (!busy) call.giveUpAt = performance.now() + this.#maxWait();
    this.#host.retried(this.entry, busy ? 'busy' : 'lost');
    this.#enqueue(call, true);
  }

  left(call: Call): void {
    call.waiting = false;
    this.queue.left();
  }

  /** Fails what has waited too long; tries again to get an instance. */
  tick(now: number): void {
    if (this.queue.size === 0) return;
    for (const call of this.queue.live()) {
      if (call.giveUpAt > now) continue;
      this.left(call);
      call.fail(this.#usable() > 0 ? busyError('the request has waited too long for a free instance') : noInstance(this.entry));
    }
    this.pump();
  }

  #enqueue(call: Call, front: boolean): void {
    if (!this.entry.revisionUid) return call.fail(noInstance(this.entry));
    if (!front && this.queue.size >= MAX_WAITING) return call.fail(busyError(errorTable.Busy.says));
    call.waiting = call.queued = true;
    if (front) this.queue.unshift(call);
    else this.queue.push(call);
    this.pump();
  }

  /** The least loaded instance with room. */
  #lease(now: number): Instance | undefined {
    let best: Instance | undefined;
    let least = Infinity;
    for (const instance of this.instances) {
      if (
        instance.active >= least ||
        instance.state !== 'up' ||
        instance.active >= instance.entry.concurrency ||
        instance.busyUntil > now ||
        instance.pingedAt > 0
      )
        continue;
      best = instance;
      least = instance.active;
    }
    return best;
  }

  #timeoutOf(call: Call): number {
    return call.request.timeoutMs ?? this.entry.timeoutSeconds * 1000;
  }

  #maxWait(): number {
    return Math.min(MAX_WAIT, this.entry.timeoutSeconds * 1000);
  }

  #usable(): number {
    let count = 0;
    for (const instance of this.instances) if (instance.state === 'up') count++;
    return count;
  }

  #scale(now: number): void {
    if (!this.entry.revisionUid) return;
    const wanted = Math.min(Math.ceil(this.queue.size / this.entry.concurrency), this.entry.maxInstances - this.#usable());
    while (this.activating < wanted && now >= this.#holdUntil) void this.#activate();
  }

  async #activate(): Promise<void> {
    const { entry } = this;
    this.activating++;
    let failure: TsumugiError | undefined;
    let instance: InstanceEntry | undefined;
    try {
      instance = await this.#host.activate(
        entry,
        this.instances.map((known) => known.entry.id),
      );
    } catch (error) {
      failure = error instanceof TsumugiError ? error : new TsumugiError('Unavailable', toError(error).message, { cause: error });
    }
    const current = entry.revisionUid === this.entry.revisionUid;
    if (current) this.activating--;
    if (instance) {
      this.#failures = 0;
      this.#host.adopt(instance); // which pumps
    } else if (failure && current) this.#activationFailed(failure);
  }

  #activationFailed(error: TsumugiError): void {
    if (error.code === 'Timeout') {
      // It was asked for those who came first. Who came since has time for another try.
      const told = new TsumugiError('NoInstance', error.message, { retryAfterSeconds: 5 });
      if (this.#usable() === 0) this.#failWaiting(told, performance.now() + LAST_MOMENT);
      this.pump();
      return;
    }
    const hopeless = terminal.has(error.code) || error.code === 'NoInstance';
    if (hopeless && this.#usable() === 0) {
      this.#failWaiting(error);
      return;
    }
    // Instances that work may still take it all; the ticks try again.
    const pause = error.code === 'Unavailable' ? Math.min(2000, 50 * 2 ** this.#failures++) : (error.retryAfterSeconds ?? 1) * 1000;
    this.#holdUntil = performance.now() + pause;
  }

  /** Fails those who would give up before `until`. */
  #failWaiting(error: TsumugiError, until = Infinity): void {
    for (const call of this.queue.live()) {
      if (call.giveUpAt > until) continue;
      this.left(call);
      call.fail(error);
    }
  }
}

function busyError(message: string): TsumugiError {
  return new TsumugiError('Busy', message, {
    retryAfterSeconds: 1,
    hint: "try again later, or raise the function's scale.max or concurrency",
  });
}

function noInstance({ unready: why, unreadyCode }: FunctionEntry): TsumugiError {
  if (unreadyCode)
    return new TsumugiError(unreadyCode, why ?? errorTable[unreadyCode].says, { hint: 'mend the source and apply it again' });
  return new TsumugiError('NoInstance', why ?? errorTable.NoInstance.says, { retryAfterSeconds: 1 });
}
