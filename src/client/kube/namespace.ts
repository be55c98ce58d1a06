import type { Patch, WatchEvent } from '../../kube/client.ts';
import type { HttpKubeClient } from '../../kube/http/client.ts';
import { lines } from '../../kube/http/lines.ts';
import { objectPath, query } from '../../kube/http/paths.ts';
import type { ConfigMap } from '../../resources/builtin/configmap.ts';
import { type Job, jobNameLabel } from '../../resources/builtin/job/types.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { Secret } from '../../resources/builtin/secret.ts';
import { configMaps, jobs, pods, secrets } from '../../resources/resources.ts';
import { type Filter, type NewObject, Objects } from './objects.ts';

/** Which log, and how much of it. */
export interface LogOptions {
  /** Absent: the pod's only one. */
  readonly container?: string;
  /** The last so many lines. */
  readonly tailLines?: number;
  /** Of the container's run before this one. */
  readonly previous?: boolean;
}

/**
 * One namespace of a cluster. Names, shapes and errors are those of Kubernetes; errors are `ApiError`s with a `reason` (`NotFound`,
 * `AlreadyExists`, `Conflict`, `Invalid`, `Forbidden`, …; `ServiceUnavailable` where no answer came).
 */
export class KubeNamespace {
  readonly name: string;
  readonly #client: HttpKubeClient;
  readonly #configMaps: Objects<ConfigMap>;
  readonly #secrets: Objects<Secret>;
  readonly #jobs: Objects<Job>;
  readonly #pods: Objects<Pod>;

  constructor(client: HttpKubeClient, name: string) {
    this.name = name;
    this.#client = client;
    this.#configMaps = new Objects(client, configMaps, name);
    this.#secrets = new Objects(client, secrets, name);
    this.#jobs = new Objects(client, jobs, name);
    this.#pods = new Objects(client, pods, name);
  }

  createConfigMap = (object: NewObject<ConfigMap>): Promise<ConfigMap> => this.#configMaps.create(object);
  getConfigMap = (name: string): Promise<ConfigMap> => this.#configMaps.get(name);
  listConfigMaps = (filter?: Filter): Promise<readonly ConfigMap[]> => this.#configMaps.list(filter);
  updateConfigMap = (object: ConfigMap): Promise<ConfigMap> => this.#configMaps.update(object);
  patchConfigMap = (name: string, patch: Patch): Promise<ConfigMap> => this.#configMaps.patch(name, patch);
  deleteConfigMap = (name: string): Promise<void> => this.#configMaps.delete(name);

  /** `stringData` takes plain text; what is read is `data`, in base64. */
  createSecret = (object: NewObject<Secret>): Promise<Secret> => this.#secrets.create(object);
  getSecret = (name: string): Promise<Secret> => this.#secrets.get(name);
  listSecrets = (filter?: Filter): Promise<readonly Secret[]> => this.#secrets.list(filter);
  updateSecret = (object: Secret): Promise<Secret> => this.#secrets.update(object);
  patchSecret = (name: string, patch: Patch): Promise<Secret> => this.#secrets.patch(name, patch);
  deleteSecret = (name: string): Promise<void> => this.#secrets.delete(name);

  createJob = (object: NewObject<Job>): Promise<Job> => this.#jobs.create(object);
  getJob = (name: string): Promise<Job> => this.#jobs.get(name);
  listJobs = (filter?: Filter): Promise<readonly Job[]> => this.#jobs.list(filter);
  watchJobs = (filter?: Filter, signal?: AbortSignal): AsyncIterable<WatchEvent<Job>> => this.#jobs.watch(filter, signal);
  updateJob = (object: Job): Promise<Job> => this.#jobs.update(object);
  patchJob = (name: string, patch: Patch): Promise<Job> => this.#jobs.patch(name, patch);
  /** Its pods go, too. */
  deleteJob = (name: string): Promise<void> => this.#jobs.delete(name);
  /** The logs of a Job's pods: `{ "<pod>.<container>": ["line\n", …] }`. */
  async getJobLogs(name: string, options: Pick<LogOptions, 'tailLines'> = {}): Promise<Readonly<Record<string, readonly string[]>>> {
    const its = await this.#pods.list({ labelSelector: `${jobNameLabel}=${name}` });
    const containers = its.flatMap((pod) => pod.spec.containers.map((container) => [pod.metadata.name, container.name] as const));
    const logs = await Promise.all(
      containers.map(async ([pod, container]) => {
        const text = await this.getPodLog(pod, { ...options, container });
        return [`${pod}.${container}`, text.match(/[^\n]*\n|[^\n]+$/g) ?? []] as const;
      }),
    );
    return Object.fromEntries(logs);
  }

  createPod = (object: NewObject<Pod>): Promise<Pod> => this.#pods.create(object);
  getPod = (name: string): Promise<Pod> => this.#pods.get(name);
  listPods = (filter?: Filter): Promise<readonly Pod[]> => this.#pods.list(filter);
  watchPods = (filter?: Filter, signal?: AbortSignal): AsyncIterable<WatchEvent<Pod>> => this.#pods.watch(filter, signal);
  patchPod = (name: string, patch: Patch): Promise<Pod> => this.#pods.patch(name, patch);
  deletePod = (name: string): Promise<void> => this.#pods.delete(name);
  /** What a container has written so far. */
  getPodLog = (name: string, options: LogOptions = {}): Promise<string> => this.#client.raw(this.#logPath(name, { ...options }));
  /** What a container has written, and writes, line by line until it ends. */
  async *followPodLog(name: string, options: LogOptions = {}, signal?: AbortSignal): AsyncGenerator<string> {
    yield* lines(await this.#client.open(this.#logPath(name, { ...options, follow: true }), signal ? { signal } : {}));
  }

  #logPath(name: string, options: LogOptions & { readonly follow?: boolean }): string {
    return objectPath(pods, { namespace: this.name, name }, 'log') + query({ ...options });
  }
}
