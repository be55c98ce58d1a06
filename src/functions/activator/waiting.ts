/** Who waits for a generic pod: a bounded queue per pool, first come, first served. */
import { TsumugiError } from '../../base/errors.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Member } from '../fleet/member.ts';
import type { Pool } from '../model/pools.ts';

/** No pod can be had, and waiting would not help: `reason` is a word for conditions. */
export class NoPods extends TsumugiError {
  readonly reason: string;
  constructor(reason: string, message: string, cause?: unknown) {
    super('NoInstance', `no pod can be started: ${reason}: ${message}`, { retryAfterSeconds: 5, cause });
    this.reason = reason;
  }
}

interface Waiter {
  readonly give: (member: Member) => void;
  readonly refuse: (error: Error) => void;
}

interface Waiting {
  readonly pool: Pool;
  readonly waiters: Set<Waiter>;
}

const maxWaiting = 1000;

export class PodQueue {
  readonly #fleet: Fleet;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<string, Waiting>();
  readonly #takenAt = new Map<string, number>();
  /** Called when more or fewer wait: the pool's size follows. */
  onDemand: (key: string) => void = () => undefined;
  /** What keeps the pool's pods from running, as far as anybody knows: for those who have waited in vain. */
  explain: (key: string) => string | undefined = () => undefined;

  constructor(fleet: Fleet, timeoutMs: number) {
    this.#fleet = fleet;
    this.#timeoutMs = timeoutMs;
    fleet.on({ available: (member) => this.#offer(member) });
  }

  waiting(key: string): number {
    return this.#waiting.get(key)?.waiters.size ?? 0;
  }

  /** The pool of a key, while somebody waits for its pods. */
  pool(key: string): Pool | undefined {
    return this.#waiting.get(key)?.pool;
  }

  /** Tells all who wait for a pod of the pool that there will be none. */
  refuse(key: string, error: NoPods): void {
    for (const waiter of this.#waiting.get(key)?.waiters ?? []) waiter.refuse(error);
  }

  /** Nothing is kept of a pool that is gone. */
  forget(key: string): void {
    this.#takenAt.delete(key);
  }

  /** By runtime, over all namespaces. */
  waitingByRuntime(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { pool, waiters } of this.#waiting.values()) counts.set(pool.runtime, (counts.get(pool.runtime) ?? 0) + waiters.size);
    return counts;
  }

  /** Milliseconds since a pod was last taken from a pool that had one. */
  sinceTaken(key: string): number {
    return performance.now() - (this.#takenAt.get(key) ?? -Infinity);
  }

  /** A pod that nobody else has. Rejects with NoInstance when none can be started, Timeout when none came in time, Busy when too many wait already. */
  async take(pool: Pool, signal: AbortSignal): Promise<Member> {
    const { key, runtime } = pool;
    const waiting = this.#waiting.get(key) ?? { pool, waiters: new Set<Waiter>() };
    const { waiters } = waiting;
    if (waiters.size === 0) {
      const member = this.#fleet.reserve(key);
      if (member) {
        this.#takenAt.set(key, performance.now());
        this.onDemand(key);
        return member;
      }
    }
    if (waiters.size >= maxWaiting)
      throw new TsumugiError('Busy', `${waiters.size} already wait for a pod of runtime ${runtime}`, { retryAfterSeconds: 5 });
    this.#waiting.set(key, waiting);

    const { promise, resolve, reject } = Promise.withResolvers<Member>();
    const waiter: Waiter = { give: resolve, refuse: reject };
    const late = setTimeout(() => {
      const why = this.explain(key);
      const says = `no pod of runtime ${runtime} could be started within ${this.#timeoutMs / 1000} s${why === undefined ? '' : `: ${why}`}`;
      reject(new TsumugiError('Timeout', says, { retryAfterSeconds: 5 }));
    }, this.#timeoutMs);
    const onAbort = (): void => reject(new TsumugiError('Unavailable', 'the platform is stopping', { retryAfterSeconds: 1 }));
    signal.addEventListener('abort', onAbort, { once: true });
    waiters.add(waiter);
    this.onDemand(key);
    try {
      signal.throwIfAborted();
      return await promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key);
      this.onDemand(key);
    }
  }

  #offer({ pool }: Member): void {
    const waiters = this.#waiting.get(pool)?.waiters;
    const [first] = waiters ?? [];
    if (!first) return;
    const reserved = this.#fleet.reserve(pool);
    if (!reserved) return;
    waiters?.delete(first);
    first.give(reserved);
  }
}
