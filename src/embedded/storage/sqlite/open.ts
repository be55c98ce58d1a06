import { chmodSync, closeSync, fdatasync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

import { assertSound, databaseError } from '../../../base/disk.ts';
import { migrate } from './migrations.ts';

/**
 * Opens `path` for this process alone: the exclusive lock ends with the process, however it ends.
 * A commit is not durable (WAL, synchronous=NORMAL) until `walSync` has run. Throws a Conflict when another process or store has it open.
 */
export function openDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 0 });
    // Exclusive before the first access: WAL then needs no shared-memory file, and a second opener is refused.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = NORMAL');
    db.exec('PRAGMA cache_size = -4096');
    // `GroupCommit` does it, when nobody waits.
    db.exec('PRAGMA wal_autocheckpoint = 0');
    db.exec('BEGIN EXCLUSIVE; COMMIT');
    // Whoever had it before may have ended because the disk did not take its log: what can be read of the log is in the kernel's memory at
    // least, and is written once more, into the database.
    const { busy } = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
    if (busy !== 0) throw new Error(`the log of ${path} could not be written into it`);
    assertSound((db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }).quick_check);
    chmodSync(path, 0o600);
    migrate(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw databaseError(error, path);
  }
}

export interface WalSync {
  /** Makes all commits so far durable, in the thread pool. */
  sync(): Promise<void>;
  close(): void;
}

/** Of the database at `path`: its log stays the same file as long as the database is open. */
export function walSync(path: string): WalSync {
  let file: number | undefined;
  return {
    sync: () =>
      new Promise((resolve, reject) => {
        file ??= openSync(`${path}-wal`, 'r+');
        fdatasync(file, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => {
      if (file !== undefined) closeSync(file);
    },
  };
}
