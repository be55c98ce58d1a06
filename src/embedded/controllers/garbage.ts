/**
 * Garbage collection by owner references, as Kubernetes does it: an object whose owners are all gone is deleted; an owner
 * deleted in the foreground waits for those that block it; one deleted as `Orphan` first lets go of what it owns.
 */
import type { KubeClient } from '../../kube/client.ts';
import type { Reconcile } from '../../kube/reconcile.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import { isNotFound, type KubeObject, type OwnerReference, type Resource } from '../../resources/object.ts';
import type { Change, Store, StoredRow } from '../storage/store.ts';
import { objectOf } from '../api/rows.ts';
import { mayBeDying, queueKey, resourceName, storeKey } from './objects.ts';
import { isForeground, ownerKey, sortOwners } from './owners.ts';

export interface GarbageParts {
  readonly client: KubeClient;
  readonly store: Store;
  readonly kinds: readonly KindDefinition[];
  /** Looks at one more object soon. */
  readonly enqueue: (key: string) => void;
}

/** A key that means: the owner of this uid is gone, look at what it owned. */
const gonePrefix = 'gone ';

/** What a change of the store means for the collector, without parsing where it can be helped. */
export function garbageKeys(kinds: readonly KindDefinition[], change: Change): readonly string[] {
  const { type, row, before } = change;
  const keys: string[] = [];
  const ownersChanged = row.index.owners.join() !== (before?.index.owners ?? []).join();
  if (type === 'DELETED') keys.push(gonePrefix + row.uid);
  else if ((row.index.owners.length > 0 && ownersChanged) || mayBeDying(row)) keys.push(queueKey(row));
  // Owners that wait for this object may go on.
  const held = before ?? row;
  if (held.index.owners.length > 0 && (type === 'DELETED' || (before && ownersChanged))) {
    for (const reference of objectOf(held).metadata.ownerReferences ?? []) {
      const key = ownerKey(kinds, reference, held.namespace);
      if (key) keys.push(queueKey(key));
    }
  }
  return keys;
}

