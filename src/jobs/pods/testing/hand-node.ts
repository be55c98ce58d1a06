/** The pods' driver on a real API with real controllers; the node is the test's hand: a pod runs, speaks and ends when the test says so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { silentLog } from '../../../base/log.ts';
import { newUid } from '../../../base/ids.ts';
import { type EmbeddedApi, openEmbeddedApi } from '../../../embedded/api/index.ts';
import { runEmbeddedControllers } from '../../../embedded/controllers/index.ts';
import type { LogStore } from '../../../records/logs.ts';
import type { Run, RunStore, Task } from '../../../records/runs.ts';
import { openSqliteLogs } from '../../../records/sqlite/logs.ts';
import { openSqliteRuns } from '../../../records/sqlite/runs.ts';
import type { Job } from '../../../resources/builtin/job/types.ts';
import type { ContainerStateTerminated, Pod, PodStatus } from '../../../resources/builtin/pod-types.ts';
import { isNotFound } from '../../../resources/object.ts';
import { jobs, pods } from '../../../resources/resources.ts';
import { Bell } from '../../bell.ts';
import { runEngine } from '../../engine/engine.ts';
import type { RunLogLine } from '../../jobs.ts';
import type { ExecutionPlan } from '../../model/plan.ts';
import { RecordJobs } from '../../record-jobs.ts';
import { runDefaults } from '../../settings.ts';
import { PodsDriver } from '../pods-driver.ts';
import { logLines } from '../run-logs.ts';
import { nobodyIs } from './identity.ts';

export const namespace = 'default';
/** Long ago, so that what failed is tried again at once. */
const past = '2026-01-01T00:00:00Z';

export class HandNode {
  readonly api: EmbeddedApi;
  readonly runs: RunStore;
  readonly jobs: RecordJobs;
  readonly #logs: LogStore;
  readonly #folder: string;
  readonly #bell = new Bell();
  /** Of all pods, by their names. */
  readonly #said: Map<string, string[]>;
  readonly #ended: Set<string>;
  readonly #stopping = new AbortController();
  readonly #controllers: Promise<void>;
  readonly #unsubscribe: () => void;
  #letGo: () => Promise<void> = () => Promise.resolve();

  /** `listen`: other clusters reach it, by `api.kubeconfig`. */
  static async open({ listen = false }: { readonly listen?: boolean } = {}): Promise<HandNode> {
    const folder = mkdtempSync(join(tmpdir(), 'tsumugi-hand-'));
    const said = new Map<string, string[]>();
    const ended = new Set<string>();
    const api = await openEmbeddedApi({
      data: folder,
      listen,
      podAccess: {
        log: async function* ({ metadata: { name } }, { follow, signal }) {
          if (follow) while (!signal.aborted && !ended.has(name)) await new Promise((resolve) => setTimeout(resolve, 10));
          yield Buffer.from((said.get(name) ?? []).join(''));
        },
      },
    });
    const node = new HandNode(folder, api, said, ended);
    await node.lead();
    return node;
  }

