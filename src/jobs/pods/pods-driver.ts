/** Drives runs in pods of their own, and takes away what is left of those that have ended. */
import { type Clock, systemClock } from '../../base/clock.ts';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { LogStore } from '../../records/logs.ts';
import type { Run, RunOutline, RunStore } from '../../records/runs.ts';
import type { KubeObject } from '../../resources/object.ts';
import { namespaces, secrets } from '../../resources/resources.ts';
import type { Quota, RunControl, RunDriver } from '../driver.ts';
import type { RunSettings } from '../settings.ts';
import { deleteJob, deleteNamed } from './api.ts';
import { ContainerExecution } from './container-execution.ts';
import type { FunctionPods } from './function-pods.ts';
import { Guest } from './guest.ts';
import { tidyGuest } from './guest-life.ts';
import type { JobIdentity } from './job-identity.ts';
import { RunLogKeeper } from './logs.ts';
import { RunObjects } from './objects.ts';
import type { PodParts } from './parts.ts';
import { Remotes } from './remotes.ts';
import { Runner } from './runner.ts';
import type { RunnerSpec } from './specs.ts';

/** On a Namespace: how many runners and guests it may have at once. */
const maxRunnersAnnotation = 'tsumugi.dev/max-runners';

export interface PodsDriverOptions {
  readonly client: KubeClient;
  readonly runs: RunStore;
  readonly logs: LogStore;
  readonly functions: FunctionPods;
  readonly identity: JobIdentity;
  readonly settings: RunSettings;
  readonly clock?: Clock;
  readonly log: Log;
  /** Ends it: nothing is begun after that. */
  readonly signal: AbortSignal;
}

/** How often it is looked for what is left. */
const sweepMs = 30_000;

export class PodsDriver implements RunDriver {
  readonly place = 'pods';
  /** Resolves when it has stopped. */
  readonly stopped: Promise<unknown>;
  readonly #parts: PodParts;
  readonly #options: PodsDriverOptions;
  readonly #settings: RunSettings;
  readonly #namespaces: Informer<KubeObject>;
  readonly #driven = new Set<string>();

  private constructor(options: PodsDriverOptions, parts: PodParts, settings: RunSettings, namespaces: Informer<KubeObject>) {
    this.#options = options;
    this.#parts = parts;
    this.#settings = settings;
    this.#namespaces = namespaces;
    this.stopped = this.#sweepAgain();
  }

  /** Resolves when what is there is known. */
  static async start(options: PodsDriverOptions): Promise<PodsDriver> {
    const { client, runs, logs, functions, identity, settings, clock = systemClock, log, signal } = options;
    const objects = new RunObjects(client, log);
    const all = new Informer<KubeObject>(client, namespaces, { log });
    void all.start(signal);
    await Promise.all([objects.start(signal), all.synced()]);
    const keeper = new RunLogKeeper(logs, settings.logLines);
    const startTimeoutMs = settings.startTimeoutSeconds * 1000;
    const remotes = new Remotes(client, log, signal);
    const parts = { objects, remotes, runs, functions, identity, logs: keeper, startTimeoutMs, clock, log };
    return new PodsDriver(options, parts, settings, all);
  }

  /** Executions have a parallelism of their own; runners and guests share what their namespace may have. */
  quota({ kind, namespace }: RunOutline): Quota | undefined {
    if (kind === 'execution') return undefined;
    const told = this.#namespaces.get(namespace)?.metadata.annotations?.[maxRunnersAnnotation];
    const limit = told !== undefined && /^\d+$/.test(told) ? Number(told) : this.#settings.maxRunners;
    return { scope: `runners/${namespace}`, limit };
  }

  async drive(run: Run, control: RunControl): Promise<void> {
    this.#driven.add(run.uid);
    try {
      const driven = { execution: ContainerExecution, runner: Runner, guest: Guest }[run.kind];
      await new driven(this.#parts, run, control).drive();
    } finally {
      this.#driven.delete(run.uid);
    }
  }

  /** Takes away what the API has of a run that has ended. */
  async tidy(run: Run): Promise<void> {
    const { objects } = this.#parts;
    if (run.kind === 'guest') return tidyGuest(objects.client, run);
    for (const job of objects.jobsOf(run.uid)) await deleteJob(objects.client, job);
    // Mostly it goes with the Job; not where there never was one.
    if (run.kind === 'runner' && (run.spec as RunnerSpec).sensitive.length > 0)
      await deleteNamed(objects.client, secrets, run.namespace, run.name);
  }

  /** The same; told of each end. */
  async ended({ uid, place }: RunOutline): Promise<void> {
    if (place !== this.place) return;
    const [run] = await this.#options.runs.get([uid]);
    if (run) await this.tidy(run);
  }

  async #sweepAgain(): Promise<void> {
    const { signal, log } = this.#options;
    while (!signal.aborted) {
      await this.#sweep().catch((error: unknown) => {
        if (!signal.aborted)
          log.warn({ error: toError(error).message }, 'what is left of runs could not be taken away; it will be tried again');
      });
      await this.#parts.clock.sleep(sweepMs, signal).catch(() => undefined);
    }
  }

  /** Runs that ended, or are known to nobody, while their objects stayed: the platform was killed in between. */
  async #sweep(): Promise<void> {
    const { objects } = this.#parts;
    const uids = [...objects.runs()].filter((uid) => !this.#driven.has(uid));
    const runs = await this.#options.runs.get(uids);
    for (const [index, uid] of uids.entries()) {
      const run = runs[index];
      if (run ? run.endedAt === undefined : this.#driven.has(uid)) continue;
      if (run) await this.tidy(run);
      else for (const job of objects.jobsOf(uid)) await deleteJob(objects.client, job);
    }
  }
}
