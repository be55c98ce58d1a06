/** The jobs API of a running platform, with clients that know nothing of us: grpc-js, Python's grpcio, curl. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type GrpcService, grpcService, type Message } from '../../src/jobs/api/testing/client.ts';
import { cleanUp, startPlatform, type TestPlatform } from './platform.ts';

const run = promisify(execFile);

let platform: TestPlatform;
let address: string;
let ca: string;
let token: string;
const services: GrpcService[] = [];
beforeAll(async () => {
  platform = await startPlatform();
  await platform.deploy('square', 'export const square = (n) => { console.log(`square of ${n}`); return n * n; };');
  const kubeconfig = parse(readFileSync(platform.kubeconfig, 'utf8')) as {
    clusters: [{ cluster: { extensions: [{ extension: { platform: string } }] } }];
    users: [{ user: { token: string } }];
  };
  address = new URL(kubeconfig.clusters[0].cluster.extensions[0].extension.platform).host;
  token = kubeconfig.users[0].user.token;
  ca = join(platform.data, 'pki', 'ca.crt');
});
afterAll(async () => {
  for (const service of services) service.close();
  await cleanUp();
});

function client(name: 'Jobs' | 'Executions' | 'Tasks'): GrpcService {
  // Node takes no address for the name of a TLS server, and grpc-js gives it one.
  const service = grpcService(name, address.replace('127.0.0.1', 'localhost'), readFileSync(ca, 'utf8'), token);
  services.push(service);
  return service;
}

const job = (items: readonly number[]): object => ({
  template: {
    items: items.map((numberValue) => ({ numberValue })),
    template: { call: { function: 'square' }, max_retries: 0 },
  },
});

test('grpc-js: a job is made, run, watched to its end; its tasks have results and lines', async () => {
  const [jobs, executions, tasks] = [client('Jobs'), client('Executions'), client('Tasks')];
  const { name } = await jobs.call('CreateJob', { parent: 'namespaces/default', job_id: 'from-grpc-js', job: job([2, 3, 4]) });
  const started = await jobs.call('RunJob', { name });
  const seen = await executions.stream('WatchExecution', { name: started.name });
  expect(seen.at(-1)).toMatchObject({ status: 'SUCCEEDED', succeeded_count: 3, task_count: 3, reconciling: false });
  const listed = await tasks.call('ListTasks', { parent: started.name });
  expect(listed.tasks.map(({ result }: Message) => result.numberValue)).toEqual([4, 9, 16]);
  const lines = await tasks.stream('GetTaskLogs', { name: `${started.name}/tasks/1` });
  expect(lines.map(({ text, index }) => [index, text])).toEqual([[1, 'square of 3']]);
  expect(await jobs.call('GetJob', { name })).toMatchObject({ template: { task_count: 3, template: { max_retries: 0 } } });
});

test('curl: the same in JSON', async () => {
  const post = async (method: string, body: object): Promise<Message> => {
    const headers = [`authorization: Bearer ${token}`, 'content-type: application/json'].flatMap((header) => ['--header', header]);
    const url = `https://${address}/tsumugi.jobs.v1.${method}`;
    const { stdout } = await run('curl', ['--silent', '--cacert', ca, ...headers, '--data', JSON.stringify(body), url]);
    return JSON.parse(stdout);
  };
  const template = { items: [5, 6], template: { call: { function: 'square' } } };
  const made = await post('Jobs/CreateJob', { parent: 'namespaces/default', jobId: 'from-curl', job: { template } });
  const { name } = await post('Jobs/RunJob', { name: made.name, overrides: { items: [7] } });
  await expect.poll(async () => (await post('Executions/GetExecution', { name })).status, { timeout: 30_000 }).toBe('SUCCEEDED');
  expect((await post('Tasks/ListTasks', { parent: name })).tasks).toMatchObject([{ status: 'SUCCEEDED', result: 49 }]);
  expect(await post('Jobs/GetJob', { name: 'namespaces/default/jobs/none' })).toMatchObject({ code: 'not_found' });
});

test("Python's grpcio: the same, with code that protoc makes of the published files", async ({ skip }) => {
  const python = await findPython();
  if ('missing' in python) {
    skip(python.missing);
    return;
  }
  const { stdout } = await run(python.path, ['test/e2e/jobs-client.py', 'proto', address, ca, token, 'default', 'square']);
  expect(JSON.parse(stdout)).toEqual({
    created: 'namespaces/default/jobs/from-python',
    status: 'SUCCEEDED',
    results: [4, 9],
    refused: 'ALREADY_EXISTS',
  });
});

/** A Python that has grpcio and a protoc: `TSUMUGI_PYTHON`, or one of the machine's. */
async function findPython(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const check =
    'import grpc, google.protobuf, importlib.util as i, shutil, sys; sys.exit(not (i.find_spec("grpc_tools") or shutil.which("protoc")))';
  for (const path of [process.env['TSUMUGI_PYTHON'] ?? '', 'python3', '/usr/bin/python3']) {
    if (path === '') continue;
    const works = await run(path, ['-c', check]).then(
      () => true,
      () => false,
    );
    if (works) return { path };
  }
  return { missing: 'no python3 with grpcio and protoc is here: apt-get install python3-grpcio protobuf-compiler libprotobuf-dev' };
}
