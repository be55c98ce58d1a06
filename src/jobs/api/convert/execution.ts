/** Runs and their tasks, as the API shows them. */
import type { Run, RunStatus, TaskStatus } from '../../../records/runs.ts';
import type { TaskView } from '../../jobs.ts';
import type { Execution_StatusJson, ExecutionJson } from '../generated/execution.generated.ts';
import type { Task_StatusJson, TaskJson } from '../generated/task.generated.ts';
import type { Condition_StateJson, ConditionJson, TaskTemplateJson } from '../generated/template.generated.ts';
import { type ExecutionName, executionName, taskName } from '../names.ts';
import { defined, timestamp } from './json.ts';

const executionStatus: Readonly<Record<RunStatus, Execution_StatusJson>> = {
  queued: 'QUEUED',
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
  forceDeleted: 'FORCE_DELETED',
};

const taskStatus: Readonly<Record<TaskStatus | 'pending', Task_StatusJson>> = {
  pending: 'PENDING',
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
};

const states: Readonly<Record<RunStatus | TaskStatus | 'pending', Condition_StateJson>> = {
  queued: 'CONDITION_PENDING',
  pending: 'CONDITION_PENDING',
  running: 'CONDITION_RECONCILING',
  succeeded: 'CONDITION_SUCCEEDED',
  failed: 'CONDITION_FAILED',
  cancelled: 'CONDITION_FAILED',
  forceDeleted: 'CONDITION_FAILED',
};

export const nameOfRun = ({ namespace, job, name }: Pick<Run, 'namespace' | 'job' | 'name'>): ExecutionName => ({
  namespace,
  job,
  execution: name,
});

/** The statuses of runs that are asked for; those that nobody knows are none. */
export const runStatuses = (asked: readonly Execution_StatusJson[]): RunStatus[] => keysOf(executionStatus, asked);
export const taskStatuses = (asked: readonly Task_StatusJson[]): (TaskStatus | 'pending')[] => keysOf(taskStatus, asked);

const keysOf = <K extends string, V>(table: Readonly<Record<K, V>>, values: readonly V[]): K[] =>
  (Object.keys(table) as K[]).filter((key) => values.includes(table[key]));

/** What of its template is shown, beside its tasks. */
export interface ShownTemplate {
  readonly template: TaskTemplateJson;
  readonly parallelism: number;
  readonly taskCount: number;
  readonly deadline?: string;
}

export function executionToJson(run: Run, shown: ShownTemplate): ExecutionJson {
  const { uid, labels, counts, status, reason, message, result, endedAt } = run;
  return defined({
    name: executionName(nameOfRun(run)),
    uid,
    labels: { ...labels },
    createTime: timestamp(run.createdAt),
    startTime: timestamp(run.startedAt),
    completionTime: timestamp(endedAt),
    updateTime: timestamp(endedAt ?? run.startedAt ?? run.createdAt),
    job: run.job,
    ...shown,
    reconciling: endedAt === undefined,
    conditions: [completed(status, { at: endedAt ?? run.startedAt ?? run.createdAt, reason, message })],
    runningCount: counts.running,
    succeededCount: counts.succeeded,
    failedCount: counts.failed,
    cancelledCount: counts.cancelled,
    retriedCount: counts.retried,
    etag: String(run.version),
    status: executionStatus[status],
    reason,
    message,
    paused: run.desired === 'pause' && endedAt === undefined,
    result: result as ExecutionJson['result'],
  });
}

export function taskToJson(run: Run, task: TaskView, { template }: ShownTemplate): TaskJson {
  const { index, attempt, status, startedAt, endedAt, exitCode, error, pod, result } = task;
  const { containers, volumes, maxRetries, timeout } = template;
  const hasEnded = status === 'succeeded' || status === 'failed' || status === 'cancelled';
  const code = status === 'succeeded' ? 0 : status === 'cancelled' ? 1 : 2;
  return defined({
    name: taskName({ ...nameOfRun(run), index }),
    uid: `${run.uid}-${index}`,
    createTime: timestamp(run.createdAt),
    startTime: timestamp(startedAt),
    completionTime: timestamp(endedAt),
    updateTime: timestamp(endedAt ?? startedAt ?? run.createdAt),
    job: run.job,
    execution: run.name,
    containers,
    volumes,
    maxRetries,
    timeout,
    conditions: [completed(status, { at: endedAt ?? startedAt ?? run.createdAt, message: error })],
    index,
    retried: attempt,
    lastAttemptResult:
      hasEnded || error !== undefined || exitCode !== undefined
        ? { status: defined({ code: hasEnded ? code : 2, message: status === 'succeeded' ? undefined : error }), ...defined({ exitCode }) }
        : undefined,
    etag: `${index}-${attempt}-${status}`,
    status: taskStatus[status],
    pod,
    result: result as TaskJson['result'],
  });
}

interface Since {
  readonly at: number;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

const completed = (status: RunStatus | TaskStatus | 'pending', { at, reason, message }: Since): ConditionJson =>
  defined({ type: 'Completed', state: states[status], reason, message, lastTransitionTime: timestamp(at) });
