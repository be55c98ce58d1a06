/** Who waits for a generic pod: a bounded queue per pool, first come, first served. */
import { TsumugiError } from '../../base/errors.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Member } from '../fleet/member.ts';

/** Key of a pool: `namespace/runtime`. */
export const poolKey = (namespace: string, runtime: string): string => `${namespace}/${runtime}`;

interface Waiter {
  readonly give: (member: Member) => void;
}

const maxWaiting = 1000;

export class PodQueue {
  readonly #fleet: Fleet;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<string, Set<Waiter>>();
  readonly #takenAt = new Map<string, number>();
  /** Called when more or fewer wait: the pool's size follows. */
  onDemand: (key: string) => void = () => undefined;

  constructor(fleet: Fleet, timeoutMs: number) {
    this.#fleet = fleet;
    this.#timeoutMs = timeoutMs;
    fleet.on({ available: (member) => this.#offer(member) });
  }

  waiting(key: string): number {
    return this.#waiting.get(key)?.size ?? 0;
  }

  /** By runtime, over all namespaces. */
  waitingByRuntime(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [key, { size }] of this.#waiting) {
      const runtime = key.slice(key.indexOf('/') + 1);
      counts.set(runtime, (counts.get(runtime) ?? 0) + size);
    }
    return counts;
  }

  /** Milliseconds since a pod was last taken from a pool that had one. */
  sinceTaken(key: string): number {
    return performance.now() - (this.#takenAt.get(key) ?? -Infinity);
  }

  /** A pod that nobody else has. Rejects with NoInstance when none could be started in time, Busy when too many wait already. */
  async take(namespace: string, runtime: string, signal: AbortSignal): Promise<Member> {
    const key = poolKey(namespace, runtime);
    const waiters = this.#waiting.get(key) ?? new Set();
    if (waiters.size === 0) {
      const member = this.#fleet.reserve(namespace, runtime);
      if (member) {
        this.#takenAt.set(key, performance.now());
        this.onDemand(key);
        return member;
      }
    }
    if (waiters.size >= maxWaiting)
      throw new TsumugiError('Busy', `${waiters.size} already wait for a pod of runtime ${runtime}`, { retryAfterSeconds: 5 });
    this.#waiting.set(key, waiters);

    const { promise, resolve, reject } = Promise.withResolvers<Member>();
    const waiter: Waiter = { give: resolve };
    const late = setTimeout(
      () =>
        reject(
          new TsumugiError('NoInstance', `no pod of runtime ${runtime} could be started within ${this.#timeoutMs / 1000} s`, {
            retryAfterSeconds: 5,
          }),
        ),
      this.#timeoutMs,
    );
    const onAbort = (): void => reject(new TsumugiError('NoInstance', 'the platform is stopping', { retryAfterSeconds: 1 }));
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
      if (waiters.size === 0 && this.#waiting.get(key) === waiters) this.#waiting.delete(key);
      this.onDemand(key);
    }
  }

  #offer(member: Member): void {
    const waiters = this.#waiting.get(poolKey(member.namespace, member.runtime));
    const [first] = waiters ?? [];
    if (!first) return;
    const reserved = this.#fleet.reserve(member.namespace, member.runtime);
    if (!reserved) return;
    waiters?.delete(first);
    first.give(reserved);
  }
}
