/** What the API has of runs: their Jobs and pods, by the run's uid. */
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Change, Informer } from '../../kube/informer.ts';
import type { Job } from '../../resources/builtin/job/types.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { KubeObject } from '../../resources/object.ts';
import { jobs, pods } from '../../resources/resources.ts';
import { label, runOf } from './labels.ts';

export interface RunObjectsOptions {
  /** That says which run an object is of. Default: that of the platform's own cluster. */
  readonly label?: string;
  /** Absent: all namespaces. */
  readonly namespace?: string;
}

export class RunObjects {
  readonly client: KubeClient;
  readonly jobs: Informer<Job>;
  readonly pods: Informer<Pod>;
  readonly #watchers = new Map<string, Set<(change: Change<KubeObject>) => void>>();

  constructor(client: KubeClient, log: Log, { label: labelSelector = label.run, namespace }: RunObjectsOptions = {}) {
    this.client = client;
    const options = {
      log,
      labelSelector,
      ...(namespace !== undefined && { namespace }),
      indexes: { run: (object: KubeObject) => [runOf(object)] },
    };
    this.jobs = new Informer<Job>(client, jobs, options);
    this.pods = new Informer<Pod>(client, pods, options);
    const tell = (change: Change<KubeObject>): void => {
      for (const look of this.#watchers.get(runOf(change.object)) ?? []) look(change);
    };
    this.jobs.on(tell);
    this.pods.on(tell);
  }

  /** Resolves when all is known; `stopped` when it has ended with `signal`. */
  async start(signal: AbortSignal): Promise<{ readonly stopped: Promise<unknown> }> {
    const stopped = Promise.all([this.jobs.start(signal), this.pods.start(signal)]);
    await Promise.all([this.jobs.synced(), this.pods.synced()]);
    return { stopped };
  }

  /** False: what is seen here is the past. */
  get isCurrent(): boolean {
    return this.jobs.isCurrent && this.pods.isCurrent;
  }

  readonly jobsOf = (uid: string): readonly Job[] => this.jobs.byIndex('run', uid);

  readonly podsOf = (uid: string): readonly Pod[] => this.pods.byIndex('run', uid);

  /** Uids of all runs that have something here. */
  runs(): Set<string> {
    return new Set([...this.jobs.list(), ...this.pods.list()].map(runOf));
  }

  /** Calls back whenever something of the run changes. Answers how to stop. */
  watch(uid: string, look: (change: Change<KubeObject>) => void): () => void {
    const all = this.#watchers.get(uid) ?? new Set();
    this.#watchers.set(uid, all.add(look));
    return () => {
      all.delete(look);
      if (all.size === 0) this.#watchers.delete(uid);
    };
  }
}
