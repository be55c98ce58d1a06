/** The Jobs of an execution of a container: one for all its tasks, and one for each task that is tried again after its end. */
import type { Run, Task } from '../../records/runs.ts';
import type { ConfigMap } from '../../resources/builtin/configmap.ts';
import type { Job } from '../../resources/builtin/job/types.ts';
import type { Container, EnvVar, Volume } from '../../resources/builtin/pod-types.ts';
import type { OwnerReference } from '../../resources/object.ts';
import { itemText } from '../model/items.ts';
import { planOf } from '../model/plan.ts';
import { label, labelsOf } from './labels.ts';
import { ownedByJob } from './runner-objects.ts';

/** A Job that is to be made. */
export interface JobOrder {
  readonly name: string;
  /** Which task of the run each of its indexes is. */
  readonly tasks: readonly number[];
  make(owner: OwnerReference | undefined, suspend: boolean): Job;
}

/** Completions from which on a Job must say how many of them may fail, and what it may say. */
const manyTasks = 100_000;
const mostFailures = 10_000;

const indexAnnotation = "metadata.annotations['batch.kubernetes.io/job-completion-index']";
const failuresAnnotation = "metadata.annotations['batch.kubernetes.io/job-index-failure-count']";

const itemsVolume = 'tsumugi-items';
const itemsPath = '/configs/items';

/** What is still to be done of the run, of whose tasks the records know these. */
export function jobOrders(run: Run, known: readonly Task[]): readonly JobOrder[] {
  if (known.every(({ firstAttempt = 0 }) => firstAttempt === 0)) return [mainOrder(run)];
  const byIndex = new Map(known.map((task) => [task.index, task]));
  const orders: JobOrder[] = [];
  for (let index = 0; index < planOf(run).taskCount; index++) {
    const { status, firstAttempt = 0 } = byIndex.get(index) ?? { status: 'pending' };
    if (status === 'pending' || status === 'running') orders.push(retryOrder(run, index, firstAttempt));
  }
  return orders;
}

/** `<execution>-0`: all tasks, as indexes. */
function mainOrder(run: Run): JobOrder {
  const { taskCount, parallelism } = planOf(run);
  const name = `${run.name}-0`;
  const spec = {
    completions: taskCount,
    parallelism: Math.min(parallelism, taskCount),
    ...(taskCount > manyTasks && { maxFailedIndexes: mostFailures }),
  };
  const tasks = Array.from({ length: taskCount }, (_, index) => index);
  return { name, tasks, make: (owner, suspend) => executionJob(run, name, owner, {}, fieldOf(indexAnnotation), { ...spec, suspend }) };
}

/** `<execution>-r<attempt>-<index>`. The attempts that its container hears of are those since then. */
function retryOrder(run: Run, index: number, firstAttempt: number): JobOrder {
  const name = `${run.name}-r${firstAttempt}-${index}`;
  const labels = { [label.taskIndex]: String(index), [label.attempt]: String(firstAttempt) };
  const spec = { completions: 1, parallelism: 1 };
  return {
    name,
    tasks: [index],
    make: (owner, suspend) => executionJob(run, name, owner, labels, { value: String(index) }, { ...spec, suspend }),
  };
}

function executionJob(
  run: Run,
  name: string,
  owner: OwnerReference | undefined,
  more: Readonly<Record<string, string>>,
  index: Partial<EnvVar>,
  spec: Partial<Job['spec']>,
): Job {
  const { pod, items, maxRetries, timeoutSeconds, graceSeconds } = planOf(run);
  const { containers, volumes = [], ...identity } = pod ?? { containers: [] };
  const labels = { ...labelsOf(run), ...more };
  const input = items !== undefined;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { namespace: run.namespace, name, labels, ...(owner && { ownerReferences: [owner] }) },
    spec: {
      ...spec,
      completionMode: 'Indexed',
      backoffLimitPerIndex: maxRetries,
      podReplacementPolicy: 'Failed',
      template: {
        metadata: { labels },
        spec: {
          ...identity,
          // Who asks for no account gets none of its rights.
          ...(identity.serviceAccountName === undefined && { automountServiceAccountToken: false }),
          volumes: input ? [...(volumes as readonly Volume[]), { name: itemsVolume, configMap: { name } }] : (volumes as readonly Volume[]),
          containers: (containers as readonly Container[]).map((container) => ({
            ...container,
            env: [...variables(run, index, input), ...(container.env ?? [])],
            ...(input && {
              volumeMounts: [...(container.volumeMounts ?? []), { name: itemsVolume, mountPath: itemsPath, readOnly: true }],
            }),
          })),
          restartPolicy: 'Never',
          // Of each attempt.
          activeDeadlineSeconds: timeoutSeconds,
          terminationGracePeriodSeconds: graceSeconds,
        },
      },
    },
  };
}

/** The inputs of a Job's tasks, gone with it. Undefined where they have none. */
export function itemsOf(run: Run, { tasks }: JobOrder, job: Job): ConfigMap | undefined {
  const { items } = planOf(run);
  if (!items) return undefined;
  const { namespace = '', name } = job.metadata;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name, labels: labelsOf(run), ownerReferences: [ownedByJob(job)] },
    immutable: true,
    data: Object.fromEntries(tasks.map((index) => [String(index), itemText(items[index])])),
  };
}

const fieldOf = (fieldPath: string): Partial<EnvVar> => ({ valueFrom: { fieldRef: { fieldPath } } });

/** What a task knows of itself; by the names that Cloud Run gives it, too. The container's own may refer to them. */
function variables({ namespace, name, job, spec }: Run, index: Partial<EnvVar>, hasItem: boolean): readonly EnvVar[] {
  const count = { value: String((spec as { taskCount: number }).taskCount) };
  const own: readonly (readonly [string, Partial<EnvVar>])[] = [
    ['EXECUTION', { value: name }],
    ['TASK_INDEX', index],
    ['TASK_COUNT', count],
    ['TASK_ATTEMPT', fieldOf(failuresAnnotation)],
  ];
  return [
    { name: 'TSUMUGI_NAMESPACE', value: namespace },
    { name: 'TSUMUGI_JOB', value: job },
    { name: 'CLOUD_RUN_JOB', value: job },
    ...['TSUMUGI', 'CLOUD_RUN'].flatMap((prefix) => own.map(([variable, value]) => ({ name: `${prefix}_${variable}`, ...value }))),
    ...(hasItem ? [{ name: 'TSUMUGI_TASK_ITEM_FILE', value: `${itemsPath}/$(TSUMUGI_TASK_INDEX)` }] : []),
  ];
}
