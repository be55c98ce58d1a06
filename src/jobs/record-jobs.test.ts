import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nameSuffix } from '../base/ids.ts';
import { noTasks, type RunStore } from '../records/runs.ts';
import { openSqliteRuns } from '../records/sqlite/runs.ts';
import { Bell } from './bell.ts';
import { RecordJobs } from './record-jobs.ts';

let folder: string;
let runs: RunStore;
let jobs: RecordJobs;
let declared: boolean;
let suffixes: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-jobs-'));
  runs = openSqliteRuns(join(folder, 'records.db'));
  declared = false;
  suffixes = [];
  jobs = new RecordJobs({
    runs,
    bell: new Bell(),
    plan: async ({ namespace, name, job }) => ({ namespace, name, job, kind: 'execution', place: 'instances', spec: { taskCount: 5 } }),
    logs: async function* () {
      yield { time: '', source: 'pod', text: 'line' };
    },
    undeclare: async () => declared,
    suffix: () => suffixes.shift() ?? nameSuffix(),
  });
});
afterEach(async () => {
  await runs.close();
  rmSync(folder, { recursive: true });
});

const request = { namespace: 'default', job: 'squares' };

test('a run of a job has a name made of it, and is queued', async () => {
  const run = await jobs.runJob(request);
  expect(run).toMatchObject({ status: 'queued', job: 'squares', name: expect.stringMatching(/^squares-[a-z0-9]{5}$/) });
  expect(await jobs.get(run)).toEqual(run);
  const long = await jobs.runJob({ ...request, job: 'x'.repeat(40) });
  expect(long.name).toHaveLength(40);
});

test('what would be made is told without making it', async () => {
  const plan = await jobs.planJob({ ...request, name: 'mine' });
  expect(plan).toMatchObject({ name: 'mine', spec: { taskCount: 5 } });
  await expect(jobs.get(plan)).rejects.toMatchObject({ code: 'NotFound', message: 'there is no run "mine" in namespace default' });
});

test('until when it may wait is counted from its making, and anew from a retry', async () => {
  const { queueUntil } = await jobs.run({
    namespace: 'default',
    name: 'r',
    uid: 'r',
    kind: 'execution',
    place: 'instances',
    job: '',
    spec: { taskCount: 1, queueTimeoutSeconds: 2 },
  });
  const [made] = await runs.get(['r']);
  expect(queueUntil).toBe((made?.createdAt ?? 0) + 2000);
  await runs.commit([{ uid: 'r', set: { status: 'failed', endedAt: 1, queueUntil: 5 } }]);
  expect((await jobs.retry({ namespace: 'default', name: 'r' })).queueUntil).toBeGreaterThanOrEqual(queueUntil ?? 0);
});

test('a name that was made is made anew where it is taken', async () => {
  suffixes = ['aaaaa', 'aaaaa', 'aaaaa', 'bbbbb'];
  await jobs.runJob(request);
  expect(await jobs.runJob(request)).toMatchObject({ name: 'squares-bbbbb' });
  suffixes = Array.from({ length: 20 }, () => 'aaaaa');
  await expect(jobs.runJob(request)).rejects.toMatchObject({ code: 'Conflict' });
});

test('a name is taken once', async () => {
  await jobs.runJob({ ...request, name: 'mine' });
  await expect(jobs.runJob({ ...request, name: 'mine' })).rejects.toMatchObject({ code: 'Conflict' });
});

test('tasks that were not begun stand between the others', async () => {
  const run = await jobs.runJob(request);
  await runs.commit([{ uid: run.uid, tasks: [{ index: 2, attempt: 1, status: 'running' }] }]);
  const tasks = await jobs.tasks(run, { limit: 10 });
  expect(tasks.map(({ index, status }) => `${index} ${status}`)).toEqual(['0 pending', '1 pending', '2 running', '3 pending', '4 pending']);
  expect((await jobs.tasks(run, { limit: 2, after: 1 })).map(({ index }) => index)).toEqual([2, 3]);
  expect(await jobs.tasks(run, { limit: 2, after: 4 })).toEqual([]);
});

test('wishes are written, where the version is the one that was read', async () => {
  const run = await jobs.runJob(request);
  const paused = await jobs.pause(run, run.version);
  expect(paused.desired).toBe('pause');
  await expect(jobs.resume(run, run.version)).rejects.toMatchObject({ code: 'Conflict' });
  expect((await jobs.resume(run)).desired).toBe('run');
  expect((await jobs.cancel(run)).desired).toBe('cancel');
});

test('a watcher sees each change until the end', async () => {
  const run = await jobs.runJob(request);
  const seen: string[] = [];
  for await (const { status } of jobs.watch(run, new AbortController().signal)) {
    seen.push(status);
    if (status === 'queued') await runs.commit([{ uid: run.uid, set: { status: 'running' } }]);
    if (status === 'running') await runs.commit([{ uid: run.uid, set: { status: 'failed', endedAt: 3 } }]);
  }
  expect(seen).toEqual(['queued', 'running', 'failed']);
});

test('a retry wants what failed or was cancelled once more, and nothing else', async () => {
  const run = await jobs.runJob(request);
  await expect(jobs.retry(run)).rejects.toMatchObject({ code: 'Conflict', message: expect.stringContaining('not ended') });
  await runs.commit([
    {
      uid: run.uid,
      set: {
        status: 'failed',
        admittedAt: 1,
        endedAt: 3,
        counts: { ...noTasks, succeeded: 1, failed: 1, cancelled: 1, retried: 3 },
        reason: 'X',
      },
      tasks: [
        { index: 0, attempt: 0, status: 'succeeded', result: 1 },
        { index: 1, attempt: 3, status: 'failed', error: 'no', exitCode: 2, endedAt: 2 },
        { index: 2, attempt: 0, status: 'cancelled' },
      ],
    },
  ]);
  const again = await jobs.retry(run);
  expect(again).toMatchObject({ status: 'queued', desired: 'run', counts: { ...noTasks, succeeded: 1, retried: 3 } });
  expect(again).not.toHaveProperty('endedAt');
  expect(again).not.toHaveProperty('reason');
  const [done, failed, cancelled] = await jobs.tasks(run, { limit: 3 });
  expect(done).toMatchObject({ status: 'succeeded', result: 1 });
  expect(failed).toEqual({ index: 1, attempt: 4, firstAttempt: 4, status: 'pending', error: 'no', exitCode: 2 });
  expect(cancelled).toEqual({ index: 2, attempt: 1, firstAttempt: 1, status: 'pending' });
});

test('of a declared run the object is deleted, of another the record', async () => {
  const run = await jobs.runJob(request);
  declared = true;
  await jobs.delete(run);
  expect((await jobs.get(run)).desired).toBe('run');
  declared = false;
  await expect(jobs.delete(run, 99)).rejects.toMatchObject({ code: 'Conflict' });
  await jobs.delete(run);
  expect((await jobs.get(run)).desired).toBe('delete');
});

test('logs are those of the run', async () => {
  const run = await jobs.run({ ...(await jobs.planJob(request)), name: 'r' });
  const lines = await Array.fromAsync(jobs.logs(run, { follow: false, signal: new AbortController().signal }));
  expect(lines.map(({ text }) => text)).toEqual(['line']);
});
