/** The ServiceAccount `default` of each namespace: made with it, and made again when somebody takes it away. */
import type { KubeClient } from '../../kube/client.ts';
import type { Reconcile, ReconcileResult } from '../../kube/reconcile.ts';
import { ApiError, isAlreadyExists, isNotFound } from '../../resources/object.ts';
import { serviceAccounts } from '../../resources/resources.ts';
import type { Change, Store } from '../storage/store.ts';
import { objectOf } from '../api/rows.ts';
import { mayBeDying } from './objects.ts';

const name = 'default';

/** Namespaces that came, and those that lost their account. */
export function accountKeys({ type, row }: Change): readonly string[] {
  if (row.resource === 'namespaces') return type === 'ADDED' ? [row.name] : [];
  return row.resource === 'serviceaccounts' && type === 'DELETED' && row.name === name ? [row.namespace] : [];
}

export function accountReconciler({ client, store }: { client: KubeClient; store: Store }): Reconcile {
  return async (namespace): Promise<ReconcileResult> => {
    const [row] = await store.get([{ resource: 'namespaces', namespace: '', name: namespace }]);
    if (!row || (mayBeDying(row) && objectOf(row).metadata.deletionTimestamp !== undefined)) return undefined;
    const [account] = await store.get([{ resource: 'serviceaccounts', namespace, name }]);
    if (account) return undefined;
    const wanted = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
    await client.create(serviceAccounts, wanted).catch((error: unknown) => {
      // The namespace went, or began to, in between.
      const isEnding = error instanceof ApiError && error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating');
      if (!isAlreadyExists(error) && !isNotFound(error) && !isEnding) throw error;
    });
    return undefined;
  };
}
