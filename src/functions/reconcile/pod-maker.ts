/**
 * Makes the pods of pools, and knows what keeps them from running. Not more start at once than there are cores, over all pools: more
 * would only make each of them slower, and the functions that run too. (Measured on a Kubernetes node of two cores: of 20 that are
 * waited for, the average one comes after 3 s when two start at a time, and after 5 s or more when all do.) What is refused, or ends
 * before it can be used, is tried again later and later, and those who wait for it are told why.
 */
import { availableParallelism } from 'node:os';

import type { KubeClient } from '../../kube/client.ts';
import type { Informer } from '../../kube/informer.ts';
import type { ReconcileResult } from '../../kube/reconcile.ts';
import { ApiError, isAlreadyExists } from '../../resources/object.ts';
import { pods as podResource } from '../../resources/resources.ts';
import { NoPods, type PodQueue } from '../activator/waiting.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { hasEnded, type Member } from '../fleet/member.ts';
import { fieldManager } from '../model/names.ts';
import { type KubernetesPods, poolPod } from '../model/pod-template.ts';
import { podEnd, type PodTrouble, podTrouble, refusalText } from '../model/pod-trouble.ts';
import type { Pool } from '../model/pools.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';

export interface PodMakerOptions {
  /** Indexed `pool` by the pool's key. */
  readonly pods: Informer<Pod>;
  readonly fleet: Fleet;
  readonly queue: PodQueue;
  readonly kubernetes: KubernetesPods | undefined;
  /** Reconcile another pool soon. */
  readonly enqueue: (key: string) => void;
}

/** A pod that has not been reached for so long does not count as starting any more: others may start. */
const startingMs = 15_000;
/** After a pod that ended before it was ever reached: doubles with each. */
const firstBackoffMs = 500;
const maxBackoffMs = 30_000;
/** So often in a row, within 2 s, it may go wrong before those who wait hear of it: a new namespace gets its service account a moment later. */
const patience = 3;
/** A program that listens does so within this time. */
const silentMs = 10_000;

interface Failure {
  readonly count: number;
  /** No other try before, milliseconds since 1970. */
  readonly until: number;
  readonly error: NoPods;
  /** Those who wait are told. */
  readonly isLasting: boolean;
}

export class PodMaker {
  readonly #options: PodMakerOptions;
  /** Pods made here and not yet reached: uid -> when. */
  readonly #starting = new Map<string, { readonly key: string; readonly at: number }>();
  /** Creations under way, all pools. */
  #creating = 0;
  readonly #failures = new Map<string, Failure>();
  /** Pools that want more pods than might start. */
  readonly #hungry = new Set<string>();

