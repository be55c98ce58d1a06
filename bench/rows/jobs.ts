/** Work that runs to its end: tasks on instances, tasks in pods, runners, and many executions in line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Platform as Client, Runner } from '../../src/client/index.ts';
import { createFunctions, eachLimited, memory, type Platform, startPlatform } from '../lib/platform.ts';
import { cpuSeconds } from '../lib/processes.ts';
import { figure, type Row } from '../lib/row.ts';
import { median, quantile } from '../lib/stats.ts';

const definitions = '/apis/tsumugi.dev/v1/namespaces/default/jobdefinitions';
const batchJobs = '/apis/batch/v1/namespaces/default/jobs';

/** A platform with one function `NAME`, and a client of it. */
async function withFunction<T>(name: string, source: string, work: (platform: Platform, client: Client) => Promise<T>): Promise<T> {
  const platform = await startPlatform(false);
  const client = await connect({ data: platform.data });
  try {
    await createFunctions(platform, [name], { source: { inline: source } });
    return await work(platform, client);
  } finally {
    client.close();
    await platform.stop();
  }
}

const define = (platform: Platform, name: string, execution: object, task: object): Promise<unknown> =>
  platform.api('POST', definitions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'JobDefinition',
    metadata: { name },
    spec: { template: { spec: { ...execution, template: { spec: task } } } },
  });

interface ExecutionView {
  readonly name: string;
  readonly status: string;
  readonly succeededCount?: number;
}

async function ask<T>(client: Client, method: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return JSON.parse(await client.platform(`/tsumugi.jobs.v1.${method}`, { method: 'POST', headers, body: JSON.stringify(body) })) as T;
}

const runJob = (client: Client, job: string): Promise<ExecutionView> =>
  ask<ExecutionView>(client, 'Jobs/RunJob', { name: `namespaces/default/jobs/${job}` });

/** Seconds from asking for a run of the job until it is known that it has succeeded. */
async function secondsOf(client: Client, job: string, count: number): Promise<number> {
  const start = performance.now();
  const { name } = await runJob(client, job);
  for (;;) {
    await sleep(50);
    const { status, succeededCount } = await ask<ExecutionView>(client, 'Executions/GetExecution', { name });
    if (status === 'QUEUED' || status === 'RUNNING') continue;
    if (status !== 'SUCCEEDED' || succeededCount !== count) throw new Error(`${name} ended as ${status}, ${succeededCount} of ${count}`);
    return (performance.now() - start) / 1000;
  }
}

export const tasks: Row = {
  name: 'tasks',
  run: ({ quick, rounds }) =>
    withFunction('tiny', 'export const tiny = () => 1;\n', async (platform, client) => {
      const count = quick ? 2000 : 10_000;
      await define(platform, 'warm', { taskCount: 500, parallelism: 8 }, { call: { function: 'tiny' } });
      await define(platform, 'tiny', { taskCount: count, parallelism: 8 }, { call: { function: 'tiny' } });
      await secondsOf(client, 'warm', 500);
      const [rates, costs] = [[] as number[], [] as number[]];
      for (let round = 0; round < rounds; round++) {
        const before = cpuSeconds(platform.all());
        rates.push(count / (await secondsOf(client, 'tiny', count)));
        costs.push(((cpuSeconds(platform.all()) - before) / count) * 1e6);
      }
      const made = `${Math.round(Math.min(...rates))} to ${Math.round(Math.max(...rates))}/s; ${Math.round(median(costs))} us of CPU each, instances included`;
      return [figure(`${count} tasks of a tiny function, parallelism 8`, median(rates), '/s', [500, 3000], made)];
    }),
};

async function secondsOfXargs(count: number): Promise<number> {
  const start = performance.now();
  const child = spawn('xargs', ['-P8', '-n1', 'true'], { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.end(Array.from({ length: count }, (_, n) => `${n}\n`).join(''));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`xargs ended with ${code}`);
  return (performance.now() - start) / 1000;
}

/** Seconds from making the Job until it says that it is complete. */
async function secondsOfJob(platform: Platform, name: string, count: number): Promise<number> {
  const start = performance.now();
  const containers = [{ name: 'main', image: 'host', command: ['true'] }];
  await platform.api('POST', batchJobs, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { completions: count, parallelism: 8, template: { spec: { restartPolicy: 'Never', containers } } },
  });
  for (;;) {
    await sleep(50);
    const { status } = await platform.api<{ status?: { succeeded?: number; conditions?: { type: string; status: string }[] } }>(
      'GET',
      `${batchJobs}/${name}`,
    );
    const end = status?.conditions?.find((each) => each.status === 'True' && (each.type === 'Complete' || each.type === 'Failed'));
    if (!end) continue;
    if (end.type !== 'Complete' || status?.succeeded !== count) throw new Error(`${name}: ${end.type}, ${status?.succeeded} of ${count}`);
    return (performance.now() - start) / 1000;
  }
}

