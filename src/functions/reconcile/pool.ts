/**
 * The pools: for each runtime and each namespace with a function on it, some generic pods that wait to be specialised. Where functions
 * say something of their pods (`model/pools.ts`), those come from a pool of their own, which is empty until somebody waits for a pod.
 *
 * Bare pods, made and replaced here on every kind of cluster. Every controller makes pods for those who wait with it; the one that
 * leads keeps the pools at their size besides.
 */
import type { KubeClient } from '../../kube/client.ts';
import type { Informer } from '../../kube/informer.ts';
import type { ReconcileContext, ReconcileResult } from '../../kube/reconcile.ts';
import { hasEnded } from '../fleet/member.ts';
import type { PodRemover } from '../fleet/remover.ts';
import { defaults, label } from '../model/names.ts';
import { isUpToDate } from '../model/pod-template.ts';
import { podTrouble } from '../model/pod-trouble.ts';
import { parsePoolKey, type Pool } from '../model/pools.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';
import { PodMaker, type PodMakerOptions } from './pod-maker.ts';

export interface PoolOptions extends PodMakerOptions {
  readonly client: KubeClient;
  /** While this controller leads: what keeps the pools at their size writes with it. Others make pods for their own waiters alone. */
  readonly leader: () => KubeClient | undefined;
  /** Indexed `pool` by the pool's key. */
  readonly functions: Informer<FunctionResource>;
  /** Indexed `pool`, too. */
  readonly revisions: Informer<RevisionResource>;
  readonly runtimes: Informer<RuntimeResource>;
  readonly remover: PodRemover;
}

/** What another controller may need to take the pods that it made. */
const othersMs = 10_000;
/** A pod that is being specialised has the processor to itself for so long, while the pool is not empty: replacing it can wait. */
const quietMs = 20;
/** How soon a pool is looked at again whose pods have not all said whose they are. */
const askedMs = 200;
/** A pod that others wait for may take so long to start: its image is being fetched. */
const pendingMs = 120_000;

export class PoolReconciler {
  readonly #options: PoolOptions;
  readonly #maker: PodMaker;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#maker = new PodMaker(options);
  }

  async reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult> {
    const { pods, queue, leader } = this.#options;
    const ended = pods.byIndex('pool', key).filter((pod) => hasEnded(pod) && !pod.metadata.deletionTimestamp);
    this.#maker.look(key, ended);
    const pool = queue.pool(key) ?? { ...parsePoolKey(key), key, pod: {} };
    const client = leader();
    return client ? this.#keep(pool, ended, client, context) : this.#serveOwn(pool, context);
  }

  /** Pods for those who wait with this controller, which does not lead. */
  async #serveOwn(pool: Pool, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const { runtimes, queue, client } = this.#options;
    const runtime = runtimes.get(pool.runtime);
    const missing = queue.waiting(pool.key) - this.#generic(pool.key).length - this.#maker.unseen(pool.key);
    return missing > 0 && runtime && !signal.aborted ? this.#maker.make(pool, runtime, missing, client) : undefined;
  }

  /** As many as the pool is to have, and as are waited for here; what has ended, is not as it should be or too many goes. */
  async #keep(pool: Pool, ended: readonly Pod[], client: KubeClient, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const { functions, revisions, runtimes, fleet, queue, remover, kubernetes } = this.#options;
    const { key } = pool;
    const runtime = runtimes.get(pool.runtime);
    await Promise.all(ended.map((pod) => remover.remove(pod, fleet.claimOf(pod.metadata.uid ?? ''))));

    const isCommon = pool.hash === undefined;
    const isStanding = isCommon && functions.countByIndex('pool', key) > 0;
    const isUsed = runtime !== undefined && (functions.countByIndex('pool', key) > 0 || revisions.countByIndex('pool', key) > 0);
    if (!isUsed) this.#forget(key);
    const generic = this.#generic(key);
    // What the pods of a pool are to be is known while somebody waits for them.
    const isKnown = isCommon || queue.pool(key) !== undefined;
    const stale = generic.filter((pod) => !isUsed || (isKnown && !isUpToDate(pod, pool, runtime, kubernetes)));
    const good = generic.filter((pod) => !stale.includes(pod));
    const wanted = isUsed ? (isStanding ? (runtime.spec.poolSize ?? defaults.poolSize) : 0) + queue.waiting(key) : 0;
    // The youngest go first: they are the least likely to be ready.
    const surplus = good
      .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))
      .slice(Math.max(wanted, 0));
    const spare = surplus.filter((pod) => this.#spareMs(pod) <= 0);
    const going = [...stale, ...spare];
    const unasked = going.filter((pod) => this.#isUnasked(pod));
    await Promise.all(going.filter((pod) => !unasked.includes(pod)).map((pod) => this.#dismiss(pod)));

    const missing = wanted - (good.length - surplus.length) - this.#maker.unseen(key);
    if (missing <= 0 || !runtime || signal.aborted) {
      if (unasked.length > 0) return { again: askedMs / 1000 };
      return spare.length < surplus.length ? { again: othersMs / 1000 } : undefined;
    }
    const quiet = quietMs - queue.sinceTaken(key);
    if (quiet > 0 && queue.waiting(key) === 0 && good.length > 0) return { again: quiet / 1000 };
    return this.#maker.make(pool, runtime, missing, client);
  }

  /** It runs, and has not said yet whether it is an instance: after a restart its labels may not be written. One that never says is ended by the scaler. */
  #isUnasked(pod: Pod): boolean {
    const member = this.#options.fleet.get(pod.metadata.uid ?? '');
    return member?.state === 'pending' && member.address !== undefined;
  }

  /** How long a pod too many is left: on a cluster another controller may have made it for those who wait with it. */
  #spareMs(pod: Pod): number {
    if (!this.#options.kubernetes) return 0;
    const member = this.#options.fleet.get(pod.metadata.uid ?? '');
    if (member?.state === 'generic') return member.since + othersMs - Date.now();
    if (pod.metadata.labels?.[label.pool] === undefined) return othersMs;
    return podTrouble(pod)?.isLasting ? 0 : Date.parse(pod.metadata.creationTimestamp ?? '') + pendingMs - Date.now();
  }

  /** Neither specialised, nor about to be, nor ended or going. */
  #generic(key: string): readonly Pod[] {
    const { pods, fleet } = this.#options;
    return pods.byIndex('pool', key).filter((pod) => {
      if (pod.metadata.deletionTimestamp || hasEnded(pod) || pod.metadata.labels?.[label.revision]) return false;
      const state = fleet.get(pod.metadata.uid ?? '')?.state;
      return state === undefined || state === 'pending' || state === 'generic';
    });
  }

  async #dismiss(pod: Pod): Promise<void> {
    const member = this.#options.fleet.get(pod.metadata.uid ?? '');
    // Out of the pool first, so that nobody specialises what is about to go.
    if (member) await this.#options.remover.kill(member, 'the pool does not need it');
    else await this.#options.remover.remove(pod);
  }

  #forget(key: string): void {
    this.#maker.forget(key);
    this.#options.queue.forget(key);
  }
}
