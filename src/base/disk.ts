/** What a disk says when it fails, and what a user should do then. */
import { TsumugiError, toError } from './errors.ts';

/** SQLite's primary result codes. */
const sqlite = { busy: 5, readOnly: 8, io: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;
const ofDisk: readonly number[] = Object.values(sqlite).filter((code) => code !== sqlite.busy);

const sqliteCode = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff;

export const diskIsFull = 'the disk of the data folder is full: make room there, then everything goes on by itself';

/** As the system or SQLite says it. */
export const isDiskFull = (error: unknown): boolean =>
  sqliteCode(error) === sqlite.full || ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Reading or writing a database failed by its disk, and not by what was asked for. */
export const isDiskFailure = (error: unknown): boolean =>
  ofDisk.includes(sqliteCode(error)) || (error as NodeJS.ErrnoException).syscall !== undefined;

/** Why the database at `path` cannot be opened: Conflict when another process has it. What is no failure of the disk stays as it is. */
export function databaseError(thrown: unknown, path: string): Error {
  const error = toError(thrown);
  const refuse = (says: string, hint: string): TsumugiError => new TsumugiError('Unavailable', `${path} ${says}`, { hint, cause: error });
  if (sqliteCode(error) === sqlite.busy)
    return new TsumugiError('Conflict', `${path} is in use by another process`, {
      hint: 'stop the other one, or use another data folder',
      cause: error,
    });
  if (isDiskFull(error)) return refuse('cannot be written: the disk is full', 'make room on the disk of the data folder, and start again');
  switch (sqliteCode(error)) {
    case sqlite.corrupt:
    case sqlite.notADatabase:
      return refuse(
        `is corrupt (${error.message})`,
        `put back a copy of the data folder, or save what can be read: \`sqlite3 ${path} .recover | sqlite3 saved.db\`, and put saved.db in its place without its -wal file; or start anew with another --data`,
      );
    case sqlite.readOnly:
    case sqlite.cannotOpen:
      return refuse(
        `cannot be written (${error.message})`,
        'the data folder needs a disk that is mounted for writing, and must belong to the user who starts this; or use another --data',
      );
    case sqlite.io:
      return refuse(`cannot be read or written (${error.message})`, "look at the disk of the data folder, and at the system's log");
    default:
      return error;
  }
}

/** Throws what SQLite throws when it meets a broken page: at the start, not in the middle of the work. `found` is what its quick check says. */
export function assertSound(found: string): void {
  if (found !== 'ok') throw Object.assign(new Error(found.replaceAll('\n', ' ')), { errcode: sqlite.corrupt });
}
