/** `execution …` and `task …`: what the jobs API answers, on the screen. */
import type { ExecutionJson, ListExecutionsResponseJson } from '../../jobs/api/generated/execution.generated.ts';
import type { ListTasksResponseJson, TaskJson, TaskLogLineJson } from '../../jobs/api/generated/task.generated.ts';
import { call, stream } from '../../client/rpc.ts';
import { connect, type Platform, type PlatformFlags } from '../platform.ts';
import { parseChoice, parseCount, parseSeconds } from '../values.ts';
import { follow } from './follow.ts';
import { executionPath, taskPath } from './names.ts';
import { executionColumns, parseOutput, print, taskColumns } from './shown.ts';

export interface ShowFlags extends PlatformFlags {
  readonly output: string;
}

export interface ListFlags extends ShowFlags {
  readonly job?: string;
  readonly status?: string;
  readonly since?: string;
  readonly selector?: string;
  readonly limit: string;
  readonly allNamespaces?: boolean;
}

export interface TaskListFlags extends ShowFlags {
  readonly status?: string;
  readonly limit: string;
}

export interface LogFlags extends PlatformFlags {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly timestamps?: boolean;
}

const executionStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'force-deleted'];
const taskStatuses = ['pending', 'running', 'succeeded', 'failed', 'cancelled'];

export async function listExecutions(flags: ListFlags): Promise<void> {
  const output = parseOutput(flags.output);
  const limit = parseCount('--limit', flags.limit, 1);
  const statuses = parseStatuses(flags.status, executionStatuses);
  const since = flags.since === undefined ? undefined : new Date(Date.now() - parseSeconds('--since', flags.since) * 1000).toISOString();
  const platform = await connect(flags);
  const parent = `namespaces/${flags.allNamespaces ? '-' : platform.namespace}/jobs/${flags.job ?? '-'}`;
  const request = {
    parent,
    ...(statuses && { statuses }),
    ...(since !== undefined && { since }),
    ...(flags.selector !== undefined && { labelSelector: flags.selector }),
  };
  const found = await pages(limit, async (page) => {
    const answer = await call<ListExecutionsResponseJson>(platform, 'Executions/ListExecutions', { ...request, ...page });
    return { items: answer.executions ?? [], next: answer.nextPageToken };
  });
  if (found.length === 0 && output !== 'json' && output !== 'yaml') return sayNone('executions', platform, flags.allNamespaces);
  await print(found, executionColumns(flags.allNamespaces === true), output);
}

export async function getExecutions(names: readonly string[], flags: ShowFlags): Promise<void> {
  const output = parseOutput(flags.output);
  const platform = await connect(flags);
  const found = await Promise.all(
    names.map((name) => call<ExecutionJson>(platform, 'Executions/GetExecution', { name: executionPath(platform.namespace, name) })),
  );
  await print(found, executionColumns(false), output, found.length === 1);
}

/** One call for each; goes on after one that fails, and throws the first failure at the end. */
export async function changeExecutions(names: readonly string[], flags: PlatformFlags, method: string, done: string): Promise<void> {
  const platform = await connect(flags);
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      await call(platform, `Executions/${method}`, { name: executionPath(platform.namespace, name) });
      process.stdout.write(`execution ${name} ${done}\n`);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Answers the exit code. */
export async function retryExecution(name: string, flags: PlatformFlags & { readonly wait?: boolean }): Promise<number> {
  const platform = await connect(flags);
  const path = executionPath(platform.namespace, name);
  await call(platform, 'Executions/RetryExecution', { name: path });
  process.stdout.write(`execution ${name} started again\n`);
  return flags.wait ? follow(platform, path) : 0;
}

export async function listTasks(execution: string, flags: TaskListFlags): Promise<void> {
  const output = parseOutput(flags.output);
  const limit = parseCount('--limit', flags.limit, 1);
  const statuses = parseStatuses(flags.status, taskStatuses);
  const platform = await connect(flags);
  const request = { parent: executionPath(platform.namespace, execution), ...(statuses && { statuses }) };
  const found = await pages(limit, async (page) => {
    const answer = await call<ListTasksResponseJson>(platform, 'Tasks/ListTasks', { ...request, ...page });
    return { items: answer.tasks ?? [], next: answer.nextPageToken };
  });
  if (found.length === 0 && output !== 'json' && output !== 'yaml')
    return void process.stderr.write(`no tasks of execution ${execution}\n`);
  await print(found, taskColumns, output);
}

export async function getTask(name: string, flags: ShowFlags): Promise<void> {
  const output = parseOutput(flags.output);
  const platform = await connect(flags);
  const task = await call<TaskJson>(platform, 'Tasks/GetTask', { name: taskPath(platform.namespace, name) });
  await print([task], taskColumns, output, true);
}

/** Of an execution, each line behind its task; or of one task. Ends with Ctrl-C. */
export async function printLogs(name: string, flags: LogFlags): Promise<void> {
  const tail = flags.tail === undefined ? undefined : parseCount('--tail', flags.tail, 1);
  const platform = await connect(flags);
  const isTask = name.includes('/');
  const request = {
    name: isTask ? taskPath(platform.namespace, name) : executionPath(platform.namespace, name),
    ...(flags.follow && { follow: true }),
    ...(tail !== undefined && { tail }),
  };
  const end = new AbortController();
  const stop = (): void => end.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    for await (const { index = 0, time = '', text = '' } of stream<TaskLogLineJson>(platform, 'Tasks/GetTaskLogs', request, end.signal))
      process.stdout.write(`${flags.timestamps ? `${time} ` : ''}${isTask ? '' : `[${index}] `}${text}\n`);
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

async function pages<T>(limit: number, read: (page: { pageSize: number; pageToken?: string }) => Promise<Page<T>>): Promise<readonly T[]> {
  const found: T[] = [];
  for (let token: string | undefined; ;) {
    const { items, next } = await read({
      pageSize: Math.min(limit - found.length, 1000),
      ...(token !== undefined && { pageToken: token }),
    });
    found.push(...items);
    if (!next || found.length >= limit) return found;
    token = next;
  }
}

/** As the API has them. */
function parseStatuses(text: string | undefined, allowed: readonly string[]): readonly string[] | undefined {
  return text?.split(',').map((each) => parseChoice('--status', each.toLowerCase(), allowed).replace('-', '_').toUpperCase());
}

function sayNone(what: string, { namespace }: Platform, all: boolean | undefined): void {
  process.stderr.write(all ? `no ${what}\n` : `no ${what} in namespace ${namespace}\n`);
}
