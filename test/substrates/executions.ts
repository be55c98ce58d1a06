/** Executions, whatever carries them: a job, its tasks, what becomes of them. Nothing here may know which substrate it is. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, type Platform } from '../../src/client/index.ts';
import { find } from '../../src/client/find.ts';
import { call, stream } from '../../src/client/rpc.ts';
import type { ExecutionJson } from '../../src/jobs/api/generated/execution.generated.ts';
import type { RunJobRequest_OverridesJson } from '../../src/jobs/api/generated/job.generated.ts';
import type { TaskJson, TaskLogLineJson } from '../../src/jobs/api/generated/task.generated.ts';
import type { Job } from '../../src/resources/builtin/job/types.ts';
import type { Container } from '../../src/resources/builtin/pod-types.ts';
import type { Execution } from '../../src/resources/execution.ts';
import { isNotFound } from '../../src/resources/object.ts';
import { configMaps, executions, jobDefinitions, jobs, pods, secrets } from '../../src/resources/resources.ts';
import { eventually } from '../e2e/platform.ts';
import { type Substrate, World } from './substrate.ts';

/** Of a JobDefinition beside its container: of the job, of the execution, of its tasks, of the container. */
interface More {
  readonly job?: object;
  readonly execution?: object;
  readonly task?: object;
  readonly container?: Partial<Container>;
}

