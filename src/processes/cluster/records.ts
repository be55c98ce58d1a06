/** Where a controller keeps packages, logs, runs and the key-value store. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../base/log.ts';
import { openFileBlobs } from '../../records/files/blobs.ts';
import { openPostgresRecords } from '../../records/postgres/records.ts';
import type { Records } from '../../records/records.ts';
import { openSqliteFences } from '../../records/sqlite/fences.ts';
import { openSqliteLogs } from '../../records/sqlite/logs.ts';
import { openSqliteRuns } from '../../records/sqlite/runs.ts';
import { openSqliteStore } from '../../records/sqlite/store.ts';
import type { ControllerSettings } from './settings.ts';

/** PostgreSQL for any number of controllers; without a URL SQLite and files, for one, which is the evaluation form. */
export async function openRecords({ databaseUrl, data }: ControllerSettings, log: Log): Promise<Records> {
  if (databaseUrl !== '') return openPostgresRecords(databaseUrl, { log });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const file = join(data, 'records.db');
  const [logs, fences, runs, store] = [openSqliteLogs(file), openSqliteFences(file), openSqliteRuns(file), openSqliteStore(file)];
  return {
    blobs: await openFileBlobs(join(data, 'blobs')),
    logs,
    fences,
    runs,
    store,
    close: async () => void (await Promise.all([logs, fences, runs, store].map((each) => each.close()))),
  };
}
