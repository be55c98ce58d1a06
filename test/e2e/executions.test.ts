/** Work that runs to its end, declared by objects: a JobDefinition, an Execution, its status; and the control plane killed in between. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHttpClient } from '../../src/kube/http/client.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { openSqliteRuns } from '../../src/records/sqlite/runs.ts';
import type { Task } from '../../src/records/runs.ts';
import { conditionOf } from '../../src/resources/conditions.ts';
import type { Execution } from '../../src/resources/execution.ts';
import type { JobDefinition } from '../../src/resources/job-definition.ts';
import { isNotFound } from '../../src/resources/object.ts';
import { executions, jobDefinitions } from '../../src/resources/resources.ts';
import { cleanUp, eventually, startPlatform, type TestPlatform } from './platform.ts';

const namespace = 'default';
const source = `
import { getContext } from 'tsumugi/sdk';
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export async function square(ms = 0, item) {
  const { task } = getContext();
  console.log('task', task.env.CLOUD_RUN_TASK_INDEX, 'of', task.env.CLOUD_RUN_TASK_COUNT, 'attempt', task.attempt);
  if (ms > 0) await wait(ms);
  if (item?.fails > task.attempt) throw new Error('not yet');
  return { square: task.index ** 2, execution: task.execution, item };
}`;

let platform: TestPlatform;
let client: KubeClient & { close(): void };
beforeAll(async () => {
  platform = await startPlatform();
  client = createHttpClient(await loadConnection({ path: platform.kubeconfig }));
  await platform.deploy('squares', source);
});
afterAll(async () => {
  client?.close();
  await platform?.stop();
  await cleanUp();
});

const define = (name: string, execution: object, call: object = {}, task: object = {}): Promise<JobDefinition> =>
  client.create(jobDefinitions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'JobDefinition',
    metadata: { name, namespace },
    spec: { template: { spec: { ...execution, template: { spec: { call: { function: 'squares', ...call }, ...task } } } } },
  } as unknown as JobDefinition);

const execute = (name: string, jobDefinition: string, more: object = {}): Promise<Execution> =>
  client.create(executions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Execution',
    metadata: { name, namespace },
    spec: { jobDefinition, ...more },
  });

const read = (name: string): Promise<Execution> => client.get<Execution>(executions, { namespace, name });

async function completed(name: string): Promise<Execution> {
  let last: Execution | undefined;
  await eventually(
    `execution ${name} ends`,
    async () => {
      last = await read(name);
      return last.status?.completionTime !== undefined;
    },
    60,
  );
  return last as Execution;
}

async function tasksOf({ metadata }: Execution): Promise<readonly Task[]> {
  const runs = openSqliteRuns(`${platform.data}/records.db`);
  try {
    return await runs.tasks(metadata.uid ?? '', { limit: 10_000 });
  } finally {
    await runs.close();
  }
}

it('an Execution runs the tasks of its JobDefinition, and both show how it went', async () => {
  await define('plain', { taskCount: 20, parallelism: 4 });
  await execute('plain-1', 'plain');
  const done = await completed('plain-1');
  expect(conditionOf(done, 'Completed')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  expect(done.status).toMatchObject({
    taskCount: 20,
    succeededCount: 20,
    failedCount: 0,
    retriedCount: 0,
    runningCount: 0,
    progress: '20/20',
  });
  expect((await tasksOf(done)).map(({ result }) => (result as { square: number }).square)).toEqual(
    Array.from({ length: 20 }, (_, index) => index ** 2),
  );
  await eventually('the definition shows it', async () => {
    const { status } = await client.get<JobDefinition>(jobDefinitions, { namespace, name: 'plain' });
    return status?.executionCount === 1 && status.latestCreatedExecution?.completionStatus === 'EXECUTION_SUCCEEDED';
  });
});

it('items are inputs, failures are tried again, overrides win, what fails in the end is named', async () => {
  await define('items', { parallelism: 2, items: [1] }, { args: [0] }, { maxRetries: 1 });
  await execute('items-1', 'items', { items: [{ fails: 1 }, { fails: 9 }, { fails: 0 }] });
  const done = await completed('items-1');
  expect(conditionOf(done, 'Completed')).toMatchObject({ status: 'False', reason: 'TasksFailed', message: '1 of 3 tasks failed' });
  expect(done.status).toMatchObject({ succeededCount: 2, failedCount: 1, retriedCount: 2 });
  const [first, second] = await tasksOf(done);
  expect(first).toMatchObject({ status: 'succeeded', attempt: 1, result: { square: 0, item: { fails: 1 } } });
  expect(second).toMatchObject({ status: 'failed', attempt: 1, error: expect.stringContaining('not yet') });
});

it('an Execution waits for its JobDefinition, and says so', async () => {
  await execute('early', 'later');
  await eventually('it says what is missing', async () => conditionOf(await read('early'), 'Completed')?.reason === 'JobDefinitionMissing');
  await define('later', {});
  expect((await completed('early')).status).toMatchObject({ succeededCount: 1 });
});

it('what is deleted is cancelled, and gone when nothing runs any more', async () => {
  await define('long', { taskCount: 50, parallelism: 2 }, { args: [4000] }, { terminationGracePeriodSeconds: 0 });
  const { metadata } = await execute('long-1', 'long');
  await eventually('it runs', async () => (await read('long-1')).status?.runningCount === 2);
  await client.delete(executions, { namespace, name: 'long-1' });
  await eventually('the object is gone', () => read('long-1').then(() => false, isNotFound));
  const runs = openSqliteRuns(`${platform.data}/records.db`);
  expect(await runs.get([metadata.uid ?? ''])).toEqual([undefined]);
  await runs.close();
});

it('suspend holds it, and lets it go on', async () => {
  await define('held', { taskCount: 3 });
  await execute('held-1', 'held', { suspend: true });
  await eventually('it is held', async () => conditionOf(await read('held-1'), 'Completed')?.reason === 'Suspended');
  await client.patch(executions, { namespace, name: 'held-1' }, { type: 'merge', body: { spec: { suspend: false } } });
  expect((await completed('held-1')).status).toMatchObject({ succeededCount: 3 });
});

it('a killed control plane finds every execution again: none is lost, no task ends twice', async () => {
  await define('killed', { taskCount: 60, parallelism: 4 }, { args: [50] });
  for (const name of ['killed-1', 'killed-2']) await execute(name, 'killed');
  for (const least of [5, 30]) {
    await eventually('some tasks have ended', async () => ((await read('killed-1')).status?.succeededCount ?? 0) >= least, 60);
    process.kill(platform.processes().controlPlane, 'SIGKILL');
    await eventually('the API is back', () => read('killed-1').then(() => true), 60);
  }
  for (const name of ['killed-1', 'killed-2']) {
    const done = await completed(name);
    expect(done.status).toMatchObject({ succeededCount: 60, failedCount: 0, cancelledCount: 0, progress: '60/60' });
    const tasks = await tasksOf(done);
    expect(tasks.map(({ index, status, attempt }) => `${index} ${status} ${attempt}`)).toEqual(
      Array.from({ length: 60 }, (_, index) => `${index} succeeded 0`),
    );
  }
});

it('the same of containers: each task ends once, with its exit code and its log', async () => {
  const script = 'echo task $CLOUD_RUN_TASK_INDEX; sleep 0.3';
  const containers = [{ name: 'main', image: 'host', command: ['/bin/sh', '-c', script] }];
  await client.create(jobDefinitions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'JobDefinition',
    metadata: { name: 'boxes', namespace },
    spec: { template: { spec: { taskCount: 16, parallelism: 4, template: { spec: { containers } } } } },
  } as unknown as JobDefinition);
  await execute('boxes-1', 'boxes');
  for (const least of [1, 8]) {
    await eventually('some tasks have ended', async () => ((await read('boxes-1')).status?.succeededCount ?? 0) >= least, 60);
    process.kill(platform.processes().controlPlane, 'SIGKILL');
    await eventually('the API is back', () => read('boxes-1').then(() => true), 60);
  }
  const done = await completed('boxes-1');
  expect(done.status).toMatchObject({ succeededCount: 16, failedCount: 0, cancelledCount: 0, retriedCount: 0 });
  expect((await tasksOf(done)).map(({ index, status, attempt, exitCode }) => [index, status, attempt, exitCode])).toEqual(
    Array.from({ length: 16 }, (_, index) => [index, 'succeeded', 0, 0]),
  );
  const { stdout } = await platform.tsumugi('execution', 'logs', 'boxes-1');
  expect(stdout.trim().split('\n').toSorted()).toEqual(Array.from({ length: 16 }, (_, index) => `[${index}] task ${index}`).toSorted());
});
