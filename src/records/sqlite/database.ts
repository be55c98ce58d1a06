/** Opening a SQLite database of records: WAL, every commit on the disk, numbered migrations. */
import { DatabaseSync } from 'node:sqlite';

import { databaseError } from '../../base/disk.ts';
import { TsumugiError } from '../../base/errors.ts';

/** `migrations[n]` brings the format from n to n + 1. Published ones are never changed, only followed by new ones. */
export function openDatabase(file: string, migrations: readonly string[]): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -2000');
    const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (found > migrations.length) {
      throw new TsumugiError('Unavailable', `${file} has format ${found}, this version of tsumugi knows ${migrations.length}`, {
        hint: 'start the newer version that wrote it',
      });
    }
    for (const [index, migration] of migrations.entries()) {
      if (index < found) continue;
      // The step and its number are one transaction: a crash between them cannot run it twice.
      database.exec(`BEGIN IMMEDIATE; ${migration}; PRAGMA user_version = ${index + 1}; COMMIT`);
    }
    return database;
  } catch (error) {
    database?.close();
    throw databaseError(error, file);
  }
}

/**
 * Group commit: what is asked for in one turn of the event loop is written in one transaction, and everybody hears of it
 * after the commit. One entry that throws takes only itself down, not its group.
 */
export class GroupCommit {
  readonly #database: DatabaseSync;
  #waiting: { work: () => void; resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  run(work: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ work, resolve, reject }) === 1) setImmediate(() => this.flush());
    });
  }

  /** Writes what waits, now. */
  flush(): void {
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#waiting = [];
    const outcomes: (() => void)[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const { work, resolve, reject } of group) {
        this.#database.exec('SAVEPOINT entry');
        try {
          work();
          this.#database.exec('RELEASE entry');
          outcomes.push(resolve);
        } catch (error) {
          this.#database.exec('ROLLBACK TO entry; RELEASE entry');
          outcomes.push(() => reject(error));
        }
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      for (const { reject } of group) reject(error);
      return;
    }
    for (const tell of outcomes) tell();
  }
}
