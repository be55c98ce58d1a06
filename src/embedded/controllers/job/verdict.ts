/** Whether a Job is over, and why. Pure. */
import { countOf } from '../../../resources/builtin/job/indexes.ts';
import { type Job, type JobCondition } from '../../../resources/builtin/job/types.ts';
import { judgeFailure } from './failure-policy.ts';
import { isFailed } from './pod-state.ts';
import type { Progress } from './progress.ts';
import { metSuccess } from './success-policy.ts';

/** The end that a Job goes towards; its pods are ended first. */
export interface Verdict {
  readonly type: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly reason: string;
  readonly message: string;
}

const failure = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message });

export const completionsReached: Verdict = {
  type: 'SuccessCriteriaMet',
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
};

/** What was decided stays; else failures come before successes. All completions reached is for later: pods may still run. */
export function verdictOf(progress: Progress, deadlineLeft: number | undefined): Verdict | undefined {
  const { job, indexes } = progress;
  return (
    decided(job) ??
    policyFailure(progress) ??
    limitFailure(progress, deadlineLeft) ??
    (indexes && (indexFailure(progress) ?? policySuccess(progress)))
  );
}

export function decided({ status }: Job): Verdict | undefined {
  const of = (type: Verdict['type']): JobCondition | undefined =>
    status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
  const found = of('SuccessCriteriaMet') ?? of('FailureTarget');
  return found && { type: found.type as Verdict['type'], reason: found.reason ?? '', message: found.message ?? '' };
}

function policyFailure({ job, pods }: Progress): Verdict | undefined {
  if (!job.spec.podFailurePolicy) return undefined;
  for (const pod of pods) {
    const message = isFailed(pod, job) ? judgeFailure(job, pod).failsJob : undefined;
    if (message !== undefined) return failure('PodFailurePolicy', message);
  }
  return undefined;
}

function limitFailure({ job, pods, failed }: Progress, deadlineLeft: number | undefined): Verdict | undefined {
  const { backoffLimit = 6, template } = job.spec;
  const restarts =
    template.spec.restartPolicy === 'OnFailure'
      ? pods
          .filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending')
          .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
          .reduce((sum, { restartCount }) => sum + restartCount, 0)
      : 0;
  if (failed > backoffLimit || (restarts > 0 && restarts >= backoffLimit))
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  return deadlineLeft !== undefined && deadlineLeft <= 0
    ? failure('DeadlineExceeded', 'Job was active longer than specified deadline')
    : undefined;
}

function indexFailure({ job, indexes }: Progress): Verdict | undefined {
  const { maxFailedIndexes, completions = 0 } = job.spec;
  if (!indexes?.failed) return undefined;
  const failed = countOf(indexes.failed);
  if (maxFailedIndexes !== undefined && failed > maxFailedIndexes)
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  return failed > 0 && failed + countOf(indexes.succeeded) >= completions ? failure('FailedIndexes', 'Job has failed indexes') : undefined;
}

function policySuccess({ job, indexes }: Progress): Verdict | undefined {
  const message = metSuccess(job, indexes?.succeeded ?? []);
  return message === undefined ? undefined : { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message };
}

/** Nothing is left to run. `active`: pods that still do. */
export function isComplete({ job, succeeded }: Progress, active: number): boolean {
  const { completions } = job.spec;
  return active === 0 && (completions === undefined ? succeeded > 0 : succeeded >= completions);
}
