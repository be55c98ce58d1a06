import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TsumugiError } from '../../base/errors.ts';
import type { ConfigMap } from '../../resources/builtin/configmap.ts';
import type { Execution } from '../../resources/execution.ts';
import type { KubeObject } from '../../resources/object.ts';
import { configMaps, executions, jobDefinitions, jobs, pods } from '../../resources/resources.ts';
import { HandNode, namespace, texts } from './testing/hand-node.ts';
import { nobodyIs } from './testing/identity.ts';

let node: HandNode;
beforeEach(async () => {
  node = await HandNode.open();
});
afterEach(() => node.close());

const log = async (task?: number): Promise<readonly string[]> =>
  texts(
    node.jobs.logs({ namespace, name: 'e' }, { follow: false, signal: AbortSignal.timeout(5000), ...(task !== undefined && { task }) }),
  );
const statuses = async (): Promise<readonly string[]> =>
  (await node.tasks()).map(({ index, status, attempt }) => `${index} ${status} ${attempt}`);
/** Resolves when the records say so of the tasks. */
const shown = (...wanted: readonly string[]): Promise<void> => vi.waitFor(async () => expect(await statuses()).toEqual(wanted), 5000);

test('its tasks are the indexes of one Job, each of which knows itself', async () => {
  const { uid } = await node.execute({ taskCount: 3, parallelism: 2, maxRetries: 4, timeoutSeconds: 9, graceSeconds: 7 });
  const first = await node.pods(2);
  const job = await node.job('e-0');
  const labels = { 'tsumugi.dev/run': uid, 'tsumugi.dev/execution': 'e', 'tsumugi.dev/job-definition': 'j' };
  expect(job.metadata).toMatchObject({ labels });
  expect(job.metadata.ownerReferences).toBeUndefined();
  expect(job.spec).toMatchObject({
    completions: 3,
    parallelism: 2,
    completionMode: 'Indexed',
    backoffLimitPerIndex: 4,
    podReplacementPolicy: 'Failed',
  });
  expect(job.spec.template).toMatchObject({
    metadata: { labels },
    spec: { restartPolicy: 'Never', activeDeadlineSeconds: 9, terminationGracePeriodSeconds: 7, automountServiceAccountToken: false },
  });
  const variables = Object.fromEntries((first.get('e-0-0')?.spec.containers[0]?.env ?? []).map((each) => [each.name, each]));
  expect(variables).toMatchObject({
    CLOUD_RUN_JOB: { value: 'j' },
    CLOUD_RUN_EXECUTION: { value: 'e' },
    CLOUD_RUN_TASK_COUNT: { value: '3' },
    CLOUD_RUN_TASK_INDEX: { valueFrom: { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" } } },
    CLOUD_RUN_TASK_ATTEMPT: {
      valueFrom: { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-index-failure-count']" } },
    },
  });

  await node.begin(first.get('e-0-1'), 'one');
  await shown('1 running 0');
  expect(await node.run()).toMatchObject({ status: 'running', startedAt: expect.any(Number), counts: { running: 1 } });
  expect(await log()).toEqual(['1.0 one']);
  await node.end(await node.begin(first.get('e-0-0'), 'zero', 'nothing'), 0, { message: 'what it gave' });
  await node.end(first.get('e-0-1'));
  await node.end((await node.pods(1)).get('e-0-2'));
  expect(await node.ended()).toMatchObject({
    status: 'succeeded',
    message: '3 of 3 tasks succeeded',
    counts: { running: 0, succeeded: 3, failed: 0, cancelled: 0, retried: 0 },
  });
  expect((await node.tasks())[0]).toMatchObject({
    status: 'succeeded',
    exitCode: 0,
    result: 'what it gave',
    pod: first.get('e-0-0')?.metadata.name,
  });
  await vi.waitFor(async () => expect(await node.jobNames()).toEqual([]));
  expect(await log()).toEqual(expect.arrayContaining(['0.0 zero', '0.0 nothing', '1.0 one']));
  expect(await log(1)).toEqual(['1.0 one']);
});

test('what fails is tried again, each time with its own log; what fails for good is named', async () => {
  await node.execute({ taskCount: 2, maxRetries: 1 });
  const first = await node.pods(2);
  await node.end(await node.begin(first.get('e-0-0'), 'first'), 3);
  await shown('0 pending 0');
  expect((await node.tasks())[0]).toMatchObject({ exitCode: 3, error: 'the process ended with exit code 3' });
  await node.end(await node.begin(first.get('e-0-1'), 'once'), 137, {}, { reason: 'DeadlineExceeded' });
  const second = await node.pods(2);
  await node.end(await node.begin(second.get('e-0-0'), 'second'), 4);
  await node.end(second.get('e-0-1'));
  expect(await node.ended()).toMatchObject({
    status: 'failed',
    reason: 'TasksFailed',
    message: '1 of 2 tasks failed',
    counts: { succeeded: 1, failed: 1, cancelled: 0, retried: 2 },
  });
  const [one, two] = await node.tasks();
  expect(one).toMatchObject({ status: 'failed', attempt: 1, exitCode: 4, error: 'the process ended with exit code 4' });
  expect(two).toMatchObject({ status: 'succeeded', attempt: 1, exitCode: 0 });
  expect(two).not.toHaveProperty('error');
  expect(await log(0)).toEqual(['0.0 first', '0.1 second']);
});

test('who follows hears each line once, also of pods that come and go', async () => {
  await node.execute({ taskCount: 3, parallelism: 1 });
  const stop = new AbortController();
  const heard: string[] = [];
  const following = (async () => {
    for await (const { task, text } of node.jobs.logs({ namespace, name: 'e' }, { follow: true, signal: stop.signal }))
      heard.push(`${task} ${text}`);
  })();
  const slow = await node.begin((await node.pods(1)).get('e-0-0'), 'one');
  await vi.waitFor(() => expect(heard).toEqual(['0 one']));
  node.say(slow, 'two');
  await vi.waitFor(() => expect(heard).toEqual(['0 one', '0 two']));
  node.say(slow, 'three');
  await node.end(slow);
  for (const name of ['e-0-1', 'e-0-2']) await node.end(await node.begin((await node.pods(1)).get(name), 'short'));
  await node.ended();
  await following;
  expect(heard.toSorted()).toEqual(['0 one', '0 three', '0 two', '1 short', '2 short']);
  stop.abort();
});

test('an attempt that takes too long says so', async () => {
  await node.execute({ timeoutSeconds: 9 });
  await node.end((await node.pods(1)).get('e-0-0'), 137, {}, { reason: 'DeadlineExceeded' });
  await node.ended();
  expect((await node.tasks())[0]).toMatchObject({ status: 'failed', error: 'it ran longer than its timeout of 9 s' });
});

test('only what failed is tried again, no more at once than before, each in a Job of its own', async () => {
  await node.execute({ taskCount: 4, parallelism: 2, maxRetries: 0 });
  for (const [count, code] of [
    [2, 0],
    [2, 1],
    [2, 1],
    [1, 1],
  ] as const)
    await node.end([...(await node.pods(count)).values()][0], code);
  expect(await node.ended()).toMatchObject({ status: 'failed', counts: { succeeded: 1, failed: 3, retried: 0 } });
  const failed = (await node.tasks()).filter(({ status }) => status === 'failed').map(({ index }) => index);

  await node.jobs.retry({ namespace, name: 'e' });
  const again = await node.pods(2);
  const [one, two, three] = failed.map((index) => `e-r1-${index}`);
  expect([...again.keys()].toSorted()).toEqual([`${one}-0`, `${two}-0`]);
  const pod = again.get(`${one}-0`);
  expect(pod?.spec.containers[0]?.env?.find(({ name }) => name === 'CLOUD_RUN_TASK_INDEX')).toEqual({
    name: 'CLOUD_RUN_TASK_INDEX',
    value: String(failed[0]),
  });
  await node.end(await node.begin(pod, 'again'));
  await node.end((await node.pods(2)).get(`${three}-0`));
  await node.end(again.get(`${two}-0`), 5);
  expect(await node.ended()).toMatchObject({ status: 'failed', counts: { succeeded: 3, failed: 1, retried: 3 } });
  expect(await log(failed[0])).toEqual([`${failed[0]}.1 again`]);

  await node.jobs.retry({ namespace, name: 'e' });
  await node.end((await node.pods(1)).get(`e-r2-${failed[1]}-0`));
  expect(await node.ended()).toMatchObject({ status: 'succeeded', counts: { succeeded: 4, failed: 0, retried: 4 } });
});

test('each task finds its item in a file, which is there before its pod', async () => {
  await node.execute({ taskCount: 3, items: ['a text', { n: 1 }, 2], maxRetries: 0 });
  const first = await node.pods(3);
  const data = { 0: 'a text', 1: '{"n":1}', 2: '2' };
  expect(await node.api.client.get<ConfigMap>(configMaps, { namespace, name: 'e-0' })).toMatchObject({ data, immutable: true });
  const { containers, volumes } = first.get('e-0-0')?.spec ?? { containers: [] };
  expect(volumes).toMatchObject([{ name: 'tsumugi-items', configMap: { name: 'e-0' } }]);
  expect(containers[0]?.volumeMounts).toMatchObject([{ name: 'tsumugi-items', mountPath: '/configs/items', readOnly: true }]);
  expect(containers[0]?.env).toContainEqual({ name: 'TSUMUGI_TASK_ITEM_FILE', value: '/configs/items/$(TSUMUGI_TASK_INDEX)' });
  await node.end(first.get('e-0-0'));
  await node.end(first.get('e-0-1'), 1);
  await node.end(first.get('e-0-2'));
  await node.ended();
  await node.jobs.retry({ namespace, name: 'e' });
  const again = await node.pods(1);
  expect((await node.api.client.get<ConfigMap>(configMaps, { namespace, name: 'e-r1-1' })).data).toEqual({ 1: '{"n":1}' });
  await node.end(again.get('e-r1-1-0'));
  expect(await node.ended()).toMatchObject({ status: 'succeeded' });
  await vi.waitFor(async () =>
    expect((await node.api.client.list(configMaps, { namespace, labelSelector: 'tsumugi.dev/run' })).items).toEqual([]),
  );
});

test('a pause suspends the Job: what ran begins anew after it, and that was no attempt', async () => {
  await node.execute({ taskCount: 2, parallelism: 1 });
  await node.begin((await node.pods(1)).get('e-0-0'), 'begun');
  await shown('0 running 0');
  await node.jobs.pause({ namespace, name: 'e' });
  await node.pods(0);
  expect((await node.job('e-0')).spec.suspend).toBe(true);
  await shown('0 pending 0');
  expect(await node.run()).toMatchObject({ status: 'running', counts: { running: 0, failed: 0 } });
  await node.jobs.resume({ namespace, name: 'e' });
  for (const name of ['e-0-0', 'e-0-1']) await node.end((await node.pods(1)).get(name));
  expect(await node.ended()).toMatchObject({ status: 'succeeded', counts: { succeeded: 2, retried: 0 } });
  expect(await log(0)).toEqual(['0.0 begun', '0.0 goodbye']);
});

test('a cancelled one has ended when its pods have, with their last words', async () => {
  await node.execute({ taskCount: 5, parallelism: 2 });
  const first = await node.pods(2);
  await node.end(first.get('e-0-0'));
  await node.begin(first.get('e-0-1'), 'hello');
  await node.begin((await node.pods(2)).get('e-0-2'));
  await shown('0 succeeded 0', '1 running 0', '2 running 0');
  await node.jobs.cancel({ namespace, name: 'e' });
  expect(await node.ended()).toMatchObject({
    status: 'cancelled',
    reason: 'Cancelled',
    counts: { running: 0, succeeded: 1, failed: 0, cancelled: 4 },
  });
  expect((await node.api.client.list(pods, { namespace })).items).toEqual([]);
  expect(await node.jobNames()).toEqual([]);
  expect(await statuses()).toEqual(['0 succeeded 0', '1 cancelled 0', '2 cancelled 0']);
  expect(await log(1)).toEqual(['1.0 hello', '1.0 goodbye']);

  await node.jobs.retry({ namespace, name: 'e' });
  for (const name of ['e-r1-1-0', 'e-r1-2-0', 'e-r0-3-0', 'e-r0-4-0'])
    await node.end(
      await vi.waitFor(async () => (await node.pods(name === 'e-r0-4-0' ? 1 : 2)).get(name) ?? Promise.reject(new Error(name))),
    );
  expect(await node.ended()).toMatchObject({ status: 'succeeded', counts: { succeeded: 5, cancelled: 0 } });
});

test('its deadline counts from its turn on, and ends all that runs', async () => {
  await node.execute({ taskCount: 2, parallelism: 1, deadlineSeconds: 1 });
  await node.begin((await node.pods(1)).get('e-0-0'));
  expect(await node.ended()).toMatchObject({
    status: 'failed',
    reason: 'DeadlineExceeded',
    message: 'it took longer than its deadline of 1 s',
    counts: { running: 0, cancelled: 2 },
  });
  await node.pods(0);
});

test('a platform that comes back goes on where its Job is by then', async () => {
  await node.execute({ taskCount: 4, parallelism: 4, maxRetries: 1 });
  const first = await node.pods(4);
  await node.begin(first.get('e-0-0'), 'begun');
  await node.end(await node.begin(first.get('e-0-1'), 'seen'), 1);
  await shown('0 running 0', '1 pending 0');
  await node.leave();
  node.say(first.get('e-0-0') as never, 'unseen');
  await node.end(first.get('e-0-0'));
  await node.end((await node.pods(3)).get('e-0-1'));
  // Somebody takes it away before anybody has looked: the Job has counted it.
  await node.end(first.get('e-0-2'));
  const { name = '' } = first.get('e-0-2')?.metadata ?? {};
  await vi.waitFor(async () => expect((await node.job('e-0')).status?.succeeded).toBe(3));
  await node.api.client.delete(pods, { namespace, name });
  await node.lead();
  await node.end((await node.pods(1)).get('e-0-3'));
  expect(await node.ended()).toMatchObject({ status: 'succeeded', counts: { succeeded: 4, failed: 0, retried: 1 } });
  expect(await statuses()).toEqual(['0 succeeded 0', '1 succeeded 1', '2 succeeded 0', '3 succeeded 0']);
  expect(await log(0)).toEqual(['0.0 begun', '0.0 unseen']);
});

test('one that was over while the platform was away ends as its Job did', async () => {
  await node.execute({ taskCount: 2 });
  const first = await node.pods(2);
  await node.begin(first.get('e-0-0'));
  await shown('0 running 0');
  await node.leave();
  await node.end(first.get('e-0-0'), 2, { message: 'why' });
  await node.end(first.get('e-0-1'));
  await node.lead();
  expect(await node.ended()).toMatchObject({ status: 'failed', counts: { succeeded: 1, failed: 1 } });
  expect((await node.tasks())[0]).toMatchObject({ status: 'failed', exitCode: 2, result: 'why' });
});

test('a pod that somebody deletes was an attempt, as its Job sees it', async () => {
  await node.execute({ taskCount: 1, maxRetries: 1 });
  for (const attempt of [0, 1]) {
    const pod = (await node.pods(1)).get('e-0-0');
    await node.begin(pod);
    await shown(`0 running ${attempt}`);
    // Its end is long ago, by which it would be tried again at once.
    await node.api.client.delete(pods, { namespace, name: pod?.metadata.name ?? '' });
  }
  expect(await node.ended()).toMatchObject({ status: 'failed', message: '1 of 1 tasks failed' });
  expect((await node.tasks())[0]).toMatchObject({ status: 'failed', attempt: 1, error: 'its pod was deleted' });
});

test('somebody deletes its Job: it has failed, and is not begun again', async () => {
  await node.execute({ taskCount: 2 });
  await node.begin((await node.pods(2)).get('e-0-0'));
  await shown('0 running 0');
  await node.api.client.delete(jobs, { namespace, name: 'e-0' }, { propagationPolicy: 'Background' });
  expect(await node.ended()).toMatchObject({ status: 'failed', reason: 'JobDeleted', counts: { cancelled: 2 } });
  await node.pods(0);
});

test('the object that asked for it owns its Job', async () => {
  const spec = { jobDefinition: 'j' };
  const object = await node.api.client.create<Execution>(executions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Execution',
    metadata: { name: 'e', namespace },
    spec,
  });
  await node.execute({}, object.metadata.uid);
  await node.pods(1);
  expect((await node.job('e-0')).metadata.ownerReferences).toEqual([
    { apiVersion: 'tsumugi.dev/v1', kind: 'Execution', name: 'e', uid: object.metadata.uid, controller: true, blockOwnerDeletion: true },
  ]);
});

test('what the API refuses is its end', async () => {
  await node.execute({ pod: { containers: [{ name: 'UPPER', image: 'host' }] } });
  expect(await node.ended()).toMatchObject({ status: 'failed', reason: 'Invalid', message: expect.stringContaining('UPPER') });
});

test('with permissions its pods run as the account of its job, with tokens for each listener', async () => {
  const ensured: unknown[] = [];
  const ca = { platform: 'PEM one', kubernetes: 'PEM two' };
  await node.leave();
  await node.lead({
    ...nobodyIs,
    accounts: {
      ...nobodyIs.accounts,
      ensure: async ({ metadata }, permissions) => {
        ensured.push([metadata.name, permissions]);
        if (ensured.length === 1) throw new TsumugiError('Conflict', 'of another one that is about to go');
      },
    },
    listeners: {
      platform: { url: 'https://platform', ca: ca.platform },
      kubernetes: { url: 'https://kubernetes', ca: ca.kubernetes },
      gatewayUrl: 'http://gateway',
    },
  });
  const containers = [{ name: 'main', image: 'host' }];
  const permissions = { manage: ['jobs'], store: true };
  await node.api.client.create<KubeObject>(jobDefinitions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'JobDefinition',
    metadata: { name: 'j', namespace },
    spec: { permissions, template: { spec: { template: { spec: { containers } } } } },
  } as never);
  await node.execute({ hasIdentity: true });
  const pod = (await node.pods(1)).get('e-0-0');
  expect(ensured).toEqual([
    ['j', permissions],
    ['j', permissions],
  ]);
  expect(pod?.metadata.annotations).toMatchObject({ 'tsumugi.dev/platform-ca': ca.platform, 'tsumugi.dev/kubernetes-ca': ca.kubernetes });
  expect(pod?.spec).toMatchObject({ serviceAccountName: 'tsumugi-job-j', automountServiceAccountToken: false });
  const [volume] = pod?.spec.volumes ?? [];
  expect(volume?.projected?.sources).toMatchObject([
    { serviceAccountToken: { path: 'platform', audience: 'tsumugi' } },
    { serviceAccountToken: { path: 'gateway', audience: 'tsumugi/gateway' } },
    { serviceAccountToken: { path: 'kubernetes' } },
    { downwardAPI: { items: [{ path: 'platform-ca.crt' }, { path: 'kubernetes-ca.crt' }] } },
  ]);
  expect(pod?.spec.containers[0]?.env?.slice(0, 2)).toEqual([
    { name: 'TSUMUGI_IDENTITY', value: '/secrets/tsumugi' },
    { name: 'TSUMUGI_PLATFORM_URL', value: 'https://platform' },
  ]);
});

test('permissions that are no more are its end', async () => {
  await node.execute({ hasIdentity: true });
  expect(await node.ended()).toMatchObject({
    status: 'failed',
    reason: 'Forbidden',
    message: 'JobDefinition "j" in namespace default does not declare its permissions any more',
  });
});
