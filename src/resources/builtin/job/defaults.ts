import { podSpecDefaults } from '../pod-defaults.ts';
import {
  controllerUidLabel,
  type Job,
  jobNameLabel,
  type JobSpec,
  type JobStatus,
  oldControllerUidLabel,
  oldJobNameLabel,
} from './types.ts';

const unlimited = 2 ** 31 - 1;

function specDefaults(spec: JobSpec): JobSpec {
  const { template, podFailurePolicy: policy } = spec;
  return {
    ...(spec.parallelism === undefined && spec.completions === undefined && { completions: 1 }),
    parallelism: 1,
    backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : unlimited,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: policy ? 'Failed' : 'TerminatingOrFailed',
    manualSelector: false,
    ...spec,
    template: { ...template, spec: podSpecDefaults(template?.spec ?? {}) },
    ...(policy?.rules && { podFailurePolicy: { ...policy, rules: policy.rules.map(ruleDefaults) } }),
  };
}

type Rule = NonNullable<JobSpec['podFailurePolicy']>['rules'][number];

const ruleDefaults = (rule: Rule): Rule =>
  rule.onPodConditions
    ? { ...rule, onPodConditions: rule.onPodConditions.map((pattern) => ({ ...pattern, status: pattern.status || 'True' })) }
    : rule;

/** Go does not write zeros and empty texts; a condition has all its times, null where it has none. */
function statusDefaults({ conditions, active, succeeded, failed, completedIndexes, ...rest }: JobStatus): JobStatus {
  return {
    ...rest,
    ...(conditions && { conditions: conditions.map((condition) => ({ lastProbeTime: null, lastTransitionTime: null, ...condition })) }),
    ...(active && { active }),
    ...(succeeded && { succeeded }),
    ...(failed && { failed }),
    ...(completedIndexes && { completedIndexes }),
  };
}

/** A Job without labels has those of its pods. */
function labelled(job: Job): Job {
  const labels = job.spec.template?.metadata?.labels;
  const has = Object.keys(job.metadata?.labels ?? {}).length > 0;
  return has || !labels ? job : { ...job, metadata: { ...job.metadata, labels } };
}

export function jobDefaults(job: Job): Job {
  const filled = { ...job, spec: specDefaults(job.spec ?? {}), ...(job.status && { status: statusDefaults(job.status) }) };
  // A new one is yet to get labels for its pods, with its selector.
  return filled.spec.selector ? labelled(filled) : filled;
}

/** Labels that tell this Job's pods from all others, and the selector of them; `manualSelector` leaves both to the user. */
export function jobAtCreation(job: Job): Job {
  const fresh = { ...job, status: {} };
  if (job.spec.manualSelector) return fresh;
  const { uid = '' } = job.metadata;
  const name = job.metadata.name ?? '';
  const { template, selector } = job.spec;
  const labels = {
    [oldControllerUidLabel]: uid,
    [controllerUidLabel]: uid,
    [oldJobNameLabel]: name,
    [jobNameLabel]: name,
    ...template.metadata?.labels,
  };
  return labelled({
    ...fresh,
    spec: {
      ...job.spec,
      selector: { ...selector, matchLabels: { [controllerUidLabel]: uid, ...selector?.matchLabels } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  });
}
