import { expect, test } from 'vitest';
import { noTasks, type Run } from '../../../records/runs.ts';
import { executionToJson, runStatuses, taskStatuses, taskToJson } from './execution.ts';
import { templateOfRun } from './template.ts';

const plan = {
  taskCount: 4,
  parallelism: 2,
  maxRetries: 1,
  timeoutSeconds: 60,
  deadlineSeconds: 600,
  graceSeconds: 30,
  concurrencyPolicy: 'Allow',
  history: { succeeded: 1, failed: 1 },
  call: { function: 'square', export: 'fast', args: [1, null] },
};
const run: Run = {
  uid: 'u',
  namespace: 'default',
  name: 'squares-1',
  kind: 'execution',
  place: 'instances',
  job: 'squares',
  labels: { app: 'shop' },
  spec: plan,
  createdAt: Date.parse('2026-11-21T10:00:00Z'),
  startedAt: Date.parse('2026-11-21T10:00:01Z'),
  status: 'running',
  counts: { ...noTasks, running: 2, succeeded: 1, retried: 1 },
  desired: 'pause',
  version: 7,
  sequence: 3,
};

test('an execution is shown as it is', () => {
  expect(executionToJson(run, templateOfRun(run))).toMatchObject({
    name: 'namespaces/default/jobs/squares/executions/squares-1',
    job: 'squares',
    etag: '7',
    status: 'RUNNING',
    paused: true,
    reconciling: true,
    taskCount: 4,
    parallelism: 2,
    deadline: '600s',
    runningCount: 2,
    succeededCount: 1,
    retriedCount: 1,
    createTime: '2026-11-21T10:00:00.000Z',
    startTime: '2026-11-21T10:00:01.000Z',
    conditions: [{ type: 'Completed', state: 'CONDITION_RECONCILING' }],
    template: { call: { function: 'square', export: 'fast', args: [1, null] }, maxRetries: 1, timeout: '60s' },
  });
});

test('one that has ended is neither paused nor reconciled', () => {
  const endedAt = Date.parse('2026-11-21T10:05:00Z');
  const ended: Run = { ...run, status: 'failed', endedAt, reason: 'TasksFailed', message: 'a task failed', result: [null, 2] };
  expect(executionToJson(ended, templateOfRun(ended))).toMatchObject({
    status: 'FAILED',
    paused: false,
    reconciling: false,
    completionTime: '2026-11-21T10:05:00.000Z',
    message: 'a task failed',
    result: [null, 2],
    conditions: [{ state: 'CONDITION_FAILED', reason: 'TasksFailed', message: 'a task failed' }],
  });
});

test.each([
  ['succeeded', { exitCode: 0, result: 9 }, { status: { code: 0 }, exitCode: 0 }],
  ['failed', { exitCode: 3, error: 'exit code 3' }, { status: { code: 2, message: 'exit code 3' }, exitCode: 3 }],
  ['cancelled', {}, { status: { code: 1 } }],
  ['running', { error: 'the attempt before' }, { status: { code: 2, message: 'the attempt before' } }],
  ['pending', {}, undefined],
] as const)('a task that is %s has the result of its last attempt', (status, more, lastAttemptResult) => {
  const task = taskToJson(run, { index: 2, attempt: 1, status, ...more }, templateOfRun(run));
  expect(task.lastAttemptResult).toEqual(lastAttemptResult);
  expect(task).toMatchObject({
    name: 'namespaces/default/jobs/squares/executions/squares-1/tasks/2',
    status: status.toUpperCase(),
    retried: 1,
    maxRetries: 1,
  });
});

test('statuses are asked for by the names of the API', () => {
  expect(runStatuses(['FAILED', 'FORCE_DELETED', 'STATUS_UNSPECIFIED'])).toEqual(['failed', 'forceDeleted']);
  expect(taskStatuses(['PENDING'])).toEqual(['pending']);
});
