/**
 * The key-value store over HTTP. A key is in the query (`?key=`), since not every proxy leaves a path as it was written.
 * The version of an entry is its ETag; `If-Match` and `If-None-Match: *` are the conditions of a write.
 */
import { TsumugiError } from '../../base/errors.ts';
import { checkKey, type KeyValueStore, maxPage, maxValueBytes, type StoreCondition, type StoreEntry } from '../../records/store.ts';
import type { Call, Endpoint } from '../../api/endpoints.ts';

const json = 'application/json';
const binary = 'application/octet-stream';
const entryPath = /^\/v1\/namespaces\/([^/]+)\/store\/entry$/;

export function storeEndpoints(store: KeyValueStore): readonly Endpoint[] {
  return [
    {
      method: 'GET',
      path: /^\/v1\/namespaces\/([^/]+)\/store$/,
      handle: async ([namespace = ''], { query }) => {
        const after = query.get('pageToken') ?? '';
        const page = await store.list({ namespace, prefix: query.get('prefix') ?? '', limit: limitOf(query), ...(after && { after }) });
        return { json: { entries: page.entries.map(entryJson), ...(page.next !== undefined && { nextPageToken: page.next }) } };
      },
    },
    {
      method: 'GET',
      path: entryPath,
      handle: async ([namespace = ''], call) => {
        const key = keyOf(call);
        const [found] = await store.get([{ namespace, key }]);
        if (!found) throw new TsumugiError('NotFound', `namespace ${namespace} has no key "${key}"`);
        const { value, isJson, version, expiresAt } = found;
        const headers = { etag: `"${version}"`, ...(expiresAt !== undefined && { 'tsumugi-expires-at': timeOf(expiresAt) }) };
        return { bytes: value, type: isJson ? json : binary, headers };
      },
    },
    {
      method: 'PUT',
      path: entryPath,
      handle: async ([namespace = ''], call) => {
        const key = keyOf(call);
        const condition = conditionOf(call);
        const ttl = call.query.get('ttlSeconds');
        const isJson = (call.headers['content-type'] ?? binary).split(';', 1)[0]?.trim() === json;
        const value = await call.body(maxValueBytes);
        if (isJson) checkJson(value);
        const ttlMs = ttl === null ? {} : { ttlMs: ttl.trim() === '' ? Number.NaN : Number(ttl) * 1000 };
        const [version] = await store.set([{ namespace, key, value, isJson, ...ttlMs, ...condition }]);
        if (version === undefined) throw changed(key, condition);
        return { json: { version } };
      },
    },
    {
      method: 'DELETE',
      path: entryPath,
      handle: async ([namespace = ''], call) => {
        const key = keyOf(call);
        const condition = conditionOf(call);
        const [deleted = false] = await store.delete([{ namespace, key, ...condition }]);
        if (!deleted && condition.ifVersion !== undefined) throw changed(key, condition);
        return { json: { deleted } };
      },
    },
  ];
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

const entryJson = ({ key, version, bytes, isJson, expiresAt }: StoreEntry): object => ({
  key,
  version,
  bytes,
  type: isJson ? 'json' : 'bytes',
  ...(expiresAt !== undefined && { expiresAt: timeOf(expiresAt) }),
});

function keyOf({ query }: Call): string {
  const key = query.get('key') ?? '';
  checkKey(key);
  return key;
}

function limitOf(query: URLSearchParams): number {
  const limit = Number(query.get('limit') ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > maxPage) {
    throw new TsumugiError('Invalid', `limit=${query.get('limit')} is no number from 1 to ${maxPage}`, { field: 'limit' });
  }
  return limit;
}

function conditionOf({ headers }: Call): StoreCondition {
  const [match, none] = [headers['if-match'], headers['if-none-match']];
  if (match === undefined && none === undefined) return {};
  const version = /^"(\d{1,15})"$/.exec(match ?? '')?.[1];
  if (none === '*' && match === undefined) return { ifVersion: 0 };
  if (none === undefined && version !== undefined && version !== '0') return { ifVersion: Number(version) };
  throw new TsumugiError('Invalid', 'the condition cannot be read', {
    hint: 'send If-Match: "VERSION" as the ETag of a read, or If-None-Match: * for a key that must not be there yet',
  });
}

function checkJson(value: Buffer): void {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (cause) {
    throw new TsumugiError('Invalid', 'the value is no JSON', { hint: `send bytes as content-type ${binary}`, cause });
  }
}

function changed(key: string, { ifVersion }: StoreCondition): TsumugiError {
  const message = ifVersion === 0 ? `the key "${key}" is there already` : `the key "${key}" does not have version ${ifVersion} any more`;
  return new TsumugiError('Conflict', message, { hint: 'read it again, and decide anew' });
}
