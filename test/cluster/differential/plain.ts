/** Answers without what is different by nature: ids, versions, times, and what a real cluster adds of its own. */
import type { Answer, Loose } from './session.ts';

const uid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** Ids and versions are told apart by who was seen first: two servers that do the same show them in the same order. */
export function plain(transcript: readonly Answer[], namespace: string): unknown[] {
  const ids = new Map<string, string>();
  const versions = new Map<string, string>();
  const known = <T>(map: Map<T, string>, value: T, prefix: string): string => {
    let name = map.get(value);
    if (!name) map.set(value, (name = `${prefix}${map.size + 1}`));
    return name;
  };
  const visit = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') {
      if (key === 'cells') return value.replace(/^(\d+[smh])+$/, 'AGE');
      if (key === 'continue') return value && 'TOKEN';
      return value
        .replace(goDiff, '$1')
        .replace(/(patch: Invalid value: |^Invalid value: )"\{.*\}": .*/, '$1"OBJECT": WHY')
        .replace(/(Invalid value: )"map\[.*\]": /, '$1"PATCH": ')
        .replace(/continue=[\w-]{20,}/, 'continue=TOKEN')
        .replace(/resourceVersion=[1-9]\d{0,9}\b/, 'resourceVersion=VERSION')
        .replace(/(current: |too old resource version: )\d+( \(\d+\))?/, '$1VERSION')
        .replace(/(ResourceVersion in record )\(\d+\)/, '$1(VERSION)')
        .replaceAll(namespace, 'NAMESPACE')
        .replaceAll(uid, (found) => known(ids, found, 'uid-'))
        .replaceAll(time, 'TIME')
        .replaceAll(/(?<=[Vv]ersion\D{0,20})\b\d+\b/g, (found) => (key === 'message' ? (versions.get(found) ?? found) : found));
    }
    if (Array.isArray(value)) {
      const items = (value as unknown[])
        .filter((item, index, all) => !isOfCluster(item) && !isMark(item, all[index + 1]))
        .map((item) => visit(item, key === 'columnDefinitions' || key === 'cells' ? key : ''));
      return key === 'causes' ? once(items) : items;
    }
    if (typeof value !== 'object' || value === null) return value;
    const object = bare(value as Loose);
    const { resourceVersion } = object.metadata ?? {};
    // Of a list, and of a bookmark, it is the version of all.
    const isObject = typeof object.metadata?.['name'] === 'string' && object.metadata['name'] !== '';
    const named = isObject && resourceVersion ? known(versions, resourceVersion, 'version-') : resourceVersion && 'VERSION';
    // Columns have our own, short descriptions.
    const entries = Object.entries(key === 'columnDefinitions' ? { ...object, description: '' } : object)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([field, item]) => [field.replaceAll(uid, (found) => known(ids, found, 'uid-')), visit(item, field)] as const);
    const result = Object.fromEntries(entries) as Loose;
    if (named && result.metadata) result.metadata.resourceVersion = named;
    // Several errors stand in the order of a Go map.
    const { causes = [] } = (result['details'] ?? {}) as { causes?: unknown[] };
    if (causes.length > 1 && typeof result['message'] === 'string')
      result['message'] = result['message'].replace(/ is invalid: [^]*/, ' is invalid');
    const managers = (result.metadata as { managedFields?: object[] } | undefined)?.managedFields;
    // At one second they stand in the order of their names; here a second may pass and there not.
    managers?.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    return result;
  };
  return transcript.map((answer) => visit({ ...answer }, '')).filter((answer) => !(answer as Answer).quiet);
}

/** An update of a pod shows how Go's two structs differ. */
const goDiff = /(to be set to 1 if it was previously negative\))(\n@@ [^]*|\])$/;

/** The real server tells some twice, and conflicts in the order of a Go map. */
const once = (items: readonly unknown[]): unknown[] =>
  [...new Set(items.map((item) => JSON.stringify(item)))].sort().map((item) => JSON.parse(item) as unknown);

/** The real server marks a pod before it removes it at once; ours removes it: `deliberate-cases.ts`. */
function isMark(item: unknown, next: unknown): boolean {
  const [event, after] = [item, next] as { type?: string; object?: Loose }[];
  const metadata = event?.object?.metadata;
  return (
    event?.type === 'MODIFIED' &&
    after?.type === 'DELETED' &&
    event.object?.['kind'] === 'Pod' &&
    metadata?.uid === after.object?.metadata?.uid &&
    metadata?.['deletionGracePeriodSeconds'] === 0 &&
    metadata['finalizers'] === undefined
  );
}

/** What a real cluster puts into each namespace. */
const isOfCluster = (item: unknown): boolean => {
  const object = (item as { object?: Loose } | null)?.object ?? (item as Loose | null);
  return object?.metadata?.['name'] === 'kube-root-ca.crt';
};

const admission = ['serviceAccountName', 'serviceAccount', 'tolerations', 'priority', 'preemptionPolicy'];

/** Without what admission adds to pods. */
function bare(object: Loose): Loose {
  const spec = object['spec'] as Record<string, unknown> | undefined;
  if (!spec || !Array.isArray(spec['containers'])) return object;
  return { ...object, spec: Object.fromEntries(Object.entries(spec).filter(([field]) => !admission.includes(field))) };
}
