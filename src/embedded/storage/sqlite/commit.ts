import type { DatabaseSync } from 'node:sqlite';

import type { Clock } from '../../../base/clock.ts';
import { toError } from '../../../base/errors.ts';
import type { Change, NewRow, StoreKey, Write, WriteResult } from '../store.ts';
import { asStorageFailed } from './failures.ts';
import type { History } from './history.ts';
import { keyText, PresentRows } from './present.ts';
import { encodeIndex, Row } from './rows.ts';
import type { VersionRecord } from './rows.ts';
import { numberOf } from './statements.ts';
import type { Statements } from './statements.ts';
import { rollBack } from './transaction.ts';

interface Asked {
  readonly writes: readonly Write[];
  readonly resolve: (results: readonly WriteResult[]) => void;
  readonly reject: (error: Error) => void;
}

/** What one transaction changed: seen by nobody until it is durable. */
interface Done {
  readonly results: (WriteResult | Error)[];
  readonly changes: Change[];
  /** By key; undefined: gone. */
  readonly rows: Map<string, Row | undefined>;
  revision: number;
  pastBytes: number;
}

/** Pages. */
const longLog = 1000;

/** For metrics: one commit, the objects that it changed, and whether it became durable. */
export type OnCommit = (commit: { readonly rows: number; readonly seconds: number; readonly ok: boolean }) => void;

/**
 * Group commit: the writes asked for in one turn of the event loop become one transaction, made durable by one sync.
 * While that runs, later turns' writes pile up and share the next one.
 *
 * SQLite itself does not wait for the disk (synchronous=NORMAL): the log is synced by the thread pool, so that a slow disk delays who
 * writes, and not the whole event loop. Until then nobody hears of the writes, and whoever reads waits for `settled`.
 */
export class GroupCommit {
  /** Of the last durable write. */
  revision: number;
  /** Of the last write that the file has. */
  written: number;
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #history: History;
  readonly #clock: Clock;
  readonly #onCommit: OnCommit | undefined;
  readonly #sync: () => Promise<void>;
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  readonly #present = new PresentRows();
  #asked: Asked[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #syncing: Promise<void> | undefined;
  /** Set for good by a sync that failed: what the file shows may not be on the disk. */
  #failed: Error | undefined;
  #closed = false;

  /** `sync` makes durable what has been committed. */
  constructor(db: DatabaseSync, sql: Statements, history: History, clock: Clock, sync: () => Promise<void>, onCommit?: OnCommit) {
    this.#db = db;
    this.#sync = sync;
    this.#sql = sql;
    this.#history = history;
    this.#clock = clock;
    this.#onCommit = onCommit;
    // Never 0: a resourceVersion of "0" has a meaning of its own in the API.
    this.revision = this.written = Math.max(1, numberOf(sql.lastRevision.get()), history.trimmed);
  }

