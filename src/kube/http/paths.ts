import type { Resource } from '../../resources/object.ts';
import type { DeleteOptions, ListOptions, ObjectKey, WatchOptions, WriteOptions } from '../client.ts';

/** Path of a resource's collection, in a namespace or in all. */
export function collectionPath({ group, version, plural, namespaced }: Resource, namespace: string | undefined): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespaced && namespace !== undefined ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}` : `${root}/${plural}`;
}

export function objectPath(resource: Resource, key: ObjectKey, subresource?: string): string {
  const path = `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** `?a=b&c=d`, or nothing. */
export function query(parameters: Query): string {
  const pairs = Object.entries(parameters).filter((pair): pair is [string, string | number | boolean] => pair[1] !== undefined);
  return pairs.length === 0 ? '' : `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
}

export function listQuery(options: ListOptions): string {
  const { labelSelector, fieldSelector, limit, continue: next, resourceVersion } = options;
  return query({ labelSelector, fieldSelector, limit, continue: next, resourceVersion });
}

export function watchQuery(options: WatchOptions): string {
  const { labelSelector, fieldSelector, resourceVersion, allowBookmarks, timeoutSeconds } = options;
  return query({ watch: true, labelSelector, fieldSelector, resourceVersion, allowWatchBookmarks: allowBookmarks, timeoutSeconds });
}

export function writeQuery({ dryRun, fieldManager, fieldValidation }: WriteOptions): string {
  return query({ dryRun: dryRun ? 'All' : undefined, fieldManager, fieldValidation });
}

/** The body of a DELETE. */
export function deleteBody({ dryRun, ...options }: DeleteOptions): object {
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...options, ...(dryRun && { dryRun: ['All'] }) };
}
