/** How the controllers name stored objects in their queues, and read them. */
import type { KindDefinition } from '../../resources/kind.ts';
import type { Resource } from '../../resources/object.ts';
import type { Store, StoredRow, StoreKey } from '../storage/store.ts';

/** `configmaps default/hello`; the namespace is empty for cluster-scoped kinds. */
export const queueKey = ({ resource, namespace, name }: StoreKey): string => `${resource} ${namespace}/${name}`;

export function storeKey(key: string): StoreKey {
  const space = key.indexOf(' ');
  const slash = key.indexOf('/', space);
  return { resource: key.slice(0, space), namespace: key.slice(space + 1, slash), name: key.slice(slash + 1) };
}

export const resourceName = ({ plural, group }: Pick<Resource, 'plural' | 'group'>): string =>
  group === '' ? plural : `${plural}.${group}`;

export const apiVersion = ({ group, version }: KindDefinition): string => (group === '' ? version : `${group}/${version}`);

/** Without a parse; may be true for an object that only mentions the word, never false for one that is being deleted. */
export const mayBeDying = (row: StoredRow): boolean => row.text.includes('"deletionTimestamp"');

/** All rows of a kind (in one namespace), page by page, so that no more than a page of text is held. */
export async function* rowsOf(store: Store, kind: Resource, namespace?: string): AsyncGenerator<StoredRow> {
  let after: { namespace: string; name: string } | undefined;
  do {
    const { rows, remaining } = await store.list({
      resource: resourceName(kind),
      limit: 500,
      ...(namespace !== undefined && { namespace }),
      ...(after && { after }),
    });
    yield* rows;
    const last = rows.at(-1);
    // Others get their turn between the pages.
    await new Promise((resolve) => setImmediate(resolve));
    after = last && remaining > 0 ? { namespace: last.namespace, name: last.name } : undefined;
  } while (after);
}
