import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

import { systemClock } from '../../../base/clock.ts';
import type { Clock } from '../../../base/clock.ts';
import { HistoryGone } from '../store.ts';
import type { Change, ListQuery, Store, StoredRow, StoreKey, TextQuery, Texts, Write, WriteResult } from '../store.ts';
import { GroupCommit } from './commit.ts';
import type { OnCommit } from './commit.ts';
import { asStorageFailed } from './failures.ts';
import { defaultHistory, History } from './history.ts';
import type { HistoryLimits } from './history.ts';
import { openDatabase, walSync } from './open.ts';
import type { WalSync } from './open.ts';
import { Row } from './rows.ts';
import type { VersionRecord } from './rows.ts';
import { numberOf, prepareStatements } from './statements.ts';
import type { Statements } from './statements.ts';
import { readAhead, TextScan } from './texts.ts';

export interface SqliteStoreOptions {
  /** The folder that holds `api.db`. */
  readonly data: string;
  readonly history?: Partial<HistoryLimits>;
  readonly clock?: Clock;
  /** Hears of each commit. */
  readonly onCommit?: OnCommit;
  /** Makes durable what has been committed. Default: syncs the log. */
  readonly sync?: () => Promise<void>;
}

/** Rows read before the event loop gets its turn. */
const chunk = 500;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * The storage port on SQLite: one file, one process, one table of versions.
 *
 * @example const store = openSqliteStore({ data: '.tsumugi' })
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const { data, history } = options;
  const path = join(data, 'api.db');
  return new SqliteStore(openDatabase(path), walSync(path), { ...defaultHistory, ...history }, options);
}

class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #history: History;
  readonly #commit: GroupCommit;
  readonly #log: WalSync;

  constructor(db: DatabaseSync, log: WalSync, limits: HistoryLimits, options: SqliteStoreOptions) {
    const { clock = systemClock, onCommit, sync = () => log.sync() } = options;
    this.#db = db;
    this.#log = log;
    this.#sql = prepareStatements(db);
    this.#history = new History(db, this.#sql, clock, limits);
    this.#commit = new GroupCommit(db, this.#sql, this.#history, clock, sync, onCommit);
  }

  get(keys: readonly StoreKey[]): Promise<readonly (StoredRow | undefined)[]> {
    return this.#read(() => keys.map((key) => this.#commit.find(key)));
  }

  list(query: ListQuery): Promise<{ rows: readonly StoredRow[]; revision: number; remaining: number }> {
    return this.#read(async () => {
      const { revision, unpin } = this.#pinned(query.at);
      try {
        return await this.#scan(query, revision);
      } finally {
        unpin();
      }
    });
  }

  texts(query: TextQuery): Promise<Texts> {
    return this.#read(() => {
      const { revision, unpin } = this.#pinned(query.at);
      const scan = new TextScan(query, revision);
      const next = (): string => scan.next(this.#standing(revision));
      let isRead = true;
      try {
        const first = next();
        if (scan.isLast) return { revision, first };
        isRead = false;
        return { revision, first, rest: readAhead(() => (scan.isLast ? undefined : next()), unpin) };
      } finally {
        if (isRead) unpin();
      }
    });
  }

  /** A state that is kept until it is let go. */
  #pinned(at: number | undefined): { readonly revision: number; readonly unpin: () => void } {
    const revision = at ?? this.revision();
    if (revision < this.#history.trimmed) throw new HistoryGone(this.#history.trimmed);
    return { revision, unpin: this.#history.pin(revision) };
  }

  #standing(revision: number): Statements['scan']['present'] {
    return this.#sql.scan[revision === this.#commit.written ? 'present' : 'past'];
  }

  /** Nobody sees what is not durable. */
  async #read<T>(run: () => T | Promise<T>): Promise<T> {
    try {
      await this.#commit.settled;
      return await run();
    } catch (error) {
      throw asStorageFailed(error);
    }
  }

  async #scan(query: ListQuery, revision: number): Promise<{ rows: readonly StoredRow[]; revision: number; remaining: number }> {
    const { resource, select, limit = Infinity } = query;
    const range = query.namespace === undefined ? 'all' : 'one';
    let after = {
      namespace: query.namespace ?? '',
      name: '',
      ...(query.after && (range === 'all' || query.after.namespace === query.namespace) ? query.after : {}),
    };
    const rows: StoredRow[] = [];
    for (;;) {
      const scan = this.#standing(revision)[range];
      const size = select ? chunk : Math.min(chunk, limit - rows.length);
      const found = scan.rows.all(resource, revision, after.namespace, after.name, size) as unknown as VersionRecord[];
      for (const record of found) {
        const row = new Row(record);
        after = row;
        if (!select || select(row.index, row)) rows.push(row);
        if (rows.length >= limit)
          return { rows, revision, remaining: numberOf(scan.count.get(resource, revision, after.namespace, after.name)) };
      }
      if (found.length < size) return { rows, revision, remaining: 0 };
      await turn();
    }
  }

  write(writes: readonly Write[]): Promise<readonly WriteResult[]> {
    return this.#commit.write(writes);
  }

  dependents(ownerUids: readonly string[]): Promise<readonly StoredRow[]> {
    return this.#read(() => {
      const found = new Map<number, StoredRow>();
      for (const uid of ownerUids)
        for (const record of this.#sql.owned.all(uid) as unknown as VersionRecord[]) found.set(record.revision, new Row(record));
      return [...found.values()];
    });
  }

  changes(since: number, resource: string, limit: number): Promise<readonly Change[]> {
    return this.#read(() => {
      if (since < this.#history.trimmed) throw new HistoryGone(this.#history.trimmed);
      const records = this.#sql.changes.all(resource, since, limit) as unknown as VersionRecord[];
      return records.map((record) => ({
        revision: record.revision,
        type: record.type,
        row: new Row(record),
        before: record.type === 'ADDED' ? undefined : rowOf(this.#sql.before.get(record.revision)),
      }));
    });
  }

  subscribe(listener: (changes: readonly Change[]) => void): () => void {
    return this.#commit.subscribe(listener);
  }

  revision(): number {
    return this.#commit.revision;
  }

  async close(): Promise<void> {
    if (!this.#db.isOpen) return;
    await this.#commit.close();
    this.#log.close();
    this.#db.close();
  }
}

const rowOf = (record: unknown): StoredRow | undefined => (record === undefined ? undefined : new Row(record as VersionRecord));
