/** What an object's owners are to it, as Kubernetes' garbage collector sees them. */
import type { KindDefinition } from '../../resources/kind.ts';
import type { KubeObject, OwnerReference } from '../../resources/object.ts';
import type { Store, StoreKey } from '../storage/store.ts';
import { objectOf } from '../api/rows.ts';
import { apiVersion, resourceName } from './objects.ts';

export interface Owners {
  /** Exist and hold the object. */
  readonly solid: readonly OwnerReference[];
  /** Do not exist (any more), or are another object of that name. */
  readonly absent: readonly OwnerReference[];
  /** Are being deleted in the foreground: they wait for this object to go. */
  readonly waiting: readonly OwnerReference[];
}

export const isForeground = ({ metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes('foregroundDeletion');

/**
 * Sorts the owners of an object. An owner of an unknown kind, or one that a cluster-scoped object cannot have, counts as
 * solid: what cannot be looked up must not cost an object its life.
 */
export async function sortOwners(store: Store, kinds: readonly KindDefinition[], object: KubeObject): Promise<Owners> {
  const references = object.metadata.ownerReferences ?? [];
  const keys = references.map((reference) => ownerKey(kinds, reference, object.metadata.namespace ?? ''));
  const rows = await store.get(keys.filter((key) => key !== undefined));
  const owners: Record<keyof Owners, OwnerReference[]> = { solid: [], absent: [], waiting: [] };
  let next = 0;
  for (const [index, reference] of references.entries()) {
    if (!keys[index]) {
      owners.solid.push(reference);
      continue;
    }
    const row = rows[next++];
    if (!row || row.uid !== reference.uid) owners.absent.push(reference);
    else if (row.text.includes('foregroundDeletion') && isForeground(objectOf(row))) owners.waiting.push(reference);
    else owners.solid.push(reference);
  }
  return owners;
}

/** Where an owner is stored: in the object's own namespace, or in none. */
export function ownerKey(kinds: readonly KindDefinition[], reference: OwnerReference, namespace: string): StoreKey | undefined {
  const kind = kinds.find((each) => each.kind === reference.kind && apiVersion(each) === reference.apiVersion);
  if (!kind || (kind.namespaced && namespace === '')) return undefined;
  return { resource: resourceName(kind), namespace: kind.namespaced ? namespace : '', name: reference.name };
}
