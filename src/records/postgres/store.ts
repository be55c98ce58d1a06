/** The key-value store in PostgreSQL: one row a key. Due times are by the database's clock. */
import { fencedOff } from '../fence.ts';
import {
  checkKey,
  checkWrite,
  type KeyValueStore,
  pageOf,
  type StoredValue,
  type StoreEntry,
  type StoreKey,
  type StoreWrite,
} from '../store.ts';
import type { Database } from './database.ts';
import { fenceHolds, fenceQuery, fenceValues } from './fences.ts';

interface Row {
  readonly namespace: string;
  readonly key: string;
  /** bigint */
  readonly version: string;
  readonly bytes: number;
  readonly isJson: boolean;
  readonly expiresAt: number | null;
}

const columns = `namespace, key, version, octet_length(value) AS bytes, is_json AS "isJson", extract(epoch FROM expires_at)::float8 * 1000 AS "expiresAt"`;
const isAlive = '(s.expires_at IS NULL OR s.expires_at > clock_timestamp())';
const idOf = ({ namespace, key }: StoreKey): string => `${namespace}/${key}`;

export function postgresStore(database: Database): Omit<KeyValueStore, 'close'> {
  /** Writes of different keys, in one statement. */
  async function write(writes: readonly StoreWrite[]): Promise<ReadonlyMap<string, number>> {
    // What is there is looked at by the statements that lock the row, so that nobody comes between; in one order, so that two never wait for each other crosswise.
    const rows = await database.query<Row>(
      `WITH w AS (
         SELECT namespace, key, value, is_json, if_version, clock_timestamp() + ttl_ms * interval '1 millisecond' AS expires_at
         FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bool[], $5::bigint[], $6::float8[])
           AS given (namespace, key, value, is_json, if_version, ttl_ms)
       ), changed AS (
         UPDATE tsumugi_store s
         SET value = w.value, is_json = w.is_json, expires_at = w.expires_at, version = nextval('tsumugi_store_versions')
         FROM w WHERE w.if_version > 0 AND s.namespace = w.namespace AND s.key = w.key AND s.version = w.if_version AND ${isAlive}
         RETURNING s.namespace, s.key, s.version
       ), put AS (
         INSERT INTO tsumugi_store AS s (namespace, key, value, is_json, expires_at, version)
         SELECT namespace, key, value, is_json, expires_at, nextval('tsumugi_store_versions') FROM w
         WHERE coalesce(if_version, 0) = 0 ORDER BY namespace, key
         ON CONFLICT (namespace, key) DO UPDATE
         SET value = excluded.value, is_json = excluded.is_json, expires_at = excluded.expires_at,
           version = nextval('tsumugi_store_versions')
         WHERE NOT ${isAlive} OR (SELECT w.if_version IS NULL FROM w WHERE w.namespace = s.namespace AND w.key = s.key)
         RETURNING s.namespace, s.key, s.version
       ) SELECT * FROM changed UNION ALL SELECT * FROM put`,
      [
        writes.map(({ namespace }) => namespace),
        writes.map(({ key }) => key),
        writes.map(({ value }) => Buffer.from(value.buffer, value.byteOffset, value.byteLength)),
        writes.map(({ isJson }) => isJson),
        writes.map(({ ifVersion }) => ifVersion ?? null),
        writes.map(({ ttlMs }) => ttlMs ?? null),
      ],
    );
    return new Map(rows.map((row) => [idOf(row), Number(row.version)]));
  }

  return {
    get: async (keys) => {
      const rows = await database.query<Row & { value: Buffer }>(
        `SELECT ${columns}, value FROM tsumugi_store s
         WHERE (namespace, key) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND ${isAlive}`,
        [keys.map(({ namespace }) => namespace), keys.map(({ key }) => key)],
      );
      const found = new Map(rows.map((row) => [idOf(row), { ...entryOf(row), value: row.value } satisfies StoredValue]));
      return keys.map((key) => found.get(idOf(key)));
    },
    set: async (writes) => {
      writes.forEach(checkWrite);
      const outcomes: (number | undefined)[] = [];
      for (const round of rounds(writes)) {
        const versions = await write(round);
        outcomes.push(...round.map((each) => versions.get(idOf(each))));
      }
      return outcomes;
    },
    delete: async (deletes) => {
      const outcomes: boolean[] = [];
      for (const round of rounds(deletes)) {
        const rows = await database.query<Row>(
          `DELETE FROM tsumugi_store s USING unnest($1::text[], $2::text[], $3::bigint[]) AS d (namespace, key, if_version)
           WHERE s.namespace = d.namespace AND s.key = d.key AND coalesce(d.if_version, s.version) = s.version AND ${isAlive}
           RETURNING s.namespace, s.key`,
          [round.map(({ namespace }) => namespace), round.map(({ key }) => key), round.map(({ ifVersion }) => ifVersion ?? null)],
        );
        const gone = new Set(rows.map(idOf));
        outcomes.push(...round.map((each) => gone.has(idOf(each))));
      }
      return outcomes;
    },
    list: async ({ namespace, prefix, after = '', limit }) => {
      if (prefix !== '') checkKey(prefix);
      const rows = await database.query<Row>(
        `SELECT ${columns} FROM tsumugi_store s WHERE namespace = $1 AND key > $2 AND key >= $3 AND key < $4 AND ${isAlive}
         ORDER BY key LIMIT $5`,
        [namespace, after, prefix, `${prefix}\u{10ffff}`, limit + 1],
      );
      return pageOf(rows.map(entryOf), limit);
    },
    namespaces: async () => {
      const rows = await database.query<{ namespace: string }>('SELECT DISTINCT namespace FROM tsumugi_store');
      return rows.map(({ namespace }) => namespace);
    },
    trim: async ({ namespaces = [], fence } = {}) => {
      const [row] = await database.query<{ held: boolean; dropped: string }>(
        `WITH ${fenceQuery}, gone AS (
           DELETE FROM tsumugi_store WHERE ${fenceHolds} AND (expires_at <= clock_timestamp() OR namespace = ANY ($3)) RETURNING 1
         ) SELECT ${fenceHolds} AS held, (SELECT count(*) FROM gone) AS dropped`,
        [...fenceValues(fence), namespaces],
      );
      if (fence && !row?.held) throw fencedOff(fence);
      return Number(row?.dropped ?? 0);
    },
  };
}

/** In each round a key comes once: the second write of a key sees the first. */
function rounds<T extends StoreKey>(all: readonly T[]): T[][] {
  const found: T[][] = [];
  let seen = new Set<string>();
  for (const each of all) {
    const id = idOf(each);
    if (found.length === 0 || seen.has(id)) {
      found.push([]);
      seen = new Set();
    }
    seen.add(id);
    found.at(-1)?.push(each);
  }
  return found;
}

const entryOf = ({ key, version, bytes, isJson, expiresAt }: Row): StoreEntry => ({
  key,
  version: Number(version),
  bytes,
  isJson,
  ...(expiresAt !== null && { expiresAt }),
});
