/** Deletes what is in a namespace that is being deleted, then lets the namespace go. */
import type { KubeClient } from '../../kube/client.ts';
import type { Reconcile, ReconcileResult } from '../../kube/reconcile.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import { type Condition, isConflict, isNotFound, type KubeObject } from '../../resources/object.ts';
import type { Change, Store } from '../storage/store.ts';
import { objectOf } from '../api/rows.ts';
import { mayBeDying, resourceName, rowsOf } from './objects.ts';

interface Namespace extends KubeObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly Condition[] };
}

const resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

/** Namespaces that are being deleted, and those of which something has gone. */
export function namespaceKeys({ type, row }: Change): readonly string[] {
  if (row.resource === 'namespaces') return type !== 'DELETED' && mayBeDying(row) ? [row.name] : [];
  return type === 'DELETED' && row.namespace !== '' ? [row.namespace] : [];
}

export function namespaceReconciler({
  client,
  store,
  kinds,
}: {
  client: KubeClient;
  store: Store;
  kinds: readonly KindDefinition[];
}): Reconcile {
  return async (name): Promise<ReconcileResult> => {
    const [row] = await store.get([{ resource: 'namespaces', namespace: '', name }]);
    if (!row || !mayBeDying(row)) return undefined;
    const namespace = objectOf<Namespace>(row);
    if (namespace.metadata.deletionTimestamp === undefined || !namespace.spec?.finalizers?.includes('kubernetes')) return undefined;

    const left = await empty(name);
    if (left.resources.size > 0) {
      await tell(namespace, left);
      // Each deletion wakes us; a pod in its grace period too. This is for what nobody tells.
      return { again: 15 };
    }
    const spec = { ...namespace.spec, finalizers: namespace.spec.finalizers.filter((each) => each !== 'kubernetes') };
    await client.update(resource, { ...namespace, spec }, { subresource: 'finalize' });
    return undefined;
  };

  /** Asks for the deletion of all that is there, and says what is still there afterwards. */
  async function empty(namespace: string): Promise<Left> {
    const left: Left = { resources: new Map(), finalizers: new Map() };
    for (const kind of kinds) {
      if (!kind.namespaced) continue;
      const doomed: { readonly name: string; readonly uid: string }[] = [];
      for await (const row of rowsOf(store, kind, namespace)) {
        if (!mayBeDying(row) || objectOf(row).metadata.deletionTimestamp === undefined) doomed.push(row);
      }
      await Promise.all(doomed.map(({ name, uid }) => remove(kind, namespace, name, uid)));
      for await (const row of rowsOf(store, kind, namespace)) {
        increase(left.resources, `${resourceName(kind)}.`);
        for (const finalizer of objectOf(row).metadata.finalizers ?? []) increase(left.finalizers, finalizer);
      }
    }
    return left;
  }

  async function remove(kind: KindDefinition, namespace: string, name: string, uid: string): Promise<void> {
    await client.delete(kind, { namespace, name }, { propagationPolicy: 'Background', preconditions: { uid } }).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    });
  }

  /** Says in the namespace's conditions, in Kubernetes' words, why it is still there. */
  async function tell(namespace: Namespace, { resources, finalizers }: Left): Promise<void> {
    const kept = namespace.status?.conditions ?? [];
    const list = (counts: ReadonlyMap<string, number>, say: (what: string, count: number) => string): string =>
      [...counts].map(([what, count]) => say(what, count)).join(', ');
    const conditions = [
      condition(
        kept,
        'NamespaceContentRemaining',
        resources.size > 0,
        'SomeResourcesRemain',
        'ContentRemoved',
        'All content successfully removed',
        () => `Some resources are remaining: ${list(resources, (what, count) => `${what} has ${count} resource instances`)}`,
      ),
      condition(
        kept,
        'NamespaceFinalizersRemaining',
        finalizers.size > 0,
        'SomeFinalizersRemain',
        'ContentHasNoFinalizers',
        'All content-preserving finalizers finished',
        () =>
          `Some content in the namespace has finalizers remaining: ${list(finalizers, (what, count) => `${what} in ${count} resource instances`)}`,
      ),
    ];
    if (JSON.stringify(conditions) === JSON.stringify(kept)) return;
    const body = { status: { conditions }, metadata: { uid: namespace.metadata.uid } };
    await client.patch(resource, { name: namespace.metadata.name }, { type: 'merge', body }, { subresource: 'status' });
  }
}

interface Left {
  readonly resources: Map<string, number>;
  readonly finalizers: Map<string, number>;
}

const increase = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

function condition(
  kept: readonly Condition[],
  type: string,
  holds: boolean,
  yes: string,
  no: string,
  fine: string,
  problem: () => string,
): Condition {
  const status = holds ? 'True' : 'False';
  const old = kept.find((each) => each.type === type);
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return { type, status, lastTransitionTime, reason: holds ? yes : no, message: holds ? problem() : fine };
}