  write(writes: readonly Write[]): Promise<readonly WriteResult[]> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#closed) return Promise.reject(new Error('the store is closed'));
    return new Promise((resolve, reject) => {
      this.#asked.push({ writes, resolve, reject });
      this.#scheduled ??= setImmediate(() => this.#flush());
    });
  }

  /** The present row, as the file has it. */
  find(key: StoreKey): Row | undefined {
    const text = keyText(key);
    const known = this.#present.get(text);
    if (known) return known;
    const record = this.#sql.get.get(key.resource, key.namespace, key.name) as VersionRecord | undefined;
    const row = record && new Row(record);
    if (row) this.#present.put(text, row);
    return row;
  }

  subscribe(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Undefined when all that the file has is durable; else resolves when it is, and rejects when it cannot be made so. */
  get settled(): Promise<void> | undefined {
    if (!this.#syncing && !this.#failed) return undefined;
    return Promise.resolve(this.#syncing).then(() => {
      if (this.#failed) throw this.#failed;
    });
  }

  /** What was asked for before is still written. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#scheduled) clearImmediate(this.#scheduled);
    for (this.#flush(); this.#syncing && !this.#failed; this.#flush()) await this.#syncing;
    this.#listeners.clear();
  }

  #flush(): void {
    this.#scheduled = undefined;
    // Its end comes back here.
    if (this.#syncing) return;
    const batch = this.#asked;
    this.#asked = [];
    if (batch.length === 0) return;
    const done: Done = { results: [], changes: [], rows: new Map(), revision: this.revision, pastBytes: 0 };
    const from = performance.now();
    const count = (ok: boolean): void =>
      this.#onCommit?.({ rows: ok ? done.changes.length : 0, seconds: (performance.now() - from) / 1000, ok });
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      const now = this.#clock.now();
      for (const { writes } of batch) for (const write of writes) done.results.push(this.#apply(write, done, now));
      this.#db.exec('COMMIT');
    } catch (error) {
      rollBack(this.#db);
      count(false);
      const failure = asStorageFailed(error);
      for (const { reject } of batch) reject(failure);
      return;
    }
    if (done.changes.length === 0) {
      count(true);
      answer(batch, done.results);
      return;
    }
    this.written = done.revision;
    for (const [key, row] of done.rows) {
      if (row) this.#present.put(key, row);
      else this.#present.drop(key);
    }
    this.#syncing = this.#sync().then(
      () => {
        count(true);
        this.#settle(batch, done);
      },
      (error: unknown) => {
        count(false);
        this.#failed = asStorageFailed(error);
        for (const { reject } of [...batch, ...this.#asked]) reject(this.#failed);
        this.#asked = [];
        // The kernel may have thrown away what it could not write, and says so only once: a new start writes all of it again (`openDatabase`).
        setImmediate(() => {
          throw new Error('the disk did not take what was written', { cause: error });
        });
      },
    );
  }

  #settle(batch: readonly Asked[], done: Done): void {
    this.#syncing = undefined;
    this.revision = done.revision;
    try {
      for (const listener of this.#listeners) listener(done.changes);
    } finally {
      // A listener that throws is a defect that ends the process; what is durable is answered all the same.
      answer(batch, done.results);
    }
    this.#history.grew(done.pastBytes, this.revision);
    setImmediate(() => this.#shortenLog());
    // A turn later: those who waited to read find nothing in the file that is not durable.
    if (this.#asked.length > 0) this.#scheduled ??= setImmediate(() => this.#flush());
  }

  /** A long log goes into the database, beside commits: SQLite by itself would do it within one, and wait for the disk meanwhile. */
  #shortenLog(): void {
    if (this.#closed) return;
    try {
      const { log, checkpointed } = this.#sql.log.get() as { log: number; checkpointed: number };
      if (log - checkpointed >= longLog) this.#sql.checkpoint.get();
    } catch {
      // What a disk that fails does not take stays in the log; after the next commit it is tried again.
    }
  }

  /** As the transaction has it so far. */
  #findIn({ rows }: Done, key: StoreKey): Row | undefined {
    const text = keyText(key);
    return rows.has(text) ? rows.get(text) : this.find(key);
  }

  #apply(write: Write, done: Done, now: number): WriteResult | Error {
    const { key, guard } = write;
    const before = this.#findIn(done, key);
    if ((before?.revision ?? 0) !== write.expect || (guard && this.#findIn(done, guard.key)?.revision !== guard.revision))
      return { ok: false, current: before };
    const revision = done.revision + 1;
    let next: NewRow;
    const removed = write.next === undefined;
    if (removed && !before) return { ok: false, current: undefined };
    try {
      next = write.next?.(revision) ?? { uid: before!.uid, text: before!.text, index: before!.index, ...write.last?.(revision) };
    } catch (error) {
      return toError(error);
    }
    const idx = encodeIndex(next.index);
    const type = removed ? 'DELETED' : before ? 'MODIFIED' : 'ADDED';
    const row = new Row({ revision, ...key, uid: next.uid, idx, text: next.text }, next);
    // The old version leaves the present before the new one enters: the index of present keys is unique.
    if (before) {
      this.#sql.supersede.run(revision, now, before.revision);
      this.#sql.dropOwners.run(before.revision);
      done.pastBytes += before.bytes;
    }
    this.#sql.insert.run(
      removed ? revision : 0,
      removed ? now : 0,
      row.bytes,
      revision,
      key.resource,
      key.namespace,
      key.name,
      next.uid,
      idx,
      next.text,
      type,
    );
    if (removed) done.pastBytes += row.bytes;
    else for (const owner of next.index.owners) this.#sql.addOwner.run(owner, revision);
    done.rows.set(keyText(key), removed ? undefined : row);
    done.revision = revision;
    done.changes.push({ revision, type, row, before });
    return { ok: true, row };
  }
}

/** Tells each asker what became of its own writes. */
function answer(batch: readonly Asked[], all: readonly (WriteResult | Error)[]): void {
  let from = 0;
  for (const { writes, resolve, reject } of batch) {
    const results = all.slice(from, (from += writes.length));
    const failed = results.find((result) => result instanceof Error);
    if (failed) reject(failed);
    else resolve(results as WriteResult[]);
  }
}
