/**
 * The leader dies at each of its writes in turn, to the records, to the logs and to the API, once before it is done and once before its
 * answer is heard; the next leader brings the run to the same end as if nothing had happened, tells it once, and leaves nothing.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../base/log.ts';
import { runEmbeddedControllers } from '../embedded/controllers/index.ts';
import { eventually, TestPlatform } from '../functions/testing/platform.ts';
import type { Run, RunChange, RunStore } from '../records/runs.ts';
import { openSqliteRuns } from '../records/sqlite/runs.ts';
import type { Resource } from '../resources/object.ts';
import { configMaps, jobs as jobResource, pods, secrets } from '../resources/resources.ts';
import { runLogPrefix } from './model/log-streams.ts';
import { startRunner } from './pods/requests.ts';
import { bySource, readRunLog } from './pods/run-logs.ts';
import { type RunningJobs, startJobs } from './start.ts';
import { nobodyIs } from './pods/testing/identity.ts';

let platform: TestPlatform;
let runs: RunStore;
/** What is asked for and read: it lives through all deaths. */
let living: RunningJobs;
const stopping = new AbortController();
let controllers: Promise<void>;
beforeAll(async () => {
  platform = await TestPlatform.start();
  runs = openSqliteRuns(join(platform.folder, 'records.db'));
  controllers = runEmbeddedControllers({ client: platform.client, store: platform.api.store, signal: stopping.signal });
  living = start();
  const source = `
    export const login = (user, password) => { console.log(user + ' is here'); return password.length; };
    export const square = (n) => n * n;`;
  await platform.inline('math', source);
  await platform.ready('math');
});
afterAll(async () => {
  living.stop();
  stopping.abort();
  await controllers;
  await runs.close();
  await platform.stop();
});

function start(client = platform.client, store = runs, logs = platform.logs): RunningJobs {
  const { functions } = platform;
  return startJobs({
    client,
    runs: store,
    logs,
    functions: functions.runs,
    identity: nobodyIs,
    openInvoker: () => functions.openInvoker(),
    functionLogs: (query) => functions.readLogs(query),
    log: silentLog,
  });
}

/** Counts writes, and lets none through from one on; `late`: that one is done, and nobody hears of it. */
class Mortality {
  readonly made: string[] = [];
  readonly #death = Promise.withResolvers<void>();
  readonly #at: number;
  readonly #late: boolean;

  constructor(at = Infinity, late = false) {
    this.#at = at;
    this.#late = late;
  }

  get died(): Promise<void> {
    return this.#death.promise;
  }

