/** Runs in SQLite: a row a run, a row a task; writes of one turn share a commit. */
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { stateColumns, toOutline, toRun, toTask } from '../run-rows.ts';
import { nameTaken, noSuchRun, otherVersion, type Run, type RunChange, type RunQuery, type RunStore } from '../runs.ts';
import { GroupCommit, openDatabase } from './database.ts';
import { fenceCheck } from './fences.ts';
import { recordsSchema } from './schema.ts';

type Row = Readonly<Record<string, unknown>>;

/** Opens (and makes) the runs in `file`, `records.db`. Close it before the process ends. */
export function openSqliteRuns(file: string): RunStore {
  const database = openDatabase(file, recordsSchema);
  const group = new GroupCommit(database);
  const checkFence = fenceCheck(database);
  const insert = database.prepare(
    `INSERT INTO runs (uid, namespace, name, kind, place, job, labels, spec, created_at, queue_until, status, desired, counts, version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 'run', '{}', 1) ON CONFLICT DO NOTHING`,
  );
  const byUid = database.prepare('SELECT * FROM runs WHERE uid = ?');
  const byName = database.prepare('SELECT * FROM runs WHERE namespace = ? AND name = ?');
  const openOnes = database.prepare(
    `SELECT uid, namespace, name, kind, place, job, status, desired, queue_until, admitted_at, version, sequence FROM runs WHERE ended_at IS NULL OR desired = 'delete' ORDER BY sequence`,
  );
  const want = database.prepare(
    "UPDATE runs SET desired = ?1, version = version + 1 WHERE uid = ?2 AND (ended_at IS NULL OR ?1 = 'delete')",
  );
  const putTask = database.prepare(
    `INSERT OR REPLACE INTO tasks (run, number, attempt, first_attempt, status, started_at, ended_at, exit_code, error, pod, result)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const putEvent = database.prepare('INSERT INTO run_events (namespace, run, appended_at, event) VALUES (?, ?, ?, ?)');
  const dropTasks = database.prepare('DELETE FROM tasks WHERE run = ?');
  const dropRun = database.prepare('DELETE FROM runs WHERE sequence = ?');
  const dropEvents = database.prepare('DELETE FROM run_events WHERE appended_at < ?');
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (!statement) statements.set(sql, (statement = database.prepare(sql)));
    return statement;
  };

  const rowOf = (uid: string): Row => {
    const row = byUid.get(uid);
    if (!row) throw noSuchRun(uid);
    return row;
  };
  /** Reads see what was asked to be written before them. */
  const read = <T>(work: () => T): T => {
    group.flush();
    return work();
  };
  const write = async <T>(work: () => T): Promise<T> => {
    let value: T | undefined;
    await group.run(() => void (value = work()));
    return value as T;
  };
  const apply = ({ uid, version, set = {}, desired, tasks = [], events = [] }: RunChange): void => {
    const row = rowOf(uid);
    if (version !== undefined && row['version'] !== version) throw otherVersion(toRun(row));
    const columns = stateColumns(set, desired);
    const assignments = ['version = version + 1', ...columns.map(([name]) => `${name} = ?`)].join(', ');
    prepared(`UPDATE runs SET ${assignments} WHERE uid = ?`).run(...columns.map(([, value]) => value as SQLInputValue), uid);
    const sequence = row['sequence'] as number;
    for (const { index, attempt, firstAttempt, status, startedAt, endedAt, exitCode, error, pod, result } of tasks) {
      const more = [startedAt, endedAt, exitCode, error, pod, result === undefined ? undefined : JSON.stringify(result)];
      putTask.run(sequence, index, attempt, firstAttempt ?? null, status, ...more.map((value) => value ?? null));
    }
    const now = Date.now();
    for (const event of events) putEvent.run(row['namespace'] as string, uid, now, JSON.stringify(event));
  };
  const drop = (sequence: number): void => {
    dropTasks.run(sequence);
    dropRun.run(sequence);
  };

  return {
    insert: (runs) =>
      write(() =>
        runs.map((run): Run => {
          const { uid, namespace, name, kind, place, job, labels = {}, spec, createdAt, queueUntil = null } = run;
          insert.run(uid, namespace, name, kind, place, job, JSON.stringify(labels), JSON.stringify(spec), createdAt, queueUntil);
          const row = byUid.get(uid);
          if (!row) throw nameTaken(run);
          return toRun(row);
        }),
      ),
    get: async (uids) => read(() => uids.map((uid) => optional(byUid.get(uid)))),
    find: async (namespace, names) => read(() => names.map((name) => optional(byName.get(namespace, name)))),
    list: async ({ limit, ...query }) => {
      const { where, values } = filters(query);
      return read(() =>
        prepared(`SELECT * FROM runs ${where} ORDER BY sequence DESC LIMIT ?`)
          .all(...values, limit)
          .map(toRun),
      );
    },
    count: async (query) => {
      const { where, values } = filters(query);
      return read(() => (prepared(`SELECT count(*) AS n FROM runs ${where}`).get(...values) as { n: number }).n);
    },
    open: async () => read(() => openOnes.all().map(toOutline)),
    tasks: async (uid, { status, limit, after = -1 }) =>
      read(() =>
        prepared(
          `SELECT tasks.* FROM tasks JOIN runs ON runs.sequence = tasks.run WHERE runs.uid = ? AND number > ?
           ${status ? 'AND tasks.status IN (SELECT value FROM json_each(?))' : ''} ORDER BY number LIMIT ?`,
        )
          .all(uid, after, ...(status ? [JSON.stringify(status)] : []), limit)
          .map(toTask),
      ),
    want: (uid, desired, version) =>
      write(() => {
        const row = rowOf(uid);
        if (version !== undefined && row['version'] !== version) throw otherVersion(toRun(row));
        want.run(desired, uid);
        return toRun(rowOf(uid));
      }),
    commit: (changes, fence) =>
      group.run(() => {
        if (fence) checkFence(fence);
        changes.forEach(apply);
      }),
    delete: (uids, fence) =>
      group.run(() => {
        if (fence) checkFence(fence);
        for (const uid of uids) {
          const row = byUid.get(uid);
          if (row) drop(row['sequence'] as number);
        }
      }),
    events: async ({ after = 0, since, namespace, limit }) =>
      read(() =>
        prepared(
          `SELECT sequence, namespace, run, event FROM run_events WHERE sequence > ?
           ${since === undefined ? '' : 'AND appended_at >= ?'} ${namespace === undefined ? '' : 'AND namespace = ?'} ORDER BY sequence LIMIT ?`,
        )
          .all(after, ...[since, namespace].filter((value) => value !== undefined), limit)
          .map((row) => ({
            sequence: row['sequence'] as number,
            namespace: row['namespace'] as string,
            run: row['run'] as string,
            event: JSON.parse(row['event'] as string) as unknown,
          })),
      ),
    trimEvents: (before, fence) =>
      group.run(() => {
        if (fence) checkFence(fence);
        dropEvents.run(before);
      }),
    close: async () => {
      group.flush();
      database.close();
    },
  };
}

const optional = (row: Row | undefined): Run | undefined => row && toRun(row);

function filters({ namespace, kind, job, status, since, endedBefore, labels = {}, before }: Omit<RunQuery, 'limit'>): {
  readonly where: string;
  readonly values: readonly SQLInputValue[];
} {
  const all: [string, SQLInputValue[]][] = [];
  if (namespace !== undefined) all.push(['namespace = ?', [namespace]]);
  if (kind !== undefined) all.push(['kind = ?', [kind]]);
  if (job !== undefined) all.push(['job = ?', [job]]);
  if (status) all.push(['status IN (SELECT value FROM json_each(?))', [JSON.stringify(status)]]);
  if (since !== undefined) all.push(['created_at >= ?', [since]]);
  if (endedBefore !== undefined) all.push(['ended_at < ?', [endedBefore]]);
  if (before !== undefined) all.push(['sequence < ?', [before]]);
  for (const [key, value] of Object.entries(labels))
    all.push(['EXISTS (SELECT 1 FROM json_each(labels) AS l WHERE l.key = ? AND l.value = ?)', [key, value]]);
  return {
    where: all.length === 0 ? '' : `WHERE ${all.map(([text]) => text).join(' AND ')}`,
    values: all.flatMap(([, values]) => values),
  };
}
