/** The Jobs of an execution of a container: one for all its tasks, and one for each task that is tried again after its end. */
import type { Run, Task } from '../../records/runs.ts';
import type { Job } from '../../resources/builtin/job/types.ts';
import type { Container, EnvVar, Volume } from '../../resources/builtin/pod-types.ts';
import type { OwnerReference } from '../../resources/object.ts';
import { planOf } from '../model/plan.ts';
import { label, labelsOf } from './labels.ts';

const indexAnnotation = "metadata.annotations['batch.kubernetes.io/job-completion-index']";
const failuresAnnotation = "metadata.annotations['batch.kubernetes.io/job-index-failure-count']";

/** `<execution>-0`: all tasks, as indexes. */
export function mainJob(run: Run, owner: OwnerReference | undefined, suspend: boolean): Job {
  const { taskCount, parallelism, maxRetries } = planOf(run);
  return executionJob(run, `${run.name}-0`, owner, suspend, {}, identity(run, fieldOf(indexAnnotation), fieldOf(failuresAnnotation)), {
    completionMode: 'Indexed',
    completions: taskCount,
    parallelism: Math.min(parallelism, taskCount),
    backoffLimitPerIndex: maxRetries,
  });
}

/** `<execution>-r<attempt>-<index>` */
export function retryJob(
  run: Run,
  { index, attempt, firstAttempt = attempt }: Task,
  owner: OwnerReference | undefined,
  suspend: boolean,
): Job {
  const labels = { [label.taskIndex]: String(index), [label.attempt]: String(firstAttempt) };
  const variables = identity(run, { value: String(index) }, fieldOf(failuresAnnotation));
  return executionJob(run, `${run.name}-r${firstAttempt}-${index}`, owner, suspend, labels, variables, {
    completionMode: 'Indexed',
    completions: 1,
    parallelism: 1,
    backoffLimitPerIndex: planOf(run).maxRetries,
  });
}

function executionJob(
  run: Run,
  name: string,
  owner: OwnerReference | undefined,
  suspend: boolean,
  more: Readonly<Record<string, string>>,
  variables: readonly EnvVar[],
  spec: Partial<Job['spec']>,
): Job {
  const { pod, timeoutSeconds, graceSeconds, deadlineSeconds } = planOf(run);
  const labels = { ...labelsOf(run), ...more };
  const containers = (pod?.containers ?? []) as readonly Container[];
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { namespace: run.namespace, name, labels, ...(owner && { ownerReferences: [owner] }) },
    spec: {
      ...spec,
      suspend,
      podReplacementPolicy: 'Failed',
      ...(deadlineSeconds !== undefined && { activeDeadlineSeconds: deadlineSeconds }),
      template: {
        metadata: { labels },
        spec: {
          ...(pod?.volumes && { volumes: pod.volumes as readonly Volume[] }),
          containers: containers.map((container) => ({ ...container, env: [...(container.env ?? []), ...variables] })),
          restartPolicy: 'Never',
          // Of each attempt.
          activeDeadlineSeconds: timeoutSeconds,
          terminationGracePeriodSeconds: graceSeconds,
        },
      },
    },
  };
}

const fieldOf = (fieldPath: string): Partial<EnvVar> => ({ valueFrom: { fieldRef: { fieldPath } } });

/** What a task knows of itself; by the names that Cloud Run gives it, too. */
function identity({ namespace, name, job, spec }: Run, index: Partial<EnvVar>, attempt: Partial<EnvVar>): readonly EnvVar[] {
  const count = { value: String((spec as { taskCount: number }).taskCount) };
  const own: readonly (readonly [string, Partial<EnvVar>])[] = [
    ['EXECUTION', { value: name }],
    ['TASK_INDEX', index],
    ['TASK_COUNT', count],
    ['TASK_ATTEMPT', attempt],
  ];
  return [
    { name: 'TSUMUGI_NAMESPACE', value: namespace },
    { name: 'TSUMUGI_JOB', value: job },
    { name: 'CLOUD_RUN_JOB', value: job },
    ...['TSUMUGI', 'CLOUD_RUN'].flatMap((prefix) => own.map(([variable, value]) => ({ name: `${prefix}_${variable}`, ...value }))),
  ];
}
