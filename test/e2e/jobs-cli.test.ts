/** Jobs on the command line of a running platform: what it prints, where, and with which exit code. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanEnv, cleanUp, eventually, type Run, startPlatform, temporaryFolder, type TestPlatform } from './platform.ts';
import { openTerminal } from './terminal.ts';

let platform: TestPlatform;
let folder: string;
beforeAll(async () => {
  platform = await startPlatform();
  folder = temporaryFolder();
  await platform.deploy(
    'square',
    `export const square = (n) => {
       console.log('square of ' + n);
       if (typeof n !== 'number') throw new TypeError(n + ' is no number');
       return n * n;
     };
     export const slow = (seconds) => new Promise((done) => setTimeout(() => done(seconds), seconds * 1000));`,
  );
});
afterAll(cleanUp);

const tsumugi = (...args: string[]): Promise<Run> => platform.tsumugi(...args);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tsumugi(...args);
  expect({ code, stderr }, args.join(' ')).toMatchObject({ code: 0 });
  return stdout;
}

const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await ok(...args, '-o', 'json')) as T;

/** Starts one and answers its name. */
const start = async (...args: string[]): Promise<string> => (await ok('job', 'run', ...args, '-o', 'name')).trim();

async function until(name: string, status: string): Promise<void> {
  await eventually(`${name} is ${status}`, async () => (await json<{ status: string }>('execution', 'get', name)).status === status, 30);
}

describe('a job of a function', () => {
  test('is made, run with a task for each item, and looked at', async () => {
    const items = file('items.json', '[2, 3, 4]');
    const made = await ok('job', 'create', 'squares', '--function', 'square', '--items', items, '--parallelism', '2', '--max-retries', '0');
    expect(made).toBe('jobdefinition.tsumugi.dev/squares created\n');
    const { code, stdout, stderr } = await tsumugi('job', 'run', 'squares', '--wait', '--labels', 'color=red');
    expect(stderr).toMatch(/^execution squares-\w{5}: Succeeded, 3 of 3 tasks succeeded\n$/);
    expect(code).toBe(0);
    const [, name = ''] = /^execution (squares-\w{5}) started\n$/.exec(stdout) ?? [];
    expect(await ok('execution', 'list', '--job', 'squares')).toMatch(
      new RegExp(`^NAME +JOB +STATUS +TASKS +FAILED +DURATION +AGE\n${name} +squares +Succeeded +3/3 +0 +\\d+s +\\d+s\n$`),
    );
    const tasks = await json<{ result: number; index?: number }[]>('task', 'list', name);
    expect(tasks.map(({ index = 0, result }) => [index, result])).toEqual([
      [0, 4],
      [1, 9],
      [2, 16],
    ]);
    expect(await ok('task', 'get', `${name}/1`, '-o', 'yaml')).toContain('result: 9\n');
    expect((await ok('execution', 'logs', name)).split('\n').sort()).toEqual(['', '[0] square of 2', '[1] square of 3', '[2] square of 4']);
    expect(await ok('task', 'logs', `${name}/2`)).toBe('square of 4\n');
    expect(await ok('events', '--type', 'succeeded', '--since', '1h')).toMatch(
      new RegExp(`^\\S+Z  \\d+  dev\\.tsumugi\\.execution\\.succeeded  execution=${name}  status=succeeded  job=squares\n$`),
    );
    expect(await ok('job', 'get', 'squares')).toMatch(new RegExp(`squares .*${name}`));
  });

  test('that fails ends with 1, and shows the last lines of the task that did; a retry runs that task alone', async () => {
    const bad = file('bad.txt', '5\nfive\n');
    const { code, stdout, stderr } = await tsumugi('job', 'run', 'squares', '--items', bad, '--wait');
    expect(code).toBe(1);
    const [, name = ''] = /^execution (\S+) started/.exec(stdout) ?? [];
    expect(stderr).toContain(`execution ${name}: Failed, 1 of 2 tasks succeeded`);
    expect(stderr).toMatch(/task 1 failed: .*five is no number.*; its last lines:\n(.*\n)* {2}square of five\n/);
    expect(stderr).toContain(` hint: tsumugi task logs ${name}/1\n`);
    expect(await ok('task', 'list', name, '--status', 'failed', '-o', 'name')).toBe(`${name}/1\n`);
    expect((await tsumugi('execution', 'retry', name, '--wait')).code).toBe(1);
    const tasks = await json<{ retried?: number }[]>('task', 'list', name);
    expect(tasks.map(({ retried = 0 }) => retried)).toEqual([0, 1]);
  });

  test('is paused, resumed, cancelled and deleted', async () => {
    await ok(
      'job',
      'create',
      'naps',
      '--function',
      'square',
      '--export',
      'slow',
      '--items',
      file('naps.json', '[2, 2]'),
      '--parallelism',
      '1',
    );
    const name = await start('naps');
    await until(name, 'RUNNING');
    expect(await ok('execution', 'pause', name)).toBe(`execution ${name} paused\n`);
    expect(await ok('execution', 'list', '--status', 'running,queued', '--job', 'naps')).toMatch(/ Paused /);
    await ok('execution', 'resume', name);
    expect(await ok('execution', 'cancel', name)).toBe(`execution ${name} cancelled\n`);
    await until(name, 'CANCELLED');
    expect(await ok('execution', 'list', '--status', 'cancelled', '--since', '1h', '-o', 'name')).toBe(`${name}\n`);
    await ok('execution', 'delete', name);
    await eventually('it is gone', async () => (await tsumugi('execution', 'get', name)).code === 1);
  });

  test('is changed and deleted', async () => {
    await ok('job', 'create', 'once', '--function', 'square', '--args', '7', '--deadline', '1h', '--concurrency-policy', 'Forbid');
    await ok('job', 'update', 'once', '--args', '8', '--tasks', '2');
    const { spec } = await json<{ spec: Record<string, unknown> }>('job', 'get', 'once');
    expect(spec).toMatchObject({
      concurrencyPolicy: 'Forbid',
      template: { spec: { taskCount: 2, activeDeadlineSeconds: 3600, template: { spec: { call: { function: 'square', args: [8] } } } } },
    });
    const name = await start('once', '--args', '9', '--tasks', '1');
    await until(name, 'SUCCEEDED');
    expect((await json<{ result: number }[]>('task', 'list', name))[0]?.result).toBe(81);
    expect(await ok('job', 'delete', 'once')).toBe('jobdefinition.tsumugi.dev/once deleted\n');
  });
});

