/** Waits for an execution, shows how far it is, and says at its end what became of it. */
import type { ExecutionJson } from '../../jobs/api/generated/execution.generated.ts';
import type { ListTasksResponseJson, TaskLogLineJson } from '../../jobs/api/generated/task.generated.ts';
import { call, stream } from '../../client/rpc.ts';
import type { Platform } from '../platform.ts';
import { lastOf, statusWord } from './shown.ts';

/** Of a failed task. */
const shownLines = 10;

/** Answers the exit code: 0 when it succeeded. */
export async function follow(platform: Platform, name: string): Promise<number> {
  let last: ExecutionJson = {};
  const bar = progressBar();
  try {
    for await (const execution of stream<ExecutionJson>(platform, 'Executions/WatchExecution', { name })) {
      last = execution;
      bar.show(execution);
    }
  } finally {
    bar.clear();
  }
  const { status, message, succeededCount = 0, taskCount = 0 } = last;
  const said = `execution ${lastOf(name)}: ${statusWord(status)}, ${succeededCount} of ${taskCount} tasks succeeded`;
  process.stderr.write(`${said}${message && status !== 'SUCCEEDED' ? `: ${message}` : ''}\n`);
  if (status === 'SUCCEEDED') return 0;
  await showFailed(platform, name);
  return 1;
}

/** The last lines of the first task that failed. */
async function showFailed(platform: Platform, name: string): Promise<void> {
  const { tasks = [] } = await call<ListTasksResponseJson>(platform, 'Tasks/ListTasks', {
    parent: name,
    statuses: ['FAILED'],
    pageSize: 1,
  });
  const [task] = tasks;
  if (!task) return;
  const { exitCode = 0, status } = task.lastAttemptResult ?? {};
  const why = [exitCode ? `exit code ${exitCode}` : '', status?.message ?? ''].filter((each) => each !== '').join(', ');
  process.stderr.write(`task ${task.index ?? 0} failed${why ? `: ${why}` : ''}; its last lines:\n`);
  for await (const { text = '' } of stream<TaskLogLineJson>(platform, 'Tasks/GetTaskLogs', { name: task.name, tail: shownLines }))
    process.stderr.write(`  ${text}\n`);
  process.stderr.write(` hint: tsumugi task logs ${lastOf(name)}/${task.index ?? 0}\n`);
}

const width = 24;

/** On a terminal a line that is written again and again; elsewhere nothing. */
function progressBar(): { show(execution: ExecutionJson): void; clear(): void } {
  const { stderr } = process;
  if (!stderr.isTTY || process.env['CI']) return { show: () => undefined, clear: () => undefined };
  return {
    show: (execution) => void stderr.write(`\r\u001B[K${barOf(execution, stderr.columns)}`),
    clear: () => void stderr.write('\r\u001B[K'),
  };
}

/** `█████░░░░ 12/40 tasks, 4 running, 1 failed` */
export function barOf(execution: ExecutionJson, columns = 80): string {
  const {
    status,
    paused,
    taskCount = 1,
    succeededCount = 0,
    failedCount = 0,
    cancelledCount = 0,
    runningCount = 0,
    retriedCount = 0,
  } = execution;
  const ended = succeededCount + failedCount + cancelledCount;
  const full = Math.floor((width * ended) / Math.max(taskCount, 1));
  const counts: readonly (readonly [number, string])[] = [
    [runningCount, 'running'],
    [failedCount, 'failed'],
    [retriedCount, 'retried'],
  ];
  const details = counts.filter(([count]) => count > 0).map(([count, word]) => `, ${count} ${word}`);
  const state = paused ? ', paused' : status === 'QUEUED' ? ', queued' : '';
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${ended}/${taskCount} tasks${details.join('')}${state}`.slice(0, columns - 1);
}
