/**
 * The control plane is killed while executions and runners are under way, at random moments and at points that matter: each comes to its
 * end as if nothing had happened, once, with its results and its whole log, is told once, and leaves nothing.
 * `TSUMUGI_ROUNDS=20` for the long run (default 2); `TSUMUGI_SEED` for other moments.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEvents } from '../../src/client/events.ts';
import { connect, type Platform, Runner, TsumugiError } from '../../src/client/index.ts';
import { openSqliteRuns } from '../../src/records/sqlite/runs.ts';
import type { Pod } from '../../src/resources/builtin/pod-types.ts';
import type { JobDefinition } from '../../src/resources/job-definition.ts';
import type { KubeObject, Resource } from '../../src/resources/object.ts';
import { configMaps, jobDefinitions, jobs, pods } from '../../src/resources/resources.ts';
import { cleanUp, descendantsOf, eventually, startPlatform, survivors, type TestPlatform } from '../e2e/platform.ts';

const rounds = Number(process.env['TSUMUGI_ROUNDS'] ?? 2);
const executionsPerRound = 200;
const tasks = 3;

let host: TestPlatform;
let platform: Platform;
beforeAll(async () => {
  host = await startPlatform();
  platform = await connect({ data: host.data });
  await host.deploy(
    'work',
    `const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
     export const work = async (n, ms) => { console.log('working on ' + n); await wait(ms); if (n % 4 === 3) throw new Error('three'); return n * n; };`,
  );
  await platform.kube.create(jobDefinitions, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'JobDefinition',
    metadata: { name: 'work', namespace: 'default' },
    spec: {
      successfulExecutionsHistoryLimit: 100_000,
      template: {
        spec: {
          taskCount: tasks,
          parallelism: 2,
          template: { spec: { call: { function: 'work', export: 'work', args: [2, 20] }, maxRetries: 0 } },
        },
      },
    },
  } as unknown as JobDefinition);
}, 120_000);
afterAll(async () => {
  platform?.close();
  await cleanUp();
}, 60_000);

/** The same numbers in each run of the test. */
let state = Number(process.env['TSUMUGI_SEED'] ?? 20_261_121) >>> 0;
const random = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return (state >>> 8) % below;
};

/** Asks again while nobody answers. A request that was heard before its answer was lost is refused the second time: that is as good. */
async function patient(what: string, ask: () => Promise<unknown>): Promise<void> {
  await eventually(
    what,
    async () => {
      try {
        await ask();
      } catch (error) {
        if (!(error instanceof TsumugiError && error.code === 'Conflict') && !String(error).includes('already_exists')) throw error;
      }
      return true;
    },
    30,
  );
}

const runJob = (executionId: string): Promise<unknown> =>
  platform.platform('/tsumugi.jobs.v1.Jobs/RunJob', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'namespaces/default/jobs/work', executionId }),
  });

async function killControlPlane(): Promise<void> {
  const before = host.processes().controlPlane;
  if (before !== 0) process.kill(before, 'SIGKILL');
  await eventually(
    'another control plane answers',
    async () => ![0, before].includes(host.processes().controlPlane) && (await platform.kube.raw('/readyz')),
    30,
  );
}

/** Resolves when an object of the run is as wanted. */
async function seen(resource: Resource, id: string, isIt: (object: KubeObject) => boolean = () => true): Promise<void> {
  const over = new AbortController();
  try {
    const options = { namespace: 'default', labelSelector: `tsumugi.dev/runner=${id}`, signal: over.signal };
    for await (const { object } of platform.kube.watch(resource, options)) if (isIt(object)) return;
  } finally {
    over.abort();
  }
}

async function told(id: string, type: string): Promise<void> {
  const over = new AbortController();
  for await (const { event } of readEvents(platform, { follow: true, types: [type], signal: over.signal }))
    if (event.data['runnerId'] === id) return over.abort();
}

const phase =
  (...wanted: readonly string[]) =>
  (pod: KubeObject): boolean =>
    wanted.includes((pod as Pod).status?.phase ?? '');

/** When to kill, told by what can be seen from outside; watched for before the run is asked for. */
const points: readonly (readonly [string, (id: string) => Promise<unknown>])[] = [
  ['its Job is there, its ConfigMap is not', (id) => seen(jobs, id)],
  ['its ConfigMap is there, its pod does not run', (id) => seen(configMaps, id)],
  ['its pod runs, nobody was told', (id) => seen(pods, id, phase('Running'))],
  ['that it runs was told', (id) => told(id, 'running')],
  ['its pod has ended, its log is not kept', (id) => seen(pods, id, phase('Succeeded', 'Failed'))],
  ['its end was told, its Job is still there', (id) => told(id, 'succeeded')],
];
/** All of them in two rounds. */
const perRound = points.length / 2;

/** Of executions: the name; of runners: the id, and the number that it is called with. */
const executions: string[] = [];
const runners = new Map<string, number>();

async function startExecutions(round: number): Promise<void> {
  const names = Array.from({ length: executionsPerRound }, (_, n) => `work-${round}-${n}`);
  executions.push(...names);
  let next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < names.length) {
        const name = names[next++] as string;
        await patient(`${name} is asked for`, () => runJob(name));
      }
    }),
  );
}

