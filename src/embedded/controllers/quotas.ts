/** Keeps `status.used` of quotas: what is there of what they limit. */
import type { KubeClient } from '../../kube/client.ts';
import type { Reconcile, ReconcileResult } from '../../kube/reconcile.ts';
import type { ResourceQuota } from '../../resources/builtin/quota.ts';
import { isNotFound } from '../../resources/object.ts';
import { resourceQuotas } from '../../resources/resources.ts';
import { objectsOf } from '../quota/ledger.ts';
import { quotaStatus, used } from '../quota/usage.ts';
import type { Change, Store } from '../storage/store.ts';

/** Namespaces in which something changed that a quota may count. */
export function quotaKeys(): (change: Change) => readonly string[] {
  const limited = new Set<string>();
  return ({ type, row }) => {
    if (row.resource === resourceQuotas.plural) limited.add(row.namespace);
    else if (!limited.has(row.namespace) || (type === 'MODIFIED' && !mayCountOtherwise.has(row.resource))) return [];
    return row.namespace === '' ? [] : [row.namespace];
  };
}

const mayCountOtherwise = new Set(['pods', 'persistentvolumeclaims']);

export function quotaReconciler({ client, store }: { readonly client: KubeClient; readonly store: Store }): Reconcile {
  return async (namespace): Promise<ReconcileResult> => {
    const { items } = await client.list<ResourceQuota>(resourceQuotas, { namespace });
    for (const quota of items) {
      if (quota.metadata.deletionTimestamp !== undefined) continue;
      const status = quotaStatus(quota, used(quota, await objectsOf(store, namespace, quota)));
      if (isSame(quota.status?.hard, status.hard) && isSame(quota.status?.used, status.used)) continue;
      // What is no longer limited goes from the status, too.
      const body = { status: { hard: replaced(quota.status?.hard, status.hard), used: replaced(quota.status?.used, status.used) } };
      await client.patch(resourceQuotas, quota.metadata, { type: 'merge', body }, { subresource: 'status' }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
    return undefined;
  };
}

type Quantities = Readonly<Record<string, string | number>>;

const isSame = (a: Quantities = {}, b: Quantities = {}): boolean =>
  Object.keys({ ...a, ...b }).every((name) => String(a[name] ?? '') === String(b[name] ?? ''));

const replaced = (before: Quantities = {}, after: Quantities = {}): object => ({
  ...Object.fromEntries(Object.keys(before).map((name) => [name, null])),
  ...after,
});
