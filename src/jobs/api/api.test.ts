/** The jobs API over HTTP/2 and TLS, as a stock gRPC client meets it, and in JSON. What runs the executions is not here. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../base/authority.ts';
import { silentLog } from '../../base/log.ts';
import { type EmbeddedApi, openEmbeddedApi } from '../../embedded/api/index.ts';
import { type PlatformServer, servePlatformApi } from '../../processes/platform-server.ts';
import type { RunStore } from '../../records/runs.ts';
import { openSqliteRuns } from '../../records/sqlite/runs.ts';
import { Bell } from '../bell.ts';
import { RecordJobs } from '../record-jobs.ts';
import { withJobsApi } from './handler.ts';
import { type GrpcService, grpcService } from './testing/client.ts';

const ca = makeAuthority();
const folder = mkdtempSync(join(tmpdir(), 'tsumugi-jobs-api-'));
const bell = new Bell();
const stopping = new AbortController();
let runs: RunStore;
let api: EmbeddedApi;
let server: PlatformServer;
let jobs: GrpcService;
let executions: GrpcService;
let tasks: GrpcService;

const connect = (name: 'Jobs' | 'Executions' | 'Tasks', token = 'of-a-user'): GrpcService =>
  grpcService(name, `localhost:${server.port}`, ca.cert, token);

beforeAll(async () => {
  api = await openEmbeddedApi({ data: folder, listen: false });
  runs = openSqliteRuns(join(folder, 'records.db'));
  const history = { succeeded: 1, failed: 1 };
  const common = { parallelism: 2, maxRetries: 1, timeoutSeconds: 60, graceSeconds: 1, concurrencyPolicy: 'Allow', history } as const;
  const handler = withJobsApi(
    {
      client: api.client,
      jobs: new RecordJobs({
        runs,
        bell,
        plan: async ({ namespace, name, job, labels = {}, overrides = {} }) => {
          const call = { function: job, args: overrides.args ?? [] };
          return {
            namespace,
            name,
            job,
            labels,
            kind: 'execution',
            place: 'instances',
            spec: { ...common, taskCount: 3, ...overrides, call },
          };
        },
        logs: async function* (run, { task, signal, follow }) {
          for (const index of [0, 1])
            if (task === undefined || task === index)
              yield { time: new Date(0).toISOString(), source: `${run.name}-pod`, task: index, attempt: 0, text: `line of ${index}` };
          if (follow) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
        undeclare: async () => false,
      }),
      log: silentLog,
      stopped: stopping.signal,
    },
    (_, response) => response.writeHead(404).end(),
  );
  server = await servePlatformApi({
    handler,
    socket: join(folder, 'api.sock'),
    host: '127.0.0.1',
    port: 0,
    tls: makeServerCertificate(ca.key, ['localhost']),
    tokens: [
      { token: 'of-a-user', roles: ['user'] },
      { token: 'of-a-gateway', roles: ['gateway'] },
    ],
    authenticate: async () => undefined,
    hint: 'look there',
  });
  [jobs, executions, tasks] = [connect('Jobs'), connect('Executions'), connect('Tasks')];
});
afterAll(async () => {
  for (const service of [jobs, executions, tasks]) service.close();
  stopping.abort();
  await server.close();
  await Promise.all([api.close(), runs.close()]);
  rmSync(folder, { recursive: true });
});

const parent = 'namespaces/default';
const squares = { template: { task_count: 3, template: { call: { function: 'square' }, timeout: { seconds: 60 } } } };

describe('jobs', () => {
  test('are JobDefinitions: created, read, changed and deleted', async () => {
    const created = await jobs.call('CreateJob', { parent, job_id: 'crud', job: { ...squares, labels: { app: 'shop' } } });
    expect(created).toMatchObject({
      name: 'namespaces/default/jobs/crud',
      labels: { app: 'shop' },
      template: { task_count: 3, parallelism: 1, template: { max_retries: 3, call: { function: 'square' }, timeout: { seconds: 60 } } },
    });
    expect(await jobs.call('GetJob', { name: created.name })).toEqual(created);
    const updated = await jobs.call('UpdateJob', { job: { ...created, template: { ...created.template, task_count: 5 } } });
    expect(updated).toMatchObject({ template: { task_count: 5 }, uid: created.uid });
    expect(updated.etag).not.toBe(created.etag);
    // Somebody else was first.
    await expect(jobs.call('UpdateJob', { job: created })).rejects.toMatchObject({ code: Status.ABORTED });
    await expect(jobs.call('DeleteJob', { name: created.name, etag: created.etag })).rejects.toMatchObject({ code: Status.ABORTED });
    expect(await jobs.call('DeleteJob', { name: created.name, etag: updated.etag })).toEqual(updated);
    await expect(jobs.call('GetJob', { name: created.name })).rejects.toMatchObject({ code: Status.NOT_FOUND });
  });

  test('are only looked at with validate_only', async () => {
    const job = await jobs.call('CreateJob', { parent, job_id: 'dry', job: squares, validate_only: true });
    expect(job.template.template.max_retries).toBe(3);
    await expect(jobs.call('GetJob', { name: job.name })).rejects.toMatchObject({ code: Status.NOT_FOUND });
    await expect(jobs.call('UpdateJob', { job })).rejects.toMatchObject({ code: Status.NOT_FOUND });
    const made = await jobs.call('UpdateJob', { job: { ...job, etag: '' }, allow_missing: true });
    expect((await jobs.call('DeleteJob', { name: job.name, validate_only: true })).uid).toBe(made.uid);
    expect((await jobs.call('GetJob', { name: job.name })).uid).toBe(made.uid);
  });

  test('are listed page by page, those with the labels', async () => {
    const namespace = 'namespaces/pages';
    await api.client.create(
      { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false },
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'pages' },
      },
    );
    for (const name of ['a', 'b', 'c'])
      await jobs.call('CreateJob', { parent: namespace, job_id: name, job: { ...squares, labels: { odd: String(name !== 'b') } } });
    const first = await jobs.call('ListJobs', { parent: namespace, page_size: 2 });
    const second = await jobs.call('ListJobs', { parent: namespace, page_size: 2, page_token: first.next_page_token });
    const names = [...first.jobs, ...second.jobs].map(({ name }: { name: string }) => name);
    expect(names).toEqual(['a', 'b', 'c'].map((name) => `${namespace}/jobs/${name}`));
    expect(second.next_page_token).toBe('');
    const odd = await jobs.call('ListJobs', { parent: 'namespaces/-', label_selector: 'odd=true' });
    expect(odd.jobs).toHaveLength(2);
  });

  test.each([
    [
      'two containers',
      { template: { template: { containers: [{ image: 'a' }, { image: 'b', name: 'b' }] } } },
      'job.template.template.containers',
    ],
    ['neither container nor call', { template: { template: {} } }, 'job.template.template'],
    [
      'a time-out of no time',
      { template: { template: { ...squares.template.template, timeout: { nanos: 5 } } } },
      'job.template.template.timeout',
    ],
  ])('with %s are refused with the field', async (_, job, field) => {
    const refused = jobs.call('CreateJob', { parent, job_id: 'wrong', job });
    await expect(refused).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT, details: expect.stringContaining(field) });
    const answer = await post('Jobs/CreateJob', {
      parent,
      jobId: 'wrong',
      job: JSON.parse(JSON.stringify(job).replace('{"nanos":5}', '"0.000000005s"')),
    });
    const { details } = answer.json as { details: { type: string; debug: { fieldViolations?: { field: string }[] } }[] };
    const violations = details.find(({ type }) => type === 'google.rpc.BadRequest')?.debug.fieldViolations;
    expect(violations?.[0]?.field).toBe(field);
  });

  test('need a name of the right form', async () => {
    await expect(jobs.call('GetJob', { name: 'crud' })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
    await expect(jobs.call('CreateJob', { parent, job: squares })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
    await jobs.call('CreateJob', { parent, job_id: 'taken', job: squares });
    await expect(jobs.call('CreateJob', { parent, job_id: 'taken', job: squares })).rejects.toMatchObject({ code: Status.ALREADY_EXISTS });
  });
});

describe('executions', () => {
  const run = async (more: object = {}) => jobs.call('RunJob', { name: 'namespaces/default/jobs/squares', ...more });

  test('are started with what they say otherwise', async () => {
    const timeout = { seconds: 5 };
    const overrides = { container_overrides: [{ args: ['a'], env: [] }], task_count: 7, parallelism: 3, timeout };
    const execution = await run({ execution_id: 'mine', labels: { app: 'shop' }, overrides });
    expect(execution).toMatchObject({
      name: 'namespaces/default/jobs/squares/executions/mine',
      status: 'QUEUED',
      task_count: 7,
      parallelism: 3,
      labels: { app: 'shop' },
      template: { timeout },
    });
    await expect(run({ execution_id: 'mine' })).rejects.toMatchObject({ code: Status.ALREADY_EXISTS });
    expect((await run({ validate_only: true })).name).toMatch(/executions\/squares-/);
  });

  test('are found by job, state, labels and time', async () => {
    const parents = 'namespaces/default/jobs/listed';
    const names: string[] = [];
    for (const color of ['red', 'blue', 'red']) {
      const { name } = await jobs.call('RunJob', { name: parents, labels: { color } });
      names.unshift(name);
    }
    const list = async (more: object): Promise<string[]> =>
      (await executions.call('ListExecutions', { parent: parents, ...more })).executions.map(({ name }: { name: string }) => name);
    expect(await list({})).toEqual(names);
    expect(await list({ label_selector: 'color=red' })).toEqual([names[0], names[2]]);
    expect(await list({ statuses: ['RUNNING'] })).toEqual([]);
    expect(await list({ statuses: ['QUEUED', 'RUNNING'] })).toHaveLength(3);
    expect(await list({ since: { seconds: Math.floor(Date.now() / 1000) + 60 } })).toEqual([]);
    const first = await executions.call('ListExecutions', { parent: parents, page_size: 2 });
    expect(await list({ page_size: 2, page_token: first.next_page_token })).toEqual([names[2]]);
    await expect(list({ label_selector: 'color!=red' })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
    await expect(list({ page_token: 'x' })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
  });

  test('are paused, resumed, cancelled and tried again by their name, with or without that of the job', async () => {
    const { name } = await run({ execution_id: 'wishes' });
    const paused = await executions.call('PauseExecution', { name });
    expect(paused.paused).toBe(true);
    await expect(executions.call('ResumeExecution', { name, etag: 'old' })).rejects.toMatchObject({ code: Status.ABORTED });
    const resumed = await executions.call('ResumeExecution', { name: 'namespaces/default/jobs/-/executions/wishes', etag: paused.etag });
    expect(resumed.paused).toBe(false);
    expect((await executions.call('CancelExecution', { name, validate_only: true })).etag).toBe(resumed.etag);
    await executions.call('CancelExecution', { name });
    expect((await runs.find('default', ['wishes']))[0]?.desired).toBe('cancel');
    // It has not ended.
    await expect(executions.call('RetryExecution', { name })).rejects.toMatchObject({ code: Status.FAILED_PRECONDITION });
    await expect(executions.call('GetExecution', { name: 'namespaces/default/jobs/other/executions/wishes' })).rejects.toMatchObject({
      code: Status.NOT_FOUND,
    });
    await executions.call('DeleteExecution', { name });
    expect((await runs.find('default', ['wishes']))[0]?.desired).toBe('delete');
  });

  test('are watched until their end, or until the client has enough', async () => {
    const { name, uid } = await run();
    const seen = await executions.stream('WatchExecution', { name }, ({ status }) => {
      if (status === 'QUEUED') void runs.commit([{ uid, set: { status: 'running', startedAt: 1 } }]).then(() => bell.ring('progress'));
      if (status === 'RUNNING') void runs.commit([{ uid, set: { status: 'failed', endedAt: 3 } }]).then(() => bell.ring('progress'));
    });
    expect(seen.map(({ status }) => status)).toEqual(['QUEUED', 'RUNNING', 'FAILED']);
    const other = await run();
    expect(await executions.stream('WatchExecution', { name: other.name }, (_, cancel) => cancel())).toHaveLength(1);
    await expect(executions.stream('WatchExecution', { name: `${name}x` })).rejects.toMatchObject({ code: Status.NOT_FOUND });
  });
});

describe('tasks', () => {
  test('are all indexes of an execution, with their attempts and lines', async () => {
    const { name, uid } = await jobs.call('RunJob', { name: 'namespaces/default/jobs/squares', overrides: { task_count: 5 } });
    await runs.commit([
      {
        uid,
        tasks: [
          { index: 1, attempt: 2, status: 'failed', exitCode: 3, error: 'exit code 3', startedAt: 1000, endedAt: 2000 },
          { index: 3, attempt: 0, status: 'succeeded', result: { n: 9 } },
        ],
      },
    ]);
    const { tasks: all } = await tasks.call('ListTasks', { parent: name });
    expect(all.map(({ status }: { status: string }) => status)).toEqual(['PENDING', 'FAILED', 'PENDING', 'SUCCEEDED', 'PENDING']);
    const page = await tasks.call('ListTasks', { parent: name, statuses: ['PENDING'], page_size: 2 });
    const rest = await tasks.call('ListTasks', { parent: name, statuses: ['PENDING'], page_size: 2, page_token: page.next_page_token });
    expect([...page.tasks, ...rest.tasks].map(({ index }: { index: number }) => index)).toEqual([0, 2, 4]);
    expect(await tasks.call('GetTask', { name: `${name}/tasks/1` })).toMatchObject({
      retried: 2,
      last_attempt_result: { exit_code: 3, status: { message: 'exit code 3' } },
      start_time: { seconds: 1 },
    });
    await expect(tasks.call('GetTask', { name: `${name}/tasks/5` })).rejects.toMatchObject({ code: Status.NOT_FOUND });
    const lines = await tasks.stream('GetTaskLogs', { name });
    expect(lines.map(({ text }) => text)).toEqual(['line of 0', 'line of 1']);
    const followed = await tasks.stream('GetTaskLogs', { name: `${name}/tasks/1`, follow: true }, (_, cancel) => cancel());
    expect(followed.map(({ text, index }) => [text, index])).toEqual([['line of 1', 1]]);
  });
});

describe('who calls', () => {
  test.each([
    ['', Status.UNAUTHENTICATED],
    ['wrong', Status.UNAUTHENTICATED],
    ['of-a-gateway', Status.PERMISSION_DENIED],
  ])('with the token "%s" is refused', async (token, code) => {
    const service = connect('Jobs', token);
    await expect(service.call('ListJobs', { parent })).rejects.toMatchObject({ code });
    service.close();
  });

  test('in JSON gets the same, and an error with what to do', async () => {
    const { status, json } = await post('Executions/GetExecution', { name: 'namespaces/default/jobs/-/executions/none' });
    expect([status, json]).toMatchObject([404, { code: 'not_found', message: 'there is no run "none" in namespace default' }]);
    expect((await post('Jobs/ListJobs', { parent })).status).toBe(200);
    expect((await post('Jobs/Nothing', {})).status).toBe(404);
    expect((await post('Jobs/ListJobs', 'no JSON')).status).toBe(400);
  });
});

/** Over the unix socket, with HTTP/1.1. */
function post(method: string, body: unknown): Promise<{ status: number; json: unknown }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const path = `/tsumugi.jobs.v1.${method}`;
    const outgoing = httpRequest({ socketPath: join(folder, 'api.sock'), method: 'POST', path, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, json: text.startsWith('{') ? JSON.parse(text) : text }));
    });
    outgoing.on('error', reject).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}
