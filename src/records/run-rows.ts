/** Runs as rows: what the drivers of the run port share. */
import { noTasks, type Run, type RunChange, type RunDesire, type RunOutline, type Task } from './runs.ts';

type Row = Readonly<Record<string, unknown>>;

const plainColumns = {
  queueUntil: 'queue_until',
  admittedAt: 'admitted_at',
  startedAt: 'started_at',
  endedAt: 'ended_at',
  reason: 'reason',
  message: 'message',
} as const;
const jsonColumns = ['result', 'memo'] as const;

/** The columns that a change sets, and their values. */
export function stateColumns(set: NonNullable<RunChange['set']>, desired: RunDesire | undefined): readonly (readonly [string, unknown])[] {
  const columns: [string, unknown][] = [];
  if (desired) columns.push(['desired', desired]);
  if (set.status) columns.push(['status', set.status]);
  if (set.counts) columns.push(['counts', JSON.stringify(set.counts)]);
  for (const [field, column] of Object.entries(plainColumns)) {
    const value = set[field as keyof typeof plainColumns];
    if (value !== undefined) columns.push([column, typeof value === 'string' ? plainText(value) : value]);
  }
  for (const field of jsonColumns) {
    const value = set[field];
    if (value !== undefined) columns.push([field, value === null && field === 'memo' ? null : JSON.stringify(value)]);
  }
  return columns;
}

/** PostgreSQL has no NUL and nothing that is no Unicode. */
export const plainText = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();

/** A result may be null, so only JSON's own null takes nothing away. */
const fromJson = (text: unknown): unknown => JSON.parse(text as string) as unknown;

export function toRun(row: Row): Run {
  return {
    ...toOutline(row),
    labels: fromJson(row['labels']) as Run['labels'],
    spec: fromJson(row['spec']),
    createdAt: row['created_at'] as number,
    counts: { ...noTasks, ...(fromJson(row['counts']) as object) },
    ...optional(row, plainColumns),
    ...Object.fromEntries(jsonColumns.filter((field) => row[field] !== null).map((field) => [field, fromJson(row[field])])),
  };
}

export function toOutline(row: Row): RunOutline {
  const { uid, namespace, name, kind, place, job, status, desired, queue_until: queueUntil, admitted_at: admittedAt } = row;
  return {
    uid,
    namespace,
    name,
    kind,
    place,
    job,
    status,
    desired,
    ...(queueUntil !== null && { queueUntil }),
    ...(admittedAt !== null && { admittedAt }),
    version: Number(row['version']),
    sequence: Number(row['sequence']),
  } as RunOutline;
}

export function toTask(row: Row): Task {
  return {
    index: row['number'] as number,
    attempt: row['attempt'] as number,
    status: row['status'] as Task['status'],
    ...optional(row, {
      firstAttempt: 'first_attempt',
      startedAt: 'started_at',
      endedAt: 'ended_at',
      exitCode: 'exit_code',
      error: 'error',
      pod: 'pod',
    }),
    ...(row['result'] !== null && { result: fromJson(row['result']) }),
  };
}

const optional = (row: Row, columns: Readonly<Record<string, string>>): object =>
  Object.fromEntries(
    Object.entries(columns)
      .filter(([, column]) => row[column] !== null)
      .map(([field, column]) => [field, row[column]]),
  );
