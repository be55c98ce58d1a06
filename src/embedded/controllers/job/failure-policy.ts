/** `spec.podFailurePolicy`: what the failure of a pod means. */
import type { Job, PodFailureRule } from '../../../resources/builtin/job/job.ts';
import type { ContainerStatus, Pod } from '../../../resources/builtin/pod-types.ts';

export interface Failure {
  /** It is one of those that backoffLimit allows. */
  readonly counts: boolean;
  readonly action?: PodFailureRule['action'];
  /** Why the Job has failed by it. */
  readonly failsJob?: string;
}

/** The first rule that fits decides. */
export function judgeFailure({ spec }: Job, pod: Pod): Failure {
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const why = matched(rule, pod);
    if (why === undefined) continue;
    const { action } = rule;
    if (action === 'FailJob') return { counts: true, action, failsJob: `${why} matching ${action} rule at index ${index}` };
    return { counts: action !== 'Ignore', action };
  }
  return { counts: true };
}

function matched({ onExitCodes, onPodConditions = [] }: PodFailureRule, { metadata, status }: Pod): string | undefined {
  const name = `${metadata.namespace}/${metadata.name}`;
  if (onExitCodes) {
    const fits = ({ name: container, state }: ContainerStatus): boolean => {
      const code = state?.terminated?.exitCode ?? 0;
      if (code === 0 || (onExitCodes.containerName ?? container) !== container) return false;
      return onExitCodes.values.includes(code) === (onExitCodes.operator === 'In');
    };
    const found = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(fits);
    return found && `Container ${found.name} for pod ${name} failed with exit code ${found.state?.terminated?.exitCode}`;
  }
  const condition = status?.conditions?.find((each) =>
    onPodConditions.some((pattern) => pattern.type === each.type && pattern.status === each.status),
  );
  return condition && `Pod ${name} has condition ${condition.type}`;
}