  constructor(options: PodMakerOptions) {
    this.#options = options;
    const settled = (member: Member): void => {
      const start = this.#starting.get(member.uid);
      const key = member.pool;
      // One that has ended is looked at when the pool is reconciled: it was never of any use.
      if (!hasEnded(member.pod)) this.#starting.delete(member.uid);
      if (member.state === 'generic') this.#failures.delete(key);
      options.enqueue(key);
      // Room for the start of another pool's pod.
      if (start) for (const waiting of this.#hungry) options.enqueue(waiting);
    };
    options.queue.explain = (key) => this.#trouble(key)?.message;
    options.fleet.on({ available: settled, serving: settled, stopped: settled });
  }

  /** The pool is looked at anew: what of its pods has ended, and whether those who wait for one wait in vain. */
  look(key: string, ended: readonly Pod[]): void {
    this.#hungry.delete(key);
    for (const pod of ended) this.#noteEnd(key, pod);
    this.#refuseHopeless(key);
  }

  /** Starts as many as may start now. */
  async make(pool: Pool, runtime: RuntimeResource, missing: number, client: KubeClient): Promise<ReconcileResult> {
    const { key } = pool;
    const backoff = (): number => (this.#failures.get(key)?.until ?? 0) - Date.now();
    if (backoff() > 0) return { again: backoff() / 1000 };
    const room = availableParallelism() - this.#underWay();
    await Promise.all(Array.from({ length: Math.min(missing, room) }, () => this.#create(pool, runtime, client)));
    if (backoff() > 0) return { again: backoff() / 1000 };
    if (missing <= room) return undefined;
    this.#hungry.add(key);
    return { again: 1 };
  }

  /** Created, but the informer does not show them yet. */
  unseen(key: string): number {
    let count = 0;
    for (const [uid, start] of this.#starting) if (start.key === key && !this.#options.fleet.get(uid)) count++;
    return count;
  }

  #underWay(): number {
    const now = Date.now();
    for (const [uid, { at }] of this.#starting) if (now - at > startingMs) this.#starting.delete(uid);
    return this.#starting.size + this.#creating;
  }

  async #create(pool: Pool, runtime: RuntimeResource, client: KubeClient): Promise<void> {
    const { key } = pool;
    this.#creating++;
    try {
      const pod = await client.create<Pod>(podResource, poolPod(pool, runtime, this.#options.kubernetes), { fieldManager });
      this.#starting.set(pod.metadata.uid ?? '', { key, at: Date.now() });
      this.#options.pods.observe(pod);
    } catch (error) {
      // The random name was taken: another try finds another.
      if (isAlreadyExists(error)) this.#options.enqueue(key);
      else if (isRefusal(error)) this.#failed(key, new NoPods('PodRefused', refusalText(error.message), error), error.code === 422);
      else throw error;
    } finally {
      this.#creating--;
    }
  }

  /** A pod that ended before anybody reached it will mostly do so again. */
  #noteEnd(key: string, pod: Pod): void {
    if (!this.#starting.delete(pod.metadata.uid ?? '')) return;
    this.#failed(key, new NoPods('PodsEnd', `its pods end before they can be used${podEnd(pod)}`));
  }

  /** The next try comes later, each time twice as late. What goes wrong again and again is told to those who wait. */
  #failed(key: string, error: NoPods, isLasting = false): void {
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const until = Date.now() + Math.min(firstBackoffMs * 2 ** (count - 1), maxBackoffMs);
    this.#failures.set(key, { count, until, error, isLasting: isLasting || count >= patience });
    this.#refuseHopeless(key);
  }

  /** Those who wait for what cannot come need not wait: neither for pods that are refused or end, nor for such as cannot start. */
  #refuseHopeless(key: string): void {
    const { queue } = this.#options;
    const failure = this.#failures.get(key);
    if (failure?.isLasting && failure.until > Date.now()) queue.refuse(key, failure.error);
    const trouble = this.#trouble(key);
    if (trouble?.isLasting) queue.refuse(key, new NoPods(trouble.reason, trouble.message));
  }

  /** What keeps all pods from running that are on their way. */
  #trouble(key: string): PodTrouble | undefined {
    const { pods, fleet } = this.#options;
    const coming = pods.byIndex('pool', key).filter((pod) => {
      const state = fleet.get(pod.metadata.uid ?? '')?.state ?? 'pending';
      return state === 'pending' && !hasEnded(pod) && !pod.metadata.deletionTimestamp;
    });
    const troubles = coming.map((pod) => podTrouble(pod) ?? silence(fleet.get(pod.metadata.uid ?? '')));
    return this.unseen(key) === 0 && troubles.every((each) => each !== undefined) ? troubles[0] : undefined;
  }

  /** Nothing is kept of a pool that is gone. */
  forget(key: string): void {
    this.#failures.delete(key);
  }
}

/** Of a pod that runs, and has not answered for a while. */
function silence(member: Member | undefined): PodTrouble | undefined {
  if (!member?.address || Date.now() - member.since < silentMs) return undefined;
  const message = "its pods run, but nothing in them answers the platform: their image must start the runtime's program";
  return { reason: 'NoAnswer', message, isLasting: false };
}

/** The API server will not have such a pod: quota, Pod Security, a service account that is missing, a request above its limit. */
const isRefusal = (error: unknown): error is ApiError => error instanceof ApiError && [400, 403, 404, 413, 422].includes(error.code);
