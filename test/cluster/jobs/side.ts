/** One of two API servers with a job controller, on which a test plays the kubelet; what is told of it has no names, times and ids. */
import { vi } from 'vitest';
import type { KubeClient } from '../../../src/kube/client.ts';
import type { KubeEvent } from '../../../src/resources/builtin/event.ts';
import type { Job, JobSpec } from '../../../src/resources/builtin/job/job.ts';
import type { Pod, PodStatus } from '../../../src/resources/builtin/pod.ts';
import { events, jobs, pods } from '../../../src/resources/resources.ts';

const template = { spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i:1' }] } } as const;
const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

/** The real controller gathers what happens for a second. */
const patience = { timeout: 60_000, interval: 50 };

export class Side {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly name: string;

  constructor(client: KubeClient, namespace: string, name: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.name = name;
  }

  get #key(): { namespace: string; name: string } {
    return { namespace: this.#namespace, name: this.name };
  }

  async create(spec: Partial<Omit<JobSpec, 'template'>> & { readonly template?: Partial<JobSpec['template']> }): Promise<void> {
    const metadata = { name: this.name, namespace: this.#namespace };
    const whole = { ...spec, template: { ...template, ...spec.template } } as JobSpec;
    await this.#client.create<Job>(jobs, { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: whole });
  }

  job(): Promise<Job> {
    return this.#client.get<Job>(jobs, this.#key);
  }

  async patch(spec: object): Promise<void> {
    await this.#client.patch(jobs, this.#key, { type: 'merge', body: { spec } });
  }

  async delete(propagationPolicy: 'Background' | 'Foreground' | 'Orphan'): Promise<void> {
    await this.#client.delete(jobs, this.#key, { propagationPolicy });
  }

  /** All pods that were this Job's, by index and age. */
  async pods(): Promise<readonly Pod[]> {
    const { items } = await this.#client.list<Pod>(pods, { namespace: this.#namespace });
    const mine = items.filter(({ metadata }) => metadata.labels?.['of'] === this.name || metadata.name.startsWith(`${this.name}-`));
    const rank = ({ metadata }: Pod): string =>
      [metadata.annotations?.[indexAnnotation]?.padStart(6, '0') ?? '', metadata.creationTimestamp ?? ''].join(' ');
    return mine.toSorted((a, b) => rank(a).localeCompare(rank(b)));
  }

  async active(): Promise<readonly Pod[]> {
    return (await this.pods()).filter(
      ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
    );
  }

  /** When so many pods are there that neither ended nor are ending. */
  running(count: number): Promise<readonly Pod[]> {
    return vi.waitFor(async () => {
      const found = await this.active();
      if (found.length !== count) throw new Error(`${this.name}: ${found.length} pods are active, not ${count}`);
      return found;
    }, patience);
  }

  /** When the status has these fields. */
  has(wanted: Readonly<Record<string, unknown>>): Promise<Job> {
    return vi.waitFor(async () => {
      const job = await this.job();
      for (const [field, value] of Object.entries(wanted)) {
        const found = job.status?.[field as keyof typeof job.status] ?? 0;
        if (found !== value) throw new Error(`${this.name}: status.${field} is ${JSON.stringify(found)}, not ${JSON.stringify(value)}`);
      }
      return job;
    }, patience);
  }

  is(type: string, status = 'True'): Promise<Job> {
    return vi.waitFor(async () => {
      const job = await this.job();
      if (!job.status?.conditions?.some((condition) => condition.type === type && condition.status === status))
        throw new Error(`${this.name}: not ${type}=${status}: ${JSON.stringify(job.status)}`);
      return job;
    }, patience);
  }

  gone(): Promise<void> {
    return vi.waitFor(async () => {
      const found = await this.job().catch(() => undefined);
      if (found) throw new Error(`${this.name} is still there`);
    }, patience);
  }

  async label(pod: Pod, labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#client.patch(pods, pod.metadata, { type: 'merge', body: { metadata: { labels } } });
  }

  async createPod(pod: Pick<Pod, 'metadata' | 'spec'>): Promise<void> {
    const metadata = { ...pod.metadata, namespace: this.#namespace };
    await this.#client.create<Pod>(pods, { apiVersion: 'v1', kind: 'Pod', ...pod, metadata });
  }

  async deletePod(pod: Pod): Promise<void> {
    await this.#client.delete(pods, pod.metadata);
  }

  async tell(pod: Pod, status: PodStatus): Promise<void> {
    await this.#client.patch(pods, pod.metadata, { type: 'merge', body: { status } }, { subresource: 'status' });
  }

  run(pod: Pod, restartCount = 0): Promise<void> {
    const running = { name: 'c', image: 'i:1', imageID: '', ready: true, restartCount, state: { running: { startedAt: now() } } };
    return this.tell(pod, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [running] });
  }

  succeed(pod: Pod): Promise<void> {
    return this.end(pod, 0);
  }

  fail(pod: Pod, exitCode = 1): Promise<void> {
    return this.end(pod, exitCode);
  }

  async end(pod: Pod, exitCode: number): Promise<void> {
    const at = now();
    const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt: at, finishedAt: at };
    const status = { name: 'c', image: 'i:1', imageID: '', ready: false, restartCount: 0, state: { terminated } };
    await this.tell(pod, { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: [status] });
  }

  /** Status, pods and Events as they now are; times, ids and the random ends of names taken out. */
  async told(): Promise<Told> {
    const found = await this.job().catch(() => undefined);
    const { items } = await this.#client.list<KubeEvent>(events, { namespace: this.#namespace });
    const mine = items.filter(({ involvedObject }) => involvedObject.kind === 'Job' && involvedObject.name === this.name);
    return {
      status: found && plain(found.status ?? {}),
      pods: (await this.pods()).map((pod) => plain(shape(pod))).toSorted(),
      events: mine
        .map(({ type, reason, message, count = 1, source }) => plain([type, reason, message, count, source?.component]))
        .toSorted(),
    };
  }
}

export interface Told {
  readonly status: string | undefined;
  readonly pods: readonly string[];
  readonly events: readonly string[];
}

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

function shape({ metadata, spec, status }: Pod): object {
  const { name, generateName, labels, annotations, finalizers, ownerReferences, deletionTimestamp } = metadata;
  return {
    name,
    generateName,
    labels: labels && Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    annotations: annotations && Object.fromEntries(Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    finalizers,
    ownerReferences: ownerReferences?.map(({ apiVersion, kind, controller, blockOwnerDeletion }) => [
      apiVersion,
      kind,
      controller,
      blockOwnerDeletion,
    ]),
    dying: deletionTimestamp !== undefined,
    hostname: spec.hostname,
    env: spec.containers.map(({ env = [] }) => env.map((each) => [each.name, each.value, each.valueFrom?.fieldRef?.fieldPath])),
    phase: status?.phase,
  };
}

/** Objects with their keys in order. */
const ordered = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;

const plain = (value: unknown): string =>
  JSON.stringify(value, ordered)
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    // The generated end of a name.
    .replaceAll(/(case-\d+(?:-\d+)?-)[bcdfghjklmnpqrstvwxz2456789]{5}(?=["\s])/g, '$1xxxxx');
