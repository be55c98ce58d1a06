/** Executions and tasks on the screen. */
import { TsumugiError } from '../../base/errors.ts';
import type { ExecutionJson } from '../../jobs/api/generated/execution.generated.ts';
import type { TaskJson } from '../../jobs/api/generated/task.generated.ts';
import { humanDuration } from '../../resources/cells.ts';
import { formatTable } from '../output.ts';

export const outputs = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Output = (typeof outputs)[number];

export function parseOutput(text: string): Output {
  const found = outputs.find((each) => each === text);
  if (found) return found;
  throw new TsumugiError('Usage', `--output is "${text}"`, { hint: `allowed: ${outputs.join(', ')}` });
}

/** How a kind is shown. */
export interface Shown<T> {
  readonly columns: readonly Column<T>[];
  /** For `-o name`. */
  readonly nameOf: (one: T) => string;
}

interface Column<T> {
  readonly title: string;
  readonly cell: (one: T) => string;
  readonly isWide?: boolean;
}

/** One is shown by itself; several as they are, in a list. */
export async function print<T>(items: readonly T[], { columns, nameOf }: Shown<T>, output: Output, isOne = false): Promise<void> {
  if (output === 'json' || output === 'yaml') {
    const whole = isOne ? items[0] : items;
    process.stdout.write(
      output === 'json' ? `${JSON.stringify(whole, undefined, 2)}\n` : (await import('yaml')).stringify(whole, { lineWidth: 0 }),
    );
  } else if (output === 'name') for (const each of items) process.stdout.write(`${nameOf(each)}\n`);
  else {
    const shown = columns.filter(({ isWide }) => output === 'wide' || !isWide);
    const rows = items.map((each) => shown.map(({ cell }) => cell(each) || '<none>'));
    process.stdout.write(
      `${formatTable(
        shown.map(({ title }) => title),
        rows,
      )}\n`,
    );
  }
}

/** The last part of a name. */
export const lastOf = (name = ''): string => name.slice(name.lastIndexOf('/') + 1);
export const namespaceOf = (name = ''): string => name.split('/')[1] ?? '';

/** `FORCE_DELETED` -> `ForceDeleted`. */
export const statusWord = (status = ''): string =>
  status
    .split('_')
    .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join('');

const between = (from: string | undefined, to: string | undefined): string =>
  from === undefined ? '' : humanDuration((to === undefined ? Date.now() : Date.parse(to)) - Date.parse(from));

export function executionColumns(allNamespaces: boolean): Shown<ExecutionJson> {
  return {
    nameOf: ({ name }) => lastOf(name),
    columns: [
      ...(allNamespaces ? [{ title: 'NAMESPACE', cell: ({ name }: ExecutionJson) => namespaceOf(name) }] : []),
      { title: 'NAME', cell: ({ name }) => lastOf(name) },
      { title: 'JOB', cell: ({ job = '' }) => job },
      { title: 'STATUS', cell: ({ status, paused }) => (paused ? 'Paused' : statusWord(status)) },
      { title: 'TASKS', cell: ({ succeededCount = 0, taskCount = 0 }) => `${succeededCount}/${taskCount}` },
      { title: 'FAILED', cell: ({ failedCount = 0 }) => String(failedCount) },
      { title: 'DURATION', cell: ({ startTime, completionTime }) => between(startTime, completionTime) },
      { title: 'AGE', cell: ({ createTime }) => between(createTime, undefined) },
      { title: 'RUNNING', cell: ({ runningCount = 0 }) => String(runningCount), isWide: true },
      { title: 'RETRIED', cell: ({ retriedCount = 0 }) => String(retriedCount), isWide: true },
      { title: 'PARALLELISM', cell: ({ parallelism = 0 }) => String(parallelism), isWide: true },
      { title: 'MESSAGE', cell: ({ message = '' }) => message, isWide: true },
    ],
  };
}

export const taskColumns: Shown<TaskJson> = {
  nameOf: ({ execution, index = 0 }) => `${execution}/${index}`,
  columns: [
    { title: 'TASK', cell: ({ index = 0 }) => String(index) },
    { title: 'STATUS', cell: ({ status }) => statusWord(status) },
    { title: 'ATTEMPTS', cell: ({ status, retried = 0 }) => (status === 'PENDING' ? '0' : String(retried + 1)) },
    { title: 'EXIT', cell: ({ lastAttemptResult: result }) => (result ? String(result.exitCode ?? 0) : '') },
    { title: 'DURATION', cell: ({ startTime, completionTime }) => between(startTime, completionTime) },
    { title: 'MESSAGE', cell: ({ lastAttemptResult: result }) => result?.status?.message ?? '' },
    { title: 'POD', cell: ({ pod = '' }) => pod, isWide: true },
    { title: 'RESULT', cell: ({ result }) => (result === undefined ? '' : JSON.stringify(result)), isWide: true },
  ],
};