  private constructor(folder: string, api: EmbeddedApi, said: Map<string, string[]>, ended: Set<string>) {
    this.#ended = ended;
    this.#folder = folder;
    this.api = api;
    this.#said = said;
    this.runs = openSqliteRuns(join(folder, 'records.db'));
    this.#logs = openSqliteLogs(join(folder, 'records.db'));
    this.#controllers = runEmbeddedControllers({ client: api.client, store: api.store, signal: this.#stopping.signal });
    const { client } = api;
    this.jobs = new RecordJobs({
      runs: this.runs,
      bell: this.#bell,
      plan: () => Promise.reject(new Error('there are no definitions here')),
      logs: (run, query) => logLines({ client, logs: this.#logs, lines: runDefaults.logLines }, run, query, () => this.jobs.get(run)),
      undeclare: async () => false,
    });
    // A pod that is told to end does so at once.
    this.#unsubscribe = api.store.subscribe((changes) => {
      for (const { type, row } of changes) {
        if (type !== 'MODIFIED' || row.resource !== 'pods') continue;
        void this.#obey(row.name).catch((error: unknown) => {
          if (!this.#stopping.signal.aborted && !isNotFound(error)) throw error;
        });
      }
    });
  }

  /** The platform is there (again). */
  async lead(identity = nobodyIs): Promise<void> {
    const stopping = new AbortController();
    const { signal } = stopping;
    const common = { runs: this.runs, settings: runDefaults, log: silentLog, signal };
    const driver = await PodsDriver.start({ ...common, client: this.api.client, logs: this.#logs, functions: {} as never, identity });
    const done = runEngine({ ...common, drivers: [driver], bell: this.#bell, pollMs: 20, ended: (run) => driver.ended(run) });
    this.#letGo = async () => {
      stopping.abort();
      await done;
      await driver.stopped;
    };
  }

  /** The platform is away. */
  leave(): Promise<void> {
    return this.#letGo();
  }

  async close(): Promise<void> {
    await this.leave();
    this.#stopping.abort();
    this.#unsubscribe();
    await this.#controllers;
    await this.runs.close();
    await this.#logs.close();
    await this.api.close();
    rmSync(this.#folder, { recursive: true });
  }

  async execute(plan: Partial<ExecutionPlan> = {}, uid: string = newUid(), name = 'e'): Promise<Run> {
    const container = { name: 'main', image: 'host', command: ['true'] };
    const spec: ExecutionPlan = {
      taskCount: 1,
      parallelism: 10,
      maxRetries: 0,
      timeoutSeconds: 60,
      graceSeconds: 5,
      concurrencyPolicy: 'Allow',
      pod: { containers: [container] },
      ...plan,
    };
    return this.jobs.run({ uid, namespace, name, kind: 'execution', place: 'pods', job: 'j', spec });
  }

  run(): Promise<Run> {
    return this.jobs.get({ namespace, name: 'e' });
  }

  logs({ name }: Run): AsyncIterable<RunLogLine> {
    return this.jobs.logs({ namespace, name }, { follow: false, signal: this.#stopping.signal });
  }

  async tasks(): Promise<readonly Task[]> {
    return this.runs.tasks((await this.run()).uid, { limit: 10_000 });
  }

  async ended(): Promise<Run> {
    return vi.waitFor(async () => {
      const run = await this.run();
      if (run.endedAt === undefined) throw new Error(`it is ${run.status}: ${JSON.stringify(run.counts)}`);
      return run;
    }, 5000);
  }

  job(name: string): Promise<Job> {
    return this.api.client.get<Job>(jobs, { namespace, name });
  }

  async jobNames(): Promise<readonly string[]> {
    return (await this.api.client.list<Job>(jobs, { namespace })).items.map(({ metadata }) => metadata.name).toSorted();
  }

  /** Those that have neither ended nor been told to, by their names: `JOB-INDEX`. Waits until there are so many. */
  async pods(count: number): Promise<ReadonlyMap<string, Pod>> {
    return vi.waitFor(async () => {
      const { items } = await this.api.client.list<Pod>(pods, { namespace });
      const alive = items.filter(({ status, metadata }) => !/Succeeded|Failed/.test(status?.phase ?? '') && !metadata.deletionTimestamp);
      if (alive.length !== count) throw new Error(`there are ${alive.length} pods, not ${count}`);
      return new Map(alive.map((pod) => [pod.metadata.name.replace(/-[a-z0-9]{5}$/, ''), pod]));
    }, 5000);
  }

  /** The pod runs, and has said this. */
  async begin(pod: Pod | undefined, ...said: readonly string[]): Promise<Pod> {
    if (!pod) throw new Error('there is no such pod');
    this.say(pod, ...said);
    const { client } = this.api;
    if (!pod.spec.nodeName)
      await client.patch(pods, pod.metadata, { type: 'merge', body: { spec: { nodeName: 'hand' } } }, { subresource: 'binding' });
    return this.#tell(pod, { phase: 'Running', containerStatuses: [statusOf({ running: { startedAt: past } })] });
  }

  say({ metadata: { name } }: Pod, ...said: readonly string[]): void {
    const all = this.#said.get(name) ?? [];
    this.#said.set(name, all);
    for (const line of said) all.push(`${new Date(Date.UTC(2026, 0, 1) + all.length).toISOString()} ${line}\n`);
  }

  /** Its process ends; `more`: of the container's last state. */
  async end(
    pod: Pod | undefined,
    exitCode = 0,
    more: Partial<ContainerStateTerminated> = {},
    status: Partial<PodStatus> = {},
  ): Promise<void> {
    const begun = pod?.status?.phase === 'Running' ? pod : await this.begin(pod);
    const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt: past, finishedAt: past, ...more };
    this.#ended.add(begun.metadata.name);
    await this.#tell(begun, { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: [statusOf({ terminated })], ...status });
  }

  async #obey(name: string): Promise<void> {
    const pod = await this.api.client.get<Pod>(pods, { namespace, name });
    if (pod.metadata.deletionTimestamp === undefined) return;
    if (pod.status?.phase === 'Running') {
      this.say(pod, 'goodbye');
      await this.end(pod, 143);
    }
    await this.api.client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
  }

  #tell({ metadata: { name } }: Pod, status: object): Promise<Pod> {
    return this.api.client.patch<Pod>(pods, { namespace, name }, { type: 'merge', body: { status } }, { subresource: 'status' });
  }
}

const statusOf = (state: object): object => ({ name: 'main', image: 'host', imageID: '', ready: false, restartCount: 0, state });

export const texts = async (log: AsyncIterable<RunLogLine>): Promise<readonly string[]> =>
  (await Array.fromAsync(log)).map(({ task, attempt, text }) => `${task}.${attempt} ${text}`);
