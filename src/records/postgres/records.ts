/**
 * Records in PostgreSQL, for several controllers on one database.
 *
 * @example
 * const records = await openPostgresRecords('postgres://tsumugi:secret@db.example:5432/tsumugi', { log });
 * await records.blobs.put([bytes]);
 * await records.close();
 */
import type { Records } from '../records.ts';
import { postgresBlobs } from './blobs.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { postgresFences } from './fences.ts';
import { postgresLogs } from './logs.ts';
import { migrate } from './migrations.ts';
import { postgresRuns } from './runs.ts';
import { postgresStore } from './store.ts';

/**
 * Connects, and brings the tables up to date (any number of processes may do so at once). Throws Invalid for a wrong URL, Unavailable
 * (with what to do) when the database is away, lets us not in, or is of a newer version; the same later, of each call: after
 * a restart of the database the next call simply connects anew.
 */
export async function openPostgresRecords(url: string, options: DatabaseOptions = {}): Promise<Records> {
  const database = await Database.open(url, options);
  try {
    await database.session(migrate);
  } catch (error) {
    await database.close();
    throw error;
  }
  const close = (): Promise<void> => database.close();
  return {
    blobs: postgresBlobs(database),
    logs: { ...postgresLogs(database), close: async () => undefined },
    fences: postgresFences(database),
    runs: { ...postgresRuns(database), close: async () => undefined },
    store: { ...postgresStore(database), close: async () => undefined },
    close,
  };
}
