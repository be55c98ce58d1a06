/** The format of the database: numbered steps, taken by one process at a time, however many start at once. */
import type { PoolClient } from 'pg';

import { TsumugiError } from '../../base/errors.ts';

/**
 * Step n brings the format from n to n + 1. Published ones are never changed, only followed by new ones. Tables are in the
 * connection's own schema (`search_path`). Texts that are sorted or searched by prefix have the collation C: the order of bytes.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE tsumugi_blobs (
     id text COLLATE "C" PRIMARY KEY,
     format smallint NOT NULL DEFAULT 1,
     put_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     bytes bytea NOT NULL
   );
   CREATE TABLE tsumugi_log_lines (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     format smallint NOT NULL DEFAULT 1,
     stream text COLLATE "C" NOT NULL,
     time double precision NOT NULL,
     text text NOT NULL
   );
   CREATE INDEX tsumugi_log_lines_by_stream ON tsumugi_log_lines (stream, time, id);
   CREATE INDEX tsumugi_log_lines_by_time ON tsumugi_log_lines (time, id);
   CREATE TABLE tsumugi_fences (scope text PRIMARY KEY, format smallint NOT NULL DEFAULT 1, epoch bigint NOT NULL)`,
  `CREATE TABLE tsumugi_store (
     namespace text COLLATE "C" NOT NULL,
     key text COLLATE "C" NOT NULL,
     format smallint NOT NULL DEFAULT 1,
     version bigint NOT NULL,
     is_json boolean NOT NULL,
     expires_at timestamptz,
     value bytea NOT NULL,
     PRIMARY KEY (namespace, key)
   );
   CREATE INDEX tsumugi_store_by_expiry ON tsumugi_store (expires_at) WHERE expires_at IS NOT NULL;
   CREATE SEQUENCE tsumugi_store_versions`,
  // JSON that nobody asks within is text: it keeps any string. A run that has not ended is found by an index of its own.
  `CREATE TABLE tsumugi_runs (
     sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     format smallint NOT NULL DEFAULT 1,
     uid text COLLATE "C" NOT NULL UNIQUE,
     namespace text COLLATE "C" NOT NULL,
     name text COLLATE "C" NOT NULL,
     kind text NOT NULL,
     place text NOT NULL,
     job text COLLATE "C" NOT NULL,
     labels jsonb NOT NULL,
     spec text NOT NULL,
     created_at double precision NOT NULL,
     status text NOT NULL,
     desired text NOT NULL,
     counts text NOT NULL,
     admitted_at double precision,
     started_at double precision,
     ended_at double precision,
     reason text,
     message text,
     result text,
     memo text,
     version bigint NOT NULL,
     UNIQUE (namespace, name)
   );
   CREATE INDEX tsumugi_runs_open ON tsumugi_runs (sequence) WHERE ended_at IS NULL OR desired = 'delete';
   CREATE INDEX tsumugi_runs_ended ON tsumugi_runs (ended_at) WHERE ended_at IS NOT NULL;
   CREATE INDEX tsumugi_runs_by_job ON tsumugi_runs (namespace, job, sequence);
   CREATE TABLE tsumugi_tasks (
     run text COLLATE "C" NOT NULL,
     number integer NOT NULL,
     attempt integer NOT NULL,
     first_attempt integer,
     status text NOT NULL,
     started_at double precision,
     ended_at double precision,
     exit_code integer,
     error text,
     pod text,
     result text,
     PRIMARY KEY (run, number)
   );
   CREATE TABLE tsumugi_run_events (
     sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     format smallint NOT NULL DEFAULT 1,
     namespace text COLLATE "C" NOT NULL,
     run text COLLATE "C" NOT NULL,
     appended_at double precision NOT NULL,
     event text NOT NULL
   );
   CREATE INDEX tsumugi_run_events_by_time ON tsumugi_run_events (appended_at)`,
  `ALTER TABLE tsumugi_runs ADD COLUMN queue_until double precision`,
];

/** Any number that no other program is likely to lock: "tsumugi" on a telephone. */
const lockKey = 8_786_844;

/** Brings the database up to date. What is up to date already needs no right to make tables. */
export async function migrate(client: PoolClient, steps: readonly string[] = migrations): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>(
    'SELECT pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()',
  );
  if (rows[0]?.encoding !== 'UTF8') {
    throw new TsumugiError('Invalid', `the database has the encoding ${rows[0]?.encoding}`, { hint: 'make one with ENCODING UTF8' });
  }
  if ((await formatOf(client, steps)) === steps.length) return;
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [lockKey]);
    await client.query('CREATE TABLE IF NOT EXISTS tsumugi_migrations (format integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())');
    // Another process may have done it while this one waited.
    for (let format = await formatOf(client, steps); format < steps.length; format += 1) {
      await client.query(steps[format] as string);
      await client.query('INSERT INTO tsumugi_migrations (format) VALUES ($1)', [format + 1]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function formatOf(client: PoolClient, steps: readonly string[]): Promise<number> {
  const table = await client.query<{ there: boolean }>(`SELECT to_regclass('tsumugi_migrations') IS NOT NULL AS there`);
  if (!table.rows[0]?.there) return 0;
  const { rows } = await client.query<{ format: number }>('SELECT coalesce(max(format), 0) AS format FROM tsumugi_migrations');
  const found = rows[0]?.format ?? 0;
  if (found > steps.length) {
    throw new TsumugiError('Unavailable', `the database has format ${found}, this version of tsumugi knows ${steps.length}`, {
      hint: 'start the newer version that wrote it',
    });
  }
  return found;
}