export function garbageReconciler(parts: GarbageParts): Reconcile {
  const { client, store, kinds, enqueue } = parts;

  return async (key) => {
    if (key.startsWith(gonePrefix)) {
      for (const row of await store.dependents([key.slice(gonePrefix.length)])) enqueue(queueKey(row));
      return;
    }
    const [row] = await store.get([storeKey(key)]);
    const resource = row && kinds.find((kind) => resourceName(kind) === row.resource);
    if (!row || !resource || (row.index.owners.length === 0 && !mayBeDying(row))) return;
    const object = objectOf(row);
    const finalizers = object.metadata.finalizers ?? [];
    if (object.metadata.deletionTimestamp !== undefined) {
      if (finalizers.includes('orphan')) return orphan(resource, object);
      if (finalizers.includes('foregroundDeletion')) return foreground(resource, object);
      return;
    }
    if (row.index.owners.length > 0) await attemptDeletion(resource, object);
  };

  /** Those that name this object as owner and may: in its namespace, or anywhere when it has none. */
  async function dependents({ metadata }: KubeObject): Promise<readonly StoredRow[]> {
    const rows = await store.dependents([metadata.uid ?? '']);
    return metadata.namespace === undefined ? rows : rows.filter((row) => row.namespace === metadata.namespace);
  }

  async function orphan(resource: Resource, object: KubeObject): Promise<void> {
    await Promise.all((await dependents(object)).map((row) => release(row, [object.metadata.uid ?? ''])));
    await removeFinalizer(resource, object, 'orphan');
  }

  async function foreground(resource: Resource, object: KubeObject): Promise<{ again: number } | void> {
    const owned = await dependents(object);
    const isBlocked = owned.some((row) => referenceTo(row, object.metadata.uid)?.blockOwnerDeletion);
    if (!isBlocked) return removeFinalizer(resource, object, 'foregroundDeletion');
    for (const row of owned) enqueue(queueKey(row));
    // Their end is told by the store; that one of them blocks no more is not.
    return { again: 30 };
  }

  async function attemptDeletion(resource: Resource, object: KubeObject): Promise<void> {
    const { solid, absent, waiting } = await sortOwners(store, kinds, object);
    const { uid = '', resourceVersion = '', finalizers = [] } = object.metadata;
    const row = { resource: resourceName(resource), ...keyOf(object) };
    if (solid.length > 0) {
      const leaving = [...absent, ...waiting].map((reference) => reference.uid);
      if (leaving.length > 0) await release({ ...row, namespace: row.namespace ?? '', uid }, leaving);
      return;
    }
    const owned = waiting.length > 0 ? await dependents(object) : [];
    // In a circle of owners all of which wait for each other, one must not block.
    if (owned.some((each) => isForeground(objectOf(each)))) await unblock(resource, object);
    const propagationPolicy = finalizers.includes('orphan')
      ? 'Orphan'
      : owned.length > 0 || finalizers.includes('foregroundDeletion')
        ? 'Foreground'
        : 'Background';
    await ignoreAbsent(client.delete(resource, keyOf(object), { propagationPolicy, preconditions: { uid, resourceVersion } }));
  }

  /** Takes the references to these uids off a dependent. */
  async function release(
    dependent: { readonly resource: string; readonly namespace: string; readonly name: string; readonly uid: string },
    uids: readonly string[],
  ): Promise<void> {
    const resource = kinds.find((kind) => resourceName(kind) === dependent.resource);
    if (!resource) return;
    await change(resource, dependent.namespace, dependent.name, dependent.uid, ({ ownerReferences = [] }) => {
      const left = ownerReferences.filter((reference) => !uids.includes(reference.uid));
      return left.length === ownerReferences.length ? undefined : { ownerReferences: left.length > 0 ? left : null };
    });
  }

  async function unblock(resource: Resource, object: KubeObject): Promise<void> {
    const { namespace, name, uid = '' } = object.metadata;
    await change(resource, namespace ?? '', name, uid, ({ ownerReferences = [] }) =>
      ownerReferences.some((reference) => reference.blockOwnerDeletion)
        ? { ownerReferences: ownerReferences.map((reference) => ({ ...reference, blockOwnerDeletion: false })) }
        : undefined,
    );
  }

  async function removeFinalizer(resource: Resource, object: KubeObject, finalizer: string): Promise<void> {
    const { namespace, name, uid = '' } = object.metadata;
    await change(resource, namespace ?? '', name, uid, ({ finalizers = [] }) => {
      const left = finalizers.filter((each) => each !== finalizer);
      return left.length === finalizers.length ? undefined : { finalizers: left.length > 0 ? left : null };
    });
  }

  /** Changes an object's metadata as it now is; a conflict is the reconcile loop's to try again. */
  async function change(
    resource: Resource,
    namespace: string,
    name: string,
    uid: string,
    edit: (metadata: KubeObject['metadata']) => object | undefined,
  ): Promise<void> {
    const key = { ...(namespace !== '' && { namespace }), name };
    await ignoreAbsent(
      (async () => {
        const now = await client.get(resource, key);
        if (now.metadata.uid !== uid) return;
        const edited = edit(now.metadata);
        const { resourceVersion } = now.metadata;
        if (edited) await client.patch(resource, key, { type: 'merge', body: { metadata: { ...edited, resourceVersion } } });
      })(),
    );
  }
}

const keyOf = ({ metadata }: KubeObject): { namespace?: string; name: string } => ({
  ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
  name: metadata.name,
});

const referenceTo = (row: StoredRow, uid: string | undefined): OwnerReference | undefined =>
  objectOf(row).metadata.ownerReferences?.find((reference) => reference.uid === uid);

/** That it is gone already is what was wanted. */
async function ignoreAbsent(write: Promise<unknown>): Promise<void> {
  await write.catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}