describe('executions', () => {
  test('of Execution objects are the same to the command line', async () => {
    const manifest = {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Execution',
      metadata: { name: 'declared' },
      spec: { jobDefinition: 'squares' },
    };
    await ok('apply', '-f', file('execution.yaml', JSON.stringify(manifest)));
    await eventually('it is there', async () => (await tsumugi('execution', 'get', 'declared')).code === 0);
    await until('declared', 'SUCCEEDED');
    expect(await ok('execution', 'list', '-o', 'name')).toContain('declared\n');
  });

  test('are listed by label, so many as are wanted, the newest first', async () => {
    const name = await start('squares', '--labels', 'color=blue,size=small');
    await until(name, 'SUCCEEDED');
    expect(await ok('execution', 'list', '-l', 'color=blue', '-o', 'name')).toBe(`${name}\n`);
    expect(await ok('execution', 'list', '--limit', '1', '-o', 'name')).toBe(`${name}\n`);
    expect(await tsumugi('execution', 'list', '--job', 'nothing')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'no executions in namespace default\n',
    });
  });

  test('on a terminal show how far they are', async () => {
    const terminal = await openTerminal([process.execPath, 'bin/tsumugi.js', 'job', 'run', 'squares', '--wait'], terminalEnv(), {
      rows: 20,
      columns: 100,
    });
    try {
      await terminal.says('', /3\/3 tasks[\s\S]*Succeeded, 3 of 3 tasks succeeded/);
      expect(await terminal.ended).toBe(0);
    } finally {
      await terminal.close();
    }
  });
});

function terminalEnv(): NodeJS.ProcessEnv {
  const { CI: _, ...env } = cleanEnv();
  return { ...env, TSUMUGI_DATA: platform.data };
}

describe('a job of a container', () => {
  test('runs its command, with the index of each task', async () => {
    await ok(
      'job',
      'create',
      'hello',
      '--image',
      'host',
      '--env',
      'WHO=you',
      '--',
      'sh',
      '-c',
      'echo hello $WHO from $CLOUD_RUN_TASK_INDEX',
    );
    const { code, stdout, stderr } = await tsumugi('job', 'run', 'hello', '--tasks', '2', '--set-env-vars', 'WHO=me', '--wait');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const [, name = ''] = /^execution (\S+) started/.exec(stdout) ?? [];
    expect((await ok('execution', 'logs', name)).split('\n').sort()).toEqual(['', '[0] hello me from 0', '[1] hello me from 1']);
  });

  test('that fails tells the exit code', async () => {
    await ok('job', 'create', 'broken', '--image', 'host', '--max-retries', '0', '--', 'sh', '-c', 'echo before; exit 3');
    const { code, stderr } = await tsumugi('job', 'run', 'broken', '--wait');
    expect(code).toBe(1);
    expect(stderr).toMatch(/task 0 failed: exit code 3.*; its last lines:\n {2}before\n/);
  });
});

test.each([
  [['job', 'create', 'x'], 2, 'error: a job needs a container or a function\n hint: tsumugi job create NAME --image IMAGE'],
  [['job', 'run', 'nothing'], 1, 'error: '],
  [['execution', 'get', 'nothing'], 1, 'error: there is no run "nothing" in namespace default\n'],
  [['execution', 'list', '--status', 'done'], 2, 'hint: allowed: queued, running, succeeded, failed, cancelled, force-deleted\n'],
  [['execution', 'list', '-l', 'a!=b'], 1, 'error: label_selector is "a!=b": allowed are equalities'],
  [['task', 'get', 'squares'], 2, 'error: "squares" is no EXECUTION/INDEX\n hint: as squares-x7k2p/0'],
])('%j ends with %i and says why', async (args, code, message) => {
  const result = await tsumugi(...args);
  expect(result).toMatchObject({ code, stdout: '' });
  expect(result.stderr).toContain(message);
});