async function startRunner(n: number, ms: number, until?: readonly [string, (id: string) => Promise<unknown>]): Promise<void> {
  const id = `runner-${randomBytes(16).toString('hex')}`;
  runners.set(id, n);
  const reached = until?.[1](id);
  const body = JSON.stringify({ id, call: 'work', args: [n, ms] });
  await patient(`${id} is asked for`, () => platform.platform('/v1/namespaces/default/runners', { method: 'POST', body }));
  if (!until) return;
  const late = new AbortController();
  await Promise.race([
    reached,
    sleep(30_000, undefined, { signal: late.signal }).then(() => {
      throw new Error(`not within 30 s: ${until[0]}`);
    }),
  ]);
  late.abort();
}

async function checkRunner(id: string, n: number): Promise<void> {
  const runner = await Runner.load(id, { platform });
  expect([id, await runner.waitFor({ timeout: 60 })]).toEqual([id, n % 4 === 3 ? 'failed' : 'succeeded']);
  const [lines = [], ...others] = Object.values(await runner.logs());
  expect(others).toEqual([]);
  expect(lines.slice(0, 3)).toEqual([`Runner ID: ${id}\n`, expect.stringMatching(`^work\\(${n},`), `working on ${n}\n`]);
  if (n % 4 === 3) await expect(runner.result()).rejects.toThrow('three');
  else expect([await runner.result(), lines.slice(3)]).toEqual([n * n, [`Result: ${n * n}\n`]]);
}

test(
  `${rounds} rounds of ${executionsPerRound} executions and ${perRound + 3} runners, killed at ${perRound} points and once anywhere`,
  { timeout: 120_000 + rounds * 90_000 },
  async () => {
    for (let round = 0; round < rounds; round++) {
      const starting = startExecutions(round);
      for (let n = 0; n < 3; n++) await startRunner(n + 1, 300 * n);
      // What was asked for a moment ago has a record, and no Job.
      await sleep(random(500));
      await killControlPlane();
      for (let n = 0; n < perRound; n++) {
        await startRunner(4 * random(50), random(3) * 50, points[(round * perRound + n) % points.length]);
        await killControlPlane();
      }
      await starting;
      await eventually(
        'all executions have ended',
        async () => {
          const records = openSqliteRuns(`${host.data}/records.db`);
          const open = await records.open().finally(() => records.close());
          return open.length === 0;
        },
        60,
      );
      for (const [id, n] of runners) await checkRunner(id, n);
    }
    await checkExecutions();
    await checkEvents();
    for (const resource of [jobs, pods, configMaps])
      await eventually(
        `no ${resource.plural} of a runner are left`,
        async () => (await platform.kube.list(resource, { labelSelector: 'tsumugi.dev/runner' })).items.length === 0,
        60,
      );
    await checkProcesses();
  },
);

/** Each task has one success with its value, and its line in the log. */
async function checkExecutions(): Promise<void> {
  const records = openSqliteRuns(`${host.data}/records.db`);
  try {
    const found = await records.find('default', executions);
    expect(found.filter((run) => run?.status !== 'succeeded').map((run) => [run?.name, run?.status, run?.message])).toEqual([]);
    for (const run of found) {
      const done = await records.tasks(run?.uid ?? '', { limit: 100 });
      expect(done.map(({ index, status, attempt, result }) => [index, status, attempt, result])).toEqual(
        Array.from({ length: tasks }, (_, index) => [index, 'succeeded', 0, 4]),
      );
    }
  } finally {
    await records.close();
  }
  const lines = new Set<string>();
  for await (const line of platform.platformLines('/v1/namespaces/default/functions/work/logs')) {
    const { invocation = '', text } = JSON.parse(line) as { invocation?: string; text: string };
    if (text === 'working on 2') lines.add(invocation);
  }
  const wanted = executions.flatMap((name) => Array.from({ length: tasks }, (_, index) => `${name}:${index}:0`));
  expect(wanted.filter((call) => !lines.has(call))).toEqual([]);
}

async function checkEvents(): Promise<void> {
  const log = new Map<string, string[]>();
  for await (const { event } of readEvents(platform)) {
    const of = String(event.data['runnerId'] ?? event.data['execution']);
    log.set(of, [...(log.get(of) ?? []), event.type.split('.').at(-1) ?? '']);
  }
  const wanted = [
    ...executions.map((name) => [name, 'running succeeded']),
    ...[...runners].map(([id, n]) => [id, `running ${n % 4 === 3 ? 'failed' : 'succeeded'}`]),
  ];
  expect(wanted.filter(([of = '', types]) => log.get(of)?.join(' ') !== types).map(([of = '']) => [of, log.get(of)])).toEqual([]);
  expect(log.size).toBe(wanted.length);
}

/** As many shims as pods, and the pre-started ones; none outlives the platform. */
async function checkProcesses(): Promise<void> {
  const shims = (): number => descendantsOf(host.pid).filter(({ command }) => /^\S*node\S* \S*node\.cjs/.test(command)).length;
  await eventually('no process is without its pod', async () => {
    const { items } = await platform.kube.list<Pod>(pods, {});
    return shims() <= items.filter(phase('Running', 'Pending')).length + 2;
  });
  const all = descendantsOf(host.pid);
  expect(await host.stop()).toBe(0);
  await eventually('nothing is left', () => survivors(all).length === 0);
}
