/** Runs in PostgreSQL: a row a run, a row a task; each write is one transaction. */
import type { PoolClient } from 'pg';
import { type Fence, fencedOff } from '../fence.ts';
import { plainText, stateColumns, toOutline, toRun, toTask } from '../run-rows.ts';
import { nameTaken, noSuchRun, otherVersion, type Run, type RunChange, type RunQuery, type RunStore, type Task } from '../runs.ts';
import type { Database } from './database.ts';
import { fenceQuery, fenceValues } from './fences.ts';

type Row = Readonly<Record<string, unknown>>;
type Client = Pick<PoolClient, 'query'>;

/** Numbers that PostgreSQL gives as text, and labels that it gives as an object. */
const asText = 'sequence::float8 AS sequence, version::float8 AS version, labels::text AS labels';
const columns = `${asText}, uid, namespace, name, kind, place, job, spec, created_at, status, desired, counts, queue_until, admitted_at, started_at,
  ended_at, reason, message, result, memo`;
const outline = `sequence::float8 AS sequence, version::float8 AS version, uid, namespace, name, kind, place, job, status, desired, queue_until, admitted_at`;

export function postgresRuns(database: Database): Omit<RunStore, 'close'> {
  const transaction = async <T>(fence: Fence | undefined, work: (client: Client) => Promise<T>): Promise<T> => {
    let value: T | undefined;
    await database.session(async (client) => {
      await client.query('BEGIN');
      try {
        if (fence) await check(client, fence);
        value = await work(client);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
    return value as T;
  };
  const found = async (where: string, values: readonly unknown[]): Promise<readonly Run[]> =>
    (await database.query<Row>(`SELECT ${columns} FROM tsumugi_runs ${where}`, values)).map(toRun);

  return {
    insert: (runs) =>
      transaction(undefined, async (client) => {
        const made: Run[] = [];
        for (const run of runs) {
          const { uid, namespace, name, kind, place, job, labels = {}, spec, createdAt, queueUntil } = run;
          const values = [
            uid,
            namespace,
            name,
            kind,
            place,
            job,
            JSON.stringify(labels),
            JSON.stringify(spec),
            createdAt,
            queueUntil ?? null,
          ];
          await client.query(
            `INSERT INTO tsumugi_runs (uid, namespace, name, kind, place, job, labels, spec, created_at, queue_until, status, desired, counts, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, 'queued', 'run', '{}', 1) ON CONFLICT DO NOTHING`,
            values,
          );
          const row = await rowOf(client, uid);
          if (!row) throw nameTaken(run);
          made.push(toRun(row));
        }
        return made;
      }),
    get: async (uids) => {
      const byUid = new Map((await found('WHERE uid = ANY($1)', [uids])).map((run) => [run.uid, run]));
      return uids.map((uid) => byUid.get(uid));
    },
    find: async (namespace, names) => {
      const byName = new Map((await found('WHERE namespace = $1 AND name = ANY($2)', [namespace, names])).map((run) => [run.name, run]));
      return names.map((name) => byName.get(name));
    },
    list: ({ limit, ...query }) => {
      const { where, values } = filters(query);
      return found(`${where} ORDER BY sequence DESC LIMIT $${values.length + 1}`, [...values, limit]);
    },
    count: async (query) => {
      const { where, values } = filters(query);
      const [row] = await database.query<{ n: number }>(`SELECT count(*)::int AS n FROM tsumugi_runs ${where}`, values);
      return row?.n ?? 0;
    },
    open: async () => {
      const rows = await database.query<Row>(
        `SELECT ${outline} FROM tsumugi_runs WHERE ended_at IS NULL OR desired = 'delete' ORDER BY tsumugi_runs.sequence`,
      );
      return rows.map(toOutline);
    },
    tasks: async (uid, { status, limit, after = -1 }) => {
      const rows = await database.query<Row>(
        `SELECT * FROM tsumugi_tasks WHERE run = $1 AND number > $2 AND ($3::text[] IS NULL OR status = ANY($3)) ORDER BY number LIMIT $4`,
        [uid, after, status ?? null, limit],
      );
      return rows.map(toTask);
    },
    want: (uid, desired, version) =>
      transaction(undefined, async (client) => {
        const row = await rowOf(client, uid);
        if (!row) throw noSuchRun(uid);
        const before = toRun(row);
        if (version !== undefined && before.version !== version) throw otherVersion(before);
        await client.query(
          `UPDATE tsumugi_runs SET desired = $2, version = version + 1 WHERE uid = $1 AND (ended_at IS NULL OR $2 = 'delete')`,
          [uid, desired],
        );
        return toRun((await rowOf(client, uid)) as Row);
      }),
    commit: (changes, fence) =>
      transaction(fence, async (client) => {
        for (const change of changes) await apply(client, change);
      }),
    delete: (uids, fence) => transaction(fence, (client) => drop(client, uids)),
    events: async ({ after = 0, since, namespace, limit }) => {
      const rows = await database.query<{ sequence: number; namespace: string; run: string; event: string }>(
        `SELECT sequence::float8 AS sequence, namespace, run, event FROM tsumugi_run_events
         WHERE tsumugi_run_events.sequence > $1 AND ($2::text IS NULL OR namespace = $2) AND ($3::float8 IS NULL OR appended_at >= $3)
         ORDER BY tsumugi_run_events.sequence LIMIT $4`,
        [after, namespace ?? null, since ?? null, limit],
      );
      return rows.map(({ event, ...rest }) => ({ ...rest, event: JSON.parse(event) as unknown }));
    },
    trimEvents: (before, fence) =>
      transaction(fence, async (client) => void (await client.query('DELETE FROM tsumugi_run_events WHERE appended_at < $1', [before]))),
  };
}

async function check(client: Client, fence: Fence): Promise<void> {
  const { rows } = await client.query(`WITH ${fenceQuery} SELECT epoch FROM fence`, [...fenceValues(fence)]);
  if (rows.length === 0) throw fencedOff(fence);
}

/** Locked until the end of the transaction. */
async function rowOf(client: Client, uid: string): Promise<Row | undefined> {
  const { rows } = await client.query<Row>(`SELECT ${columns} FROM tsumugi_runs WHERE uid = $1 FOR UPDATE`, [uid]);
  return rows[0];
}

async function apply(client: Client, { uid, version, set = {}, desired, tasks = [], events = [] }: RunChange): Promise<void> {
  const row = await rowOf(client, uid);
  if (!row) throw noSuchRun(uid);
  if (version !== undefined && row['version'] !== version) throw otherVersion(toRun(row));
  const changed = stateColumns(set, desired);
  const assignments = ['version = version + 1', ...changed.map(([name], at) => `${name} = $${at + 2}`)].join(', ');
  await client.query(`UPDATE tsumugi_runs SET ${assignments} WHERE uid = $1`, [uid, ...changed.map(([, value]) => value)]);
  if (tasks.length > 0) await putTasks(client, uid, tasks);
  if (events.length > 0) {
    // Who appends holds this until its commit, so that events can be read in the order of their numbers without a gap that fills later.
    await client.query('LOCK TABLE tsumugi_run_events IN SHARE ROW EXCLUSIVE MODE');
    await client.query(
      `INSERT INTO tsumugi_run_events (namespace, run, appended_at, event)
       SELECT $1, $2, $3, event FROM unnest($4::text[]) WITH ORDINALITY AS given (event, n) ORDER BY n`,
      [row['namespace'], uid, Date.now(), events.map((event) => JSON.stringify(event))],
    );
  }
}

async function putTasks(client: Client, uid: string, tasks: readonly Task[]): Promise<void> {
  // The last one of an index counts: one statement may touch a row once.
  const last = [...new Map(tasks.map((task) => [task.index, task])).values()];
  const column = <T>(value: (task: Task) => T | undefined): (T | null)[] => last.map((task) => value(task) ?? null);
  await client.query(
    `INSERT INTO tsumugi_tasks (run, number, attempt, first_attempt, status, started_at, ended_at, exit_code, error, pod, result)
     SELECT $1, * FROM unnest($2::int[], $3::int[], $4::int[], $5::text[], $6::float8[], $7::float8[], $8::int[], $9::text[], $10::text[], $11::text[])
     ON CONFLICT (run, number) DO UPDATE SET (attempt, first_attempt, status, started_at, ended_at, exit_code, error, pod, result) =
       (excluded.attempt, excluded.first_attempt, excluded.status, excluded.started_at, excluded.ended_at, excluded.exit_code,
        excluded.error, excluded.pod, excluded.result)`,
    [
      uid,
      column(({ index }) => index),
      column(({ attempt }) => attempt),
      column(({ firstAttempt }) => firstAttempt),
      column(({ status }) => status),
      column(({ startedAt }) => startedAt),
      column(({ endedAt }) => endedAt),
      column(({ exitCode }) => exitCode),
      column(({ error }) => error && plainText(error)),
      column(({ pod }) => pod),
      column(({ result }) => (result === undefined ? undefined : JSON.stringify(result))),
    ],
  );
}

async function drop(client: Client, uids: readonly string[]): Promise<void> {
  await client.query('DELETE FROM tsumugi_runs WHERE uid = ANY($1)', [uids]);
  await client.query('DELETE FROM tsumugi_tasks WHERE run = ANY($1)', [uids]);
}

function filters({ namespace, kind, job, status, since, endedBefore, labels, before }: Omit<RunQuery, 'limit'>): {
  readonly where: string;
  readonly values: readonly unknown[];
} {
  const all: [(at: string) => string, unknown][] = [];
  if (namespace !== undefined) all.push([(at) => `namespace = ${at}`, namespace]);
  if (kind !== undefined) all.push([(at) => `kind = ${at}`, kind]);
  if (job !== undefined) all.push([(at) => `job = ${at}`, job]);
  if (status) all.push([(at) => `status = ANY(${at})`, status]);
  if (since !== undefined) all.push([(at) => `created_at >= ${at}`, since]);
  if (endedBefore !== undefined) all.push([(at) => `ended_at < ${at}`, endedBefore]);
  if (before !== undefined) all.push([(at) => `tsumugi_runs.sequence < ${at}`, before]);
  if (labels && Object.keys(labels).length > 0) all.push([(at) => `tsumugi_runs.labels @> ${at}::jsonb`, JSON.stringify(labels)]);
  return {
    where: all.length === 0 ? '' : `WHERE ${all.map(([text], index) => text(`$${index + 1}`)).join(' AND ')}`,
    values: all.map(([, value]) => value),
  };
}
