/** Takes away deleted pods that no node will ever end: those bound to a node that does not exist. */
import type { Clock } from '../../base/clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Reconcile, ReconcileResult } from '../../kube/reconcile.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { isNotFound } from '../../resources/object.ts';
import type { Change, Store } from '../storage/store.ts';
import { objectOf } from '../api/rows.ts';
import { mayBeDying, queueKey, storeKey } from './objects.ts';

/** A node may be about to register, as ours is at each start. Seconds. */
const quarantine = 40;

const resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };

/** Pods that are being deleted. */
export function podKeys({ type, row }: Change): readonly string[] {
  return row.resource === 'pods' && type !== 'DELETED' && mayBeDying(row) ? [queueKey(row)] : [];
}

export function podReconciler({ client, store, clock }: { client: KubeClient; store: Store; clock: Clock }): Reconcile {
  /** When each pod was first seen without its node. */
  const since = new Map<string, number>();

  return async (key): Promise<ReconcileResult> => {
    const [row] = await store.get([storeKey(key)]);
    const pod = row && objectOf<Pod>(row);
    const node = pod?.spec.nodeName;
    const [found] = node ? await store.get([{ resource: 'nodes', namespace: '', name: node }]) : [];
    if (!pod || pod.metadata.deletionTimestamp === undefined || !node || found) {
      since.delete(key);
      return undefined;
    }
    const first = since.get(key) ?? clock.now();
    since.set(key, first);
    const left = first + quarantine * 1000 - clock.now();
    if (left > 0) return { again: left / 1000 };
    since.delete(key);
    const { namespace = '', name, uid = '' } = pod.metadata;
    await client.delete(resource, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    return undefined;
  };
}
