import { chmodSync, closeSync, fdatasync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

import { TsumugiError } from '../../../base/errors.ts';
import { migrate } from './migrations.ts';

/** SQLITE_BUSY */
const busy = 5;

/**
 * Opens `path` for this process alone: the exclusive lock ends with the process, however it ends.
 * A commit is not durable (WAL, synchronous=NORMAL) until `walSync` has run. Throws a Conflict when another process or store has it open.
 */
export function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // Exclusive before the first access: WAL then needs no shared-memory file, and a second opener is refused.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = NORMAL');
    db.exec('PRAGMA cache_size = -4096');
    db.exec('BEGIN EXCLUSIVE; COMMIT');
    chmodSync(path, 0o600);
    migrate(db, path);
    return db;
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode === busy) {
      throw new TsumugiError('Conflict', `${path} is in use by another process`, {
        hint: 'stop the other one, or use another data folder',
        cause: error,
      });
    }
    throw error;
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