export const programTasks: Row = {
  name: 'true',
  async run({ quick, rounds }) {
    const count = quick ? 100 : 1000;
    const platform = await startPlatform(false);
    try {
      await secondsOfJob(platform, 'warm', 20);
      const [ours, theirs] = [[] as number[], [] as number[]];
      for (let round = 0; round < (quick ? 1 : Math.min(rounds, 3)); round++) {
        ours.push(count / (await secondsOfJob(platform, `true-${round}`, count)));
        theirs.push(count / (await secondsOfXargs(count)));
        await platform.api('DELETE', `${batchJobs}/true-${round}`, { propagationPolicy: 'Background' });
        await sleep(2000);
      }
      const ratio = median(ours.map((rate, round) => rate / theirs[round]!));
      const made = `${median(ours).toFixed(1)}/s to ${median(theirs).toFixed(0)}/s, parallelism 8`;
      return [
        figure(`${count} sandboxed \`true\` as a batch/v1 Job: tasks/s`, median(ours), '/s', [100, 300], made),
        figure('the same to `xargs -P8 true`', ratio, 'x', [0.1, 0.3], made),
      ];
    } finally {
      await platform.stop();
    }
  },
};

export const runners: Row = {
  name: 'runner',
  run: ({ quick }) =>
    withFunction('plus', 'export const plus = (a, b) => a + b;\n', async (_, client) => {
      const count = quick ? 10 : 50;
      const [starts, whole] = [[] as number[], [] as number[]];
      for (let n = -3; n < count; n++) {
        const runner = await Runner.load({ platform: client });
        const called = Date.now();
        await runner.run('plus', n, 1);
        if ((await runner.result<number>()) !== n + 1) throw new Error('a wrong result');
        const { startedAt = '', endedAt = '' } = await runner.describe();
        // The first ones warm up; then the pre-started processes are given the time to come back.
        if (n >= 0) {
          starts.push(Date.parse(startedAt) - called);
          whole.push(Date.parse(endedAt) - called);
        }
        await sleep(500);
      }
      const made = `${count} calls; p95 ${quantile(starts, 0.95)} ms; to the end p50 ${quantile(whole, 0.5)} ms`;
      return [figure('a runner, from the call to running: p50', quantile(starts, 0.5), 'ms', [100, 20], made)];
    }),
};

export const queued: Row = {
  name: 'queued',
  run: ({ quick, seconds }) =>
    withFunction('nap', 'export const nap = () => new Promise((done) => setTimeout(done, 600_000));\n', async (platform, client) => {
      const count = quick ? 100 : 1000;
      await define(platform, 'naps', {}, { call: { function: 'nap' }, timeoutSeconds: 900 });
      const before = memory(platform);
      const start = performance.now();
      const names: string[] = [];
      await eachLimited(Array.from({ length: count }), 8, async () => names.push((await runJob(client, 'naps')).name));
      const asked = (performance.now() - start) / 1000;
      const until = performance.now() + seconds * 3000;
      const times: number[] = [];
      for (let n = 0; performance.now() < until; n++) {
        const from = performance.now();
        if (n % 2 === 0) await ask(client, 'Executions/GetExecution', { name: names[n % count] });
        else await platform.api('GET', `${definitions}/naps`);
        times.push(performance.now() - from);
        await sleep(5);
      }
      const { executions = [] } = await ask<{ executions?: readonly unknown[] }>(client, 'Executions/ListExecutions', {
        parent: 'namespaces/default/jobs/naps',
        statuses: ['QUEUED'],
        pageSize: 1000,
      });
      const full = memory(platform);
      const made = `${full.text}; ${before.total.toFixed(0)} before; asked for in ${asked.toFixed(1)} s, ${executions.length} in line`;
      return [
        figure(`PSS of the platform without pods, ${count} executions in line`, full.total, 'MB', [300, 200], made),
        figure(
          'API latency meanwhile: p99',
          quantile(times, 0.99),
          'ms',
          [50, 20],
          `${times.length} requests, p50 ${quantile(times, 0.5).toFixed(1)} ms`,
        ),
      ];
    }),
};