  async write<T>(what: string, work: () => Promise<T>): Promise<T> {
    const n = this.made.push(what) - 1;
    if (n < this.#at) return work();
    if (n === this.#at && this.#late) await work().catch(() => undefined);
    this.#death.resolve();
    return new Promise(() => undefined);
  }

  /** `writes`: names of methods, and how their calls are called. */
  wrap<T extends object>(target: T, writes: Readonly<Record<string, (...args: never[]) => string>>): T {
    return new Proxy(target, {
      get: (_, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        const called = writes[String(name)];
        if (!called) return method.bind(target) as unknown;
        return (...args: never[]) => this.write(called(...args), () => method.apply(target, args) as Promise<unknown>);
      },
    });
  }
}

const said = ({ set }: RunChange): string => set?.status ?? Object.keys(set ?? {}).join('+');

interface Leader {
  readonly mortality: Mortality;
  stop(): Promise<void>;
}

function lead(mortality = new Mortality()): Leader {
  const over = new AbortController();
  const ofResource = (verb: string) => (resource: Resource) => `${verb} ${resource.kind}`;
  const client = mortality.wrap(
    platform.client,
    Object.fromEntries(['create', 'update', 'patch', 'delete'].map((verb) => [verb, ofResource(verb)])),
  );
  const store = mortality.wrap(runs, {
    commit: (changes: readonly RunChange[]) => `record ${changes.map(said).join()}`,
    delete: () => 'forget',
  });
  const logs = mortality.wrap(platform.logs, { append: () => 'keep the log', drop: () => 'drop the log' });
  const jobs = start(client, store, logs);
  const done = jobs.lead({ client, signal: over.signal });
  return {
    mortality,
    stop: async () => {
      over.abort();
      jobs.stop();
      await done;
    },
  };
}

/** What a case starts, and what is to be true when it has ended. */
interface Case {
  /** The writes of a leader that lives, where they do not depend on the time that things take. */
  readonly points?: readonly string[];
  readonly start: (name: string) => Promise<Run>;
  readonly check: (run: Run) => Promise<void>;
}

const runner: Case = {
  points: [
    'record admittedAt',
    'create Job',
    'create ConfigMap',
    'patch Secret',
    'record running',
    'record result',
    'keep the log',
    'record succeeded',
    'delete Job',
    'delete Secret',
  ],
  start: () =>
    startRunner({ jobs: living.jobs, client: platform.client, functions: platform.functions.runs }, 'default', {
      call: 'login',
      args: ['ada', 'secret words'],
      sensitive: [1],
    }),
  check: async (run) => {
    expect(run.result).toEqual({ value: 12 });
    const log = bySource(await readRunLog({ client: platform.client, logs: platform.logs, lines: 500 }, run));
    expect(Object.values(log)).toEqual([[`Runner ID: ${run.name}\n`, 'login("ada", ***)\n', 'ada is here\n', 'Result: 12\n']]);
    for (const resource of [jobResource, pods, configMaps, secrets])
      await eventually(async () => {
        const { items } = await platform.client.list(resource, { labelSelector: `tsumugi.dev/runner=${run.name}` });
        expect(items.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
      });
  },
};

const execution: Case = {
  start: (name) =>
    living.jobs.run({
      namespace: 'default',
      name,
      kind: 'execution',
      place: 'instances',
      job: '',
      spec: {
        taskCount: 3,
        parallelism: 2,
        maxRetries: 0,
        timeoutSeconds: 60,
        graceSeconds: 1,
        concurrencyPolicy: 'Allow',
        items: [1, 2, 3],
        call: { function: 'math', export: 'square', args: [] },
      },
    }),
  check: async (run) => {
    const tasks = await runs.tasks(run.uid, { limit: 9 });
    expect(tasks.map(({ index, status, attempt, result }) => [index, status, attempt, result])).toEqual([
      [0, 'succeeded', 0, 1],
      [1, 'succeeded', 0, 4],
      [2, 'succeeded', 0, 9],
    ]);
    expect(run.counts).toMatchObject({ running: 0, succeeded: 3, failed: 0, retried: 0 });
  },
};

const container: Case = {
  start: (name) =>
    living.jobs.run({
      namespace: 'default',
      name,
      kind: 'execution',
      place: 'pods',
      job: '',
      spec: {
        taskCount: 2,
        parallelism: 1,
        maxRetries: 0,
        timeoutSeconds: 60,
        graceSeconds: 1,
        concurrencyPolicy: 'Allow',
        items: ['a', 'b'],
        pod: { containers: [{ name: 'main', image: 'host', command: ['/bin/sh', '-c', 'echo task $JOB_COMPLETION_INDEX'] }] },
      },
    }),
  check: async (run) => {
    const tasks = await runs.tasks(run.uid, { limit: 9 });
    expect(tasks.map(({ index, status, attempt }) => [index, status, attempt])).toEqual([
      [0, 'succeeded', 0],
      [1, 'succeeded', 0],
    ]);
    expect(run.counts).toMatchObject({ running: 0, succeeded: 2, failed: 0, retried: 0 });
    const log = bySource(await readRunLog({ client: platform.client, logs: platform.logs, lines: 500 }, run));
    expect(Object.values(log).flat().toSorted()).toEqual(['task 0\n', 'task 1\n']);
    for (const resource of [jobResource, pods, configMaps])
      await eventually(async () => {
        const { items } = await platform.client.list(resource, { labelSelector: `tsumugi.dev/execution=${run.name}` });
        expect(items.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
      });
  },
};

async function ended({ uid }: Run): Promise<Run> {
  return eventually(async () => {
    const [run] = await runs.get([uid]);
    expect(run?.endedAt).toBeDefined();
    return run as Run;
  });
}

async function checkEnd(run: Run, check: Case['check']): Promise<void> {
  expect(run, run.message).toMatchObject({ status: 'succeeded' });
  const told = (await runs.events({ limit: 1000 })).filter((event) => event.run === run.uid);
  expect(told.map(({ event }) => (event as { type: string }).type.split('.').at(-1))).toEqual(['running', 'succeeded']);
  await check(run);
}

describe.each([
  ['a runner', runner],
  ['an execution of a function', execution],
  ['an execution of a container', container],
] as const)('%s', (what, { points: wanted, start: begin, check }) => {
  let points: readonly string[] = [];
  let count = 0;
  const name = (): string => `${what.split(' ').at(-1)}-${(count += 1)}`;

  it('has one end, whose writes are known', async () => {
    const leader = lead();
    const run = await begin(name());
    await checkEnd(await ended(run), check);
    await leader.stop();
    points = leader.mortality.made;
    expect(points).toEqual(wanted ?? expect.arrayContaining(['record admittedAt', 'record running', 'record succeeded']));
  });

  it('comes to its end whichever write is the last one of a leader', { timeout: 120_000 }, async () => {
    for (const [at, point] of points.entries()) {
      for (const late of [false, true]) {
        const first = lead(new Mortality(at, late));
        const run = await begin(name());
        await Promise.race([first.mortality.died, ended(run)]);
        // It is dead: what it waits for never comes.
        void first.stop();
        const second = lead();
        await checkEnd(await ended(run), check).catch((error: unknown) => {
          throw new Error(`${late ? 'after' : 'before'} write ${at}, ${point}: ${(error as Error).message}`, { cause: error });
        });
        await second.stop();
      }
    }
  });
});

it('who is deleted takes his log along', async () => {
  const leader = lead();
  const run = await ended(await runner.start(''));
  expect(await platform.logs.read(runLogPrefix(run.uid))).not.toEqual([]);
  await living.jobs.delete(run);
  await eventually(async () => expect(await runs.get([run.uid])).toEqual([undefined]));
  expect(await platform.logs.read(runLogPrefix(run.uid))).toEqual([]);
  expect(leader.mortality.made.slice(-2)).toEqual(['drop the log', 'forget']);
  await leader.stop();
});
