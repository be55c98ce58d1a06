/** The key-value store in SQLite: one row a key; what is asked for in one turn shares a commit. */
import { type Clock, systemClock } from '../../base/clock.ts';
import { checkKey, checkWrite, type KeyValueStore, pageOf, type StoreCondition, type StoredValue, type StoreEntry } from '../store.ts';
import { GroupCommit, openDatabase } from './database.ts';
import { fenceCheck } from './fences.ts';
import { recordsSchema } from './schema.ts';

interface Row {
  readonly key: string;
  readonly version: number;
  readonly bytes: number;
  readonly isJson: number;
  readonly expiresAt: number | null;
}

const columns = 'key, version, length(value) AS bytes, is_json AS isJson, expires_at AS expiresAt';
const isAlive = '(expires_at IS NULL OR expires_at > :now)';

/** Opens (and makes) the store in `file`, `records.db`. Close it before the process ends. */
export function openSqliteStore(file: string, clock: Clock = systemClock): KeyValueStore {
  const database = openDatabase(file, recordsSchema);
  const group = new GroupCommit(database);
  const checkFence = fenceCheck(database);
  const read = database.prepare(`SELECT ${columns}, value FROM store WHERE namespace = :namespace AND key = :key AND ${isAlive}`);
  const versionOf = database.prepare(`SELECT version FROM store WHERE namespace = :namespace AND key = :key AND ${isAlive}`);
  const nextVersion = database.prepare('UPDATE store_version SET version = version + 1 RETURNING version');
  const put = database.prepare(
    `INSERT INTO store (namespace, key, version, is_json, expires_at, value) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (namespace, key) DO UPDATE
     SET version = excluded.version, is_json = excluded.is_json, expires_at = excluded.expires_at, value = excluded.value`,
  );
  const drop = database.prepare('DELETE FROM store WHERE namespace = ? AND key = ?');
  const page = database.prepare(
    `SELECT ${columns} FROM store WHERE namespace = :namespace AND key > :after AND key >= :prefix AND key < :end AND ${isAlive}
     ORDER BY key LIMIT :limit`,
  );
  const present = database.prepare('SELECT DISTINCT namespace FROM store');
  const dropDue = database.prepare('DELETE FROM store WHERE expires_at <= ?');
  const dropNamespace = database.prepare('DELETE FROM store WHERE namespace = ?');

  const holds = (namespace: string, key: string, { ifVersion }: StoreCondition): boolean => {
    if (ifVersion === undefined) return true;
    const row = versionOf.get({ namespace, key, now: clock.now() }) as { version: number } | undefined;
    return (row?.version ?? 0) === ifVersion;
  };
  /** One entry of the group commit, with an outcome. */
  const run = async <T>(work: () => T): Promise<T> => {
    let outcome: T | undefined;
    await group.run(() => void (outcome = work()));
    return outcome as T;
  };

  return {
    get: async (keys) => {
      group.flush();
      return keys.map(({ namespace, key }) => {
        const row = read.get({ namespace, key, now: clock.now() }) as (Row & { value: Uint8Array }) | undefined;
        return row && ({ ...entryOf(row), value: row.value } satisfies StoredValue);
      });
    },
    set: async (writes) => {
      writes.forEach(checkWrite);
      return run(() =>
        writes.map(({ namespace, key, value, isJson, ttlMs, ...condition }) => {
          if (!holds(namespace, key, condition)) return undefined;
          const { version } = nextVersion.get() as { version: number };
          put.run(namespace, key, version, isJson ? 1 : 0, ttlMs === undefined ? null : clock.now() + ttlMs, value);
          return version;
        }),
      );
    },
    delete: (deletes) =>
      run(() =>
        deletes.map(({ namespace, key, ...condition }) => {
          const wasThere = versionOf.get({ namespace, key, now: clock.now() }) !== undefined;
          if (!wasThere || !holds(namespace, key, condition)) return false;
          return drop.run(namespace, key).changes > 0;
        }),
      ),
    list: async ({ namespace, prefix, after = '', limit }) => {
      group.flush();
      if (prefix !== '') checkKey(prefix);
      const rows = page.all({ namespace, prefix, after, end: `${prefix}\u{10ffff}`, limit: limit + 1, now: clock.now() });
      return pageOf((rows as unknown as Row[]).map(entryOf), limit);
    },
    namespaces: async () => {
      group.flush();
      return (present.all() as unknown as { namespace: string }[]).map(({ namespace }) => namespace);
    },
    trim: ({ namespaces = [], fence } = {}) =>
      run(() => {
        if (fence) checkFence(fence);
        let dropped = Number(dropDue.run(clock.now()).changes);
        for (const namespace of namespaces) dropped += Number(dropNamespace.run(namespace).changes);
        return dropped;
      }),
    close: async () => {
      group.flush();
      database.close();
    },
  };
}

const entryOf = ({ key, version, bytes, isJson, expiresAt }: Row): StoreEntry => ({
  key,
  version,
  bytes,
  isJson: isJson === 1,
  ...(expiresAt !== null && { expiresAt }),
});
