/** JobDefinition <-> Job. */
import type { Container, Volume } from '../../../resources/builtin/pod-types.ts';
import { conditionOf } from '../../../resources/conditions.ts';
import type { JobDefinition, JobDefinitionSpec } from '../../../resources/job-definition.ts';
import { jobDefinitions } from '../../../resources/resources.ts';
import type { ExecutionReference_CompletionStatusJson, JobJson } from '../generated/job.generated.ts';
import type { ConditionJson, ExecutionTemplateJson, TaskTemplateJson } from '../generated/template.generated.ts';
import { jobName } from '../names.ts';
import { containerFromJson, volumeFromJson } from './container.ts';
import { defined, duration, given, seconds, some } from './json.ts';
import { type TaskParts, taskTemplateToJson } from './template.ts';

const policies = { Allow: 'ALLOW', Forbid: 'FORBID', Replace: 'REPLACE' } as const;

export function jobToJson({ metadata, spec, status }: JobDefinition): JobJson {
  const { name, namespace = '', uid, generation, labels, annotations, creationTimestamp, deletionTimestamp, resourceVersion } = metadata;
  const latest = status?.latestCreatedExecution;
  const conditions = (status?.conditions ?? []).map(conditionToJson);
  return defined({
    name: jobName({ namespace, job: name }),
    uid,
    generation: generation?.toString(),
    labels: labels && { ...labels },
    annotations: annotations && { ...annotations },
    createTime: creationTimestamp,
    deleteTime: deletionTimestamp,
    template: executionTemplateToJson(spec.template),
    observedGeneration: conditionOf({ status }, 'Ready')?.observedGeneration?.toString(),
    terminalCondition: conditions.find(({ type }) => type === 'Ready'),
    conditions,
    executionCount: status?.executionCount,
    latestCreatedExecution:
      latest &&
      defined({
        name: latest.name,
        createTime: latest.creationTimestamp,
        completionTime: latest.completionTimestamp,
        completionStatus: latest.completionStatus as ExecutionReference_CompletionStatusJson | undefined,
      }),
    etag: resourceVersion,
    concurrencyPolicy: policies[spec.concurrencyPolicy],
    succeededHistoryLimit: spec.successfulExecutionsHistoryLimit,
    failedHistoryLimit: spec.failedExecutionsHistoryLimit,
  });
}

function executionTemplateToJson({ metadata, spec }: JobDefinitionSpec['template']): ExecutionTemplateJson {
  const { parallelism, taskCount, activeDeadlineSeconds, queueTimeoutSeconds, items, template } = spec;
  return defined({
    labels: metadata?.labels && { ...metadata.labels },
    parallelism,
    taskCount: taskCount ?? items?.length ?? 1,
    deadline: duration(activeDeadlineSeconds),
    queueTimeout: duration(queueTimeoutSeconds),
    items: some(items) as ExecutionTemplateJson['items'],
    template: taskTemplateToJson(template.spec as TaskParts),
  });
}

function conditionToJson(condition: NonNullable<NonNullable<JobDefinition['status']>['conditions']>[number]): ConditionJson {
  const { type, status, reason, message, lastTransitionTime } = condition;
  const state = status === 'True' ? 'CONDITION_SUCCEEDED' : status === 'False' ? 'CONDITION_FAILED' : 'CONDITION_RECONCILING';
  return { type, state, reason, message, lastTransitionTime };
}

/** What the job shall be; the server fills in what is not said. `known`: what it is, with what the API does not show. */
export function jobFromJson(
  key: { readonly namespace: string; readonly name: string },
  job: JobJson,
  known?: JobDefinition,
): JobDefinition {
  const { labels, annotations, template, concurrencyPolicy, succeededHistoryLimit, failedHistoryLimit } = job;
  const policy = (Object.keys(policies) as (keyof typeof policies)[]).find((each) => policies[each] === concurrencyPolicy);
  return {
    apiVersion: `${jobDefinitions.group}/${jobDefinitions.version}`,
    kind: jobDefinitions.kind,
    metadata: { ...known?.metadata, ...key, ...defined({ labels, annotations }) },
    spec: {
      ...(known?.spec.permissions && { permissions: known.spec.permissions }),
      ...defined({
        concurrencyPolicy: policy,
        successfulExecutionsHistoryLimit: succeededHistoryLimit,
        failedExecutionsHistoryLimit: failedHistoryLimit,
      }),
      template: executionTemplateFromJson(template ?? {}, known?.spec.template),
    },
  } as JobDefinition;
}

function executionTemplateFromJson(json: ExecutionTemplateJson, known: JobDefinitionSpec['template'] | undefined): object {
  const { labels, parallelism, taskCount, deadline, queueTimeout, items } = json;
  return {
    ...(labels && Object.keys(labels).length > 0 && { metadata: { labels } }),
    spec: {
      ...defined({
        parallelism: given(parallelism),
        taskCount: given(taskCount),
        activeDeadlineSeconds: seconds('job.template.deadline', deadline),
        queueTimeoutSeconds: seconds('job.template.queue_timeout', queueTimeout),
        items: some(items),
      }),
      template: { spec: taskFromJson(json.template ?? {}, known?.spec.template.spec) },
    },
  };
}

type Task = JobDefinitionSpec['template']['spec']['template']['spec'];

function taskFromJson(json: TaskTemplateJson, known: Task | undefined): object {
  const { containers, call, volumes, serviceAccount, maxRetries, timeout, terminationGracePeriod } = json;
  const isKnown = known?.containers as readonly Container[] | undefined;
  const knownVolumes = known?.volumes as readonly Volume[] | undefined;
  return defined({
    imagePullSecrets: call ? undefined : known?.imagePullSecrets,
    containers: some(containers?.map((each) => containerFromJson(each, isKnown?.find(({ name }) => name === each.name) ?? isKnown?.[0]))),
    call: call && defined({ function: call.function ?? '', export: given(call.export), args: some(call.args) }),
    volumes: some(
      volumes?.map((each) =>
        volumeFromJson(
          each,
          knownVolumes?.find(({ name }) => name === each.name),
        ),
      ),
    ),
    serviceAccountName: given(serviceAccount),
    maxRetries,
    timeoutSeconds: seconds('job.template.template.timeout', timeout),
    terminationGracePeriodSeconds: seconds('job.template.template.termination_grace_period', terminationGracePeriod),
  });
}