export function executionsSuite(name: string, start: () => Promise<Substrate>): void {
  describe(`executions on ${name}`, { timeout: 180_000 }, () => {
    let world: World;
    let platform: Platform;
    let namespace: string;
    const soon = (what: string, check: () => unknown): Promise<void> => eventually(what, check, world.substrate.patience);

    beforeAll(async () => {
      world = new World(await start());
      namespace = world.substrate.namespace;
      platform = await connect({ ...world.substrate.connection, namespace });
      // Its second attempt comes ten seconds after the first: it is looked at in the end.
      await define('flaky', 'echo attempt $CLOUD_RUN_TASK_ATTEMPT; test $CLOUD_RUN_TASK_ATTEMPT = 1 || exit 7', {
        task: { maxRetries: 1 },
      });
      await run('flaky', 'flaky-1');
    }, 600_000);
    afterAll(async () => {
      platform?.close();
      await world?.stop();
    }, 120_000);

    const define = (job: string, script: string, { job: ofJob, execution, task, container }: More = {}): Promise<unknown> =>
      platform.kube.create(jobDefinitions, {
        apiVersion: 'tsumugi.dev/v1',
        kind: 'JobDefinition',
        metadata: { name: job, namespace },
        spec: {
          ...ofJob,
          template: {
            spec: {
              ...execution,
              template: {
                spec: {
                  maxRetries: 0,
                  terminationGracePeriodSeconds: 5,
                  ...task,
                  containers: [{ name: 'main', image: world.substrate.image, command: ['/bin/sh', '-c', script], ...container }],
                },
              },
            },
          },
        },
      } as never);
    const pathOf = (execution: string): string => `namespaces/${namespace}/jobs/-/executions/${execution}`;
    const run = (job: string, executionId: string, overrides: RunJobRequest_OverridesJson = {}): Promise<ExecutionJson> =>
      call(platform, 'Jobs/RunJob', { name: `namespaces/${namespace}/jobs/${job}`, executionId, overrides });
    const change = (method: string, execution: string): Promise<ExecutionJson> =>
      call(platform, `Executions/${method}Execution`, { name: pathOf(execution) });
    const get = (execution: string): Promise<ExecutionJson> => change('Get', execution);
    async function ended(execution: string): Promise<ExecutionJson> {
      let last: ExecutionJson = {};
      for await (last of stream<ExecutionJson>(platform, 'Executions/WatchExecution', { name: pathOf(execution) }));
      return last;
    }
    const task = (execution: string, index: number): Promise<TaskJson> =>
      call(platform, 'Tasks/GetTask', { name: `${pathOf(execution)}/tasks/${index}` });
    async function logs(execution: string, index?: number): Promise<readonly string[]> {
      const of = index === undefined ? pathOf(execution) : `${pathOf(execution)}/tasks/${index}`;
      const lines: string[] = [];
      for await (const { text = '' } of stream<TaskLogLineJson>(platform, 'Tasks/GetTaskLogs', { name: of })) lines.push(text);
      return lines;
    }
    const job = (of: string): Promise<Job> => platform.kube.get<Job>(jobs, { namespace, name: of });

    test('a job of the command line: each task knows itself; its log, its end and what it gave are kept', async () => {
      const script =
        'printf $((CLOUD_RUN_TASK_INDEX * 2)) > /dev/termination-log; echo task $CLOUD_RUN_TASK_INDEX of $CLOUD_RUN_TASK_COUNT, attempt $CLOUD_RUN_TASK_ATTEMPT of $CLOUD_RUN_JOB: $GREETING $0';
      const create = [
        'job',
        'create',
        'hello',
        '--image',
        world.substrate.image,
        '--tasks',
        '3',
        '--parallelism',
        '2',
        '--env',
        'GREETING=hello',
      ];
      const made = await world.substrate.tsumugi([...create, '-n', namespace, '--', '/bin/sh', '-c', script, 'nobody']);
      expect(made).toMatchObject({ code: 0 });
      const shown = await world.run('job', 'run', 'hello', '--wait', '--name', 'hello-1');
      expect(shown).toMatchObject({ code: 0, stderr: 'execution hello-1: Succeeded, 3 of 3 tasks succeeded\n' });
      expect(await world.ok('task', 'logs', 'hello-1/2')).toBe('task 2 of 3, attempt 0 of hello: hello nobody\n');
      expect((await logs('hello-1')).toSorted()).toEqual([0, 1, 2].map((index) => `task ${index} of 3, attempt 0 of hello: hello nobody`));
      expect(await task('hello-1', 1)).toMatchObject({
        status: 'SUCCEEDED',
        lastAttemptResult: { status: {} },
        result: '2',
        pod: expect.stringMatching(/^hello-1-0-1-[a-z0-9]{5}$/),
      });
      const selector = { namespace, labelSelector: 'tsumugi.dev/execution=hello-1' };
      for (const resource of [jobs, pods])
        await soon(`${resource.plural} are gone`, async () => (await platform.kube.list(resource, selector)).items.length === 0);

      await run('hello', 'hello-2', {
        taskCount: 1,
        containerOverrides: [{ args: ['somebody'], env: [{ name: 'GREETING', value: 'good bye' }] }],
      });
      expect(await ended('hello-2')).toMatchObject({ status: 'SUCCEEDED', succeededCount: 1, taskCount: 1 });
    });

    test('a task that fails is told by its exit code, one that takes too long by that', async () => {
      await define(
        'ends',
        'echo before; if [ $CLOUD_RUN_TASK_INDEX = 1 ]; then exit 3; fi; if [ $CLOUD_RUN_TASK_INDEX = 2 ]; then sleep 60; fi',
        {
          execution: { taskCount: 3, parallelism: 3 },
          // From the pod's start on, which takes its time where a kubelet is busy.
          task: { timeoutSeconds: 6, terminationGracePeriodSeconds: 0 },
        },
      );
      const shown = await world.run('job', 'run', 'ends', '--wait', '--name', 'ends-1');
      expect(shown.code).toBe(1);
      expect(shown.stderr).toContain('execution ends-1: Failed, 1 of 3 tasks succeeded: 2 of 3 tasks failed');
      expect(shown.stderr).toContain('task 1 failed: exit code 3, the process ended with exit code 3; its last lines:\n  before\n');
      expect(await task('ends-1', 2)).toMatchObject({
        lastAttemptResult: { status: { message: 'it ran longer than its timeout of 6 s' } },
      });
    });

    test('each task has its item in a file', async () => {
      await define('items', 'cat $TSUMUGI_TASK_ITEM_FILE; echo', { execution: { items: ['one', { two: 2 }] } });
      await run('items', 'items-1');
      expect(await ended('items-1')).toMatchObject({ status: 'SUCCEEDED', taskCount: 2 });
      expect([await logs('items-1', 0), await logs('items-1', 1)]).toEqual([['one'], ['{"two":2}']]);
      await run('items', 'items-2', { items: ['three'] });
      expect(await ended('items-2')).toMatchObject({ status: 'SUCCEEDED', taskCount: 1 });
      expect(await logs('items-2')).toEqual(['three']);
    });

    test('what failed is tried again, and only that', async () => {
      await define('mended', 'test $CLOUD_RUN_TASK_INDEX != 1 || test -e /etc/mended/yes', {
        execution: { taskCount: 3, parallelism: 3 },
        task: { volumes: [{ name: 'mended', configMap: { name: 'mended', optional: true } }] },
        container: { volumeMounts: [{ name: 'mended', mountPath: '/etc/mended' }] },
      });
      await run('mended', 'mended-1');
      expect(await ended('mended-1')).toMatchObject({ status: 'FAILED', succeededCount: 2, failedCount: 1 });
      await platform.kube.create(configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'mended', namespace },
        data: { yes: '' },
      } as never);
      const before = await task('mended-1', 0);
      await change('Retry', 'mended-1');
      expect(await ended('mended-1')).toMatchObject({ status: 'SUCCEEDED', succeededCount: 3, retriedCount: 1 });
      expect(await task('mended-1', 1)).toMatchObject({ retried: 1, pod: expect.stringMatching(/^mended-1-r1-1-0-/) });
      expect(await task('mended-1', 0)).toEqual(before);
    });

    test('an Execution object asks for it, shows it, and owns its Job', async () => {
      await define('long', 'echo here; sleep 300', {
        execution: { taskCount: 2, parallelism: 2 },
        task: { terminationGracePeriodSeconds: 0 },
      });
      const { metadata } = await platform.kube.create<Execution>(executions, {
        apiVersion: 'tsumugi.dev/v1',
        kind: 'Execution',
        metadata: { name: 'declared', namespace },
        spec: { jobDefinition: 'long' },
      });
      const read = (): Promise<Execution> => platform.kube.get<Execution>(executions, { namespace, name: 'declared' });
      await soon('both run', async () => (await read()).status?.runningCount === 2);
      expect((await job('declared-0')).metadata).toMatchObject({
        labels: { 'tsumugi.dev/execution': 'declared', 'tsumugi.dev/job-definition': 'long' },
        ownerReferences: [{ kind: 'Execution', name: 'declared', uid: metadata.uid, controller: true }],
      });
      const { logUri = '' } = (await read()).status ?? {};
      await soon('its log is where it says', async () => {
        const lines: string[] = [];
        for await (const line of platform.platformLines(logUri)) lines.push((JSON.parse(line) as { text: string }).text);
        return lines.join() === 'here,here';
      });
      await platform.kube.delete(executions, { namespace, name: 'declared' });
      await soon('the object is gone', () => read().then(() => false, isNotFound));
      await soon('its Job is gone', () => job('declared-0').then(() => false, isNotFound));
      await expect(get('declared')).rejects.toMatchObject({ code: 'NotFound' });
    });

    test('a pause suspends its Job, and what ran begins anew', async () => {
      await define('held', 'echo begun; test -e /etc/go/on || sleep 300', {
        task: { terminationGracePeriodSeconds: 0, volumes: [{ name: 'go', configMap: { name: 'go', optional: true } }] },
        container: { volumeMounts: [{ name: 'go', mountPath: '/etc/go' }] },
      });
      await run('held', 'held-1');
      await soon('it runs', async () => (await get('held-1')).runningCount === 1);
      await change('Pause', 'held-1');
      await soon('nothing runs', async () => ((await get('held-1')).runningCount ?? 0) === 0);
      expect((await job('held-1-0')).spec.suspend).toBe(true);
      expect(await get('held-1')).toMatchObject({ paused: true, status: 'RUNNING' });
      await platform.kube.create(configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'go', namespace },
        data: { on: '' },
      } as never);
      await change('Resume', 'held-1');
      expect(await ended('held-1')).toMatchObject({ status: 'SUCCEEDED', succeededCount: 1 });
      expect((await task('held-1', 0)).retried ?? 0).toBe(0);
    });

    test('a cancelled one has its grace, and keeps its last words', async () => {
      await define('polite', 'trap "echo good bye; exit 143" TERM; echo hello; while :; do sleep 0.1; done', {
        execution: { taskCount: 2 },
      });
      await run('polite', 'polite-1');
      await soon('it has begun', async () => (await logs('polite-1', 0)).length > 0);
      await change('Cancel', 'polite-1');
      expect(await ended('polite-1')).toMatchObject({ status: 'CANCELLED', cancelledCount: 2 });
      expect((await platform.kube.list(pods, { namespace, labelSelector: 'tsumugi.dev/execution=polite-1' })).items).toEqual([]);
      expect(await logs('polite-1', 0)).toEqual(['hello', 'good bye']);
    });

    test('its deadline ends it', async () => {
      await define('late', 'sleep 300', { execution: { activeDeadlineSeconds: 2 }, task: { terminationGracePeriodSeconds: 0 } });
      await run('late', 'late-1');
      expect(await ended('late-1')).toMatchObject({ status: 'FAILED', reason: 'DeadlineExceeded', cancelledCount: 1 });
    });

    test('tasks of a function run on instances that are used again: results, retries, logs', async () => {
      const source = `
        import { getContext } from 'tsumugi/sdk';
        export async function square(item: { n: number; fails?: number }) {
          const { task } = getContext();
          console.log('task', task!.index, 'attempt', task!.attempt);
          if ((item.fails ?? 0) > task!.attempt) throw new Error('not yet');
          return item.n ** 2;
        }`;
      await world.deploy('squares', source);
      await platform.kube.create(jobDefinitions, {
        apiVersion: 'tsumugi.dev/v1',
        kind: 'JobDefinition',
        metadata: { name: 'squares', namespace },
        spec: { template: { spec: { parallelism: 4, template: { spec: { call: { function: 'squares' }, maxRetries: 1 } } } } },
      } as never);
      const items = Array.from({ length: 20 }, (_, n) => ({ n, ...(n === 7 && { fails: 1 }), ...(n === 9 && { fails: 2 }) }));
      await run('squares', 'squares-1', { items });
      expect(await ended('squares-1')).toMatchObject({ status: 'FAILED', succeededCount: 19, failedCount: 1, retriedCount: 2 });
      expect(await task('squares-1', 7)).toMatchObject({ status: 'SUCCEEDED', retried: 1, result: 49 });
      expect(await task('squares-1', 9)).toMatchObject({ status: 'FAILED' });
      const said = await logs('squares-1', 7);
      expect([said[0], said[1], said.at(-1)]).toEqual(['task 7 attempt 0', 'Error: not yet', 'task 7 attempt 1']);
      await change('Retry', 'squares-1');
      expect(await ended('squares-1')).toMatchObject({ status: 'SUCCEEDED', succeededCount: 20 });
    });

    test('permissions give its containers the rights of an account of their own', async () => {
      await define('who', 'cd $TSUMUGI_IDENTITY; cat kubernetes; echo; for file in *; do echo $file; done; sleep 300', {
        job: { permissions: { manage: ['configmaps'] } },
        task: { terminationGracePeriodSeconds: 0 },
      });
      await run('who', 'who-1');
      await soon('it has said all', async () => (await logs('who-1')).length === 6);
      const [token = '', ...files] = await logs('who-1');
      expect(files).toEqual(['gateway', 'kubernetes', 'kubernetes-ca.crt', 'platform', 'platform-ca.crt']);
      const { server, ca } = (await find(world.substrate.connection)).connection;
      const own = await connect({ api: server, token, namespace, ...(ca !== undefined && { ca }) });
      await soon('it may read what it declares', () => own.kube.list(configMaps, { namespace }).then(() => true));
      await expect(own.kube.list(secrets, { namespace })).rejects.toMatchObject({ code: 403 });
      await expect(own.kube.list(configMaps, { namespace: 'default' })).rejects.toMatchObject({ code: 403 });
      own.close();
      await change('Cancel', 'who-1');
      expect(await ended('who-1')).toMatchObject({ status: 'CANCELLED' });
    });

    test('what is not right is refused with its field', async () => {
      const containers = [{ name: 'main', image: world.substrate.image }];
      const refused = (spec: object): Promise<unknown> =>
        platform.kube.create(jobDefinitions, {
          apiVersion: 'tsumugi.dev/v1',
          kind: 'JobDefinition',
          metadata: { name: 'refused', namespace },
          spec: { template: { spec: { template: { spec } } } },
        } as never);
      await expect(refused({ containers: [] })).rejects.toThrow('spec.template.spec.template.spec.containers');
      await expect(refused({ containers: [...containers, { ...containers[0], name: 'other' }] })).rejects.toThrow(
        'spec.template.spec.template.spec.containers',
      );
      await expect(refused({ containers, call: { function: 'f' } })).rejects.toThrow('spec.template.spec.template.spec');
      await expect(run('hello', 'hello-3', { items: ['y'.repeat(1_100_000)] })).rejects.toMatchObject({
        code: 'Invalid',
        message: expect.stringContaining('the items have 1100000 bytes'),
      });
    });

    test('a failed attempt is followed by another, with what both said', async () => {
      expect(await ended('flaky-1')).toMatchObject({ status: 'SUCCEEDED', succeededCount: 1, retriedCount: 1 });
      expect(await task('flaky-1', 0)).toMatchObject({ retried: 1, lastAttemptResult: { status: {} } });
      expect(await logs('flaky-1', 0)).toEqual(['attempt 0', 'attempt 1']);
    });
  });
}
