/**
 * How ended pods get into a Job's counts, once each, whatever dies in between: first the status names the pod (uncounted), then
 * the pod loses the finalizer that holds it, then the status counts it and names it no more. Indexes are their own names. Pure.
 */
import { type Job, type JobStatus, type UncountedPods } from '../../../resources/builtin/job/types.ts';
import { countOf } from '../../../resources/builtin/job/indexes.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { judgeFailure } from './failure-policy.ts';
import { hasIndex, indexesText, withIndexes } from './indexes.ts';
import { hasIndexBelow, indexOf, isFailed, isSucceeded, isTracked } from './pod-state.ts';
import type { Progress } from './progress.ts';
import type { Verdict } from './verdict.ts';

/** Named in the status at once, so that it stays below 20 KB. */
const mostUncounted = 500;

export interface Tracking {
  /** To be written before the finalizers go. */
  readonly status: JobStatus;
  /** These let go of their finalizer. */
  readonly release: readonly Pod[];
  /** There are more: not over yet. */
  readonly isPartial: boolean;
}

/** `status`: the Job's own, as far as it is decided; `verdict`: it is over. */
export function track(progress: Progress, status: JobStatus, verdict: Verdict | undefined): Tracking {
  const { job, pods, indexes } = progress;
  const clean = countReleased(status, new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid ?? '')));
  const succeeded = [...(clean.uncountedTerminatedPods?.succeeded ?? [])];
  const failed = [...(clean.uncountedTerminatedPods?.failed ?? [])];
  const known = new Set([...succeeded, ...failed]);
  const completed: number[] = [];
  const release: Pod[] = [];
  let isPartial = false;
  const { completions = 0 } = job.spec;
  for (const pod of indexes ? pods.toSorted((a, b) => indexOf(a) - indexOf(b)) : pods) {
    if (!isTracked(pod) || !mayBeReleased(progress, pod, verdict)) continue;
    release.push(pod);
    const uid = pod.metadata.uid ?? '';
    if (isSucceeded(pod) && !failed.includes(uid)) {
      if (!indexes) {
        if (!known.has(uid)) succeeded.push(uid);
      } else if (hasIndexBelow(pod, completions) && !hasIndex(indexes.counted, indexOf(pod))) completed.push(indexOf(pod));
    } else if (isFailed(pod, job) || verdict?.type === 'FailureTarget') {
      const counts = !indexes || hasIndexBelow(pod, completions);
      if (counts && !known.has(uid) && judgeFailure(job, pod).counts) failed.push(uid);
    }
    isPartial = completed.length + succeeded.length + failed.length >= mostUncounted;
    if (isPartial) break;
  }
  const done = indexes && withIndexes(indexes.counted, completed);
  return {
    status: {
      ...clean,
      uncountedTerminatedPods: named({ succeeded, failed }),
      ...(done && { succeeded: countOf(done), completedIndexes: indexesText(done) }),
      ...(indexes?.failed && { failedIndexes: indexesText(indexes.failed) }),
    },
    release,
    isPartial,
  };
}

/** An ended pod may go once it is named, one that its successor still has to be made from excepted; at the Job's end, all. */
function mayBeReleased({ job, indexes }: Progress, pod: Pod, verdict: Verdict | undefined): boolean {
  if (job.metadata.deletionTimestamp !== undefined || verdict || isSucceeded(pod)) return true;
  return isFailed(pod, job) && indexes?.replaced.get(indexOf(pod)) !== pod;
}

/** Those that are held no more are counted. `held`: uids of pods with the finalizer. */
export function countReleased(status: JobStatus, held: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const left = { succeeded: succeeded.filter((uid) => held.has(uid)), failed: failed.filter((uid) => held.has(uid)) };
  return {
    ...status,
    succeeded: (status.succeeded ?? 0) + succeeded.length - left.succeeded.length,
    failed: (status.failed ?? 0) + failed.length - left.failed.length,
    uncountedTerminatedPods: named(left),
  };
}

const named = ({ succeeded = [], failed = [] }: UncountedPods): UncountedPods => ({
  ...(succeeded.length > 0 && { succeeded }),
  ...(failed.length > 0 && { failed }),
});

/** All that belongs to its end has been done: nobody runs, everybody is counted. */
export const isSettled = ({ uncountedTerminatedPods: { succeeded, failed } = {}, terminating = 0 }: JobStatus): boolean =>
  !succeeded?.length && !failed?.length && terminating === 0;

/** Milliseconds until the Job has run too long; undefined when nothing is said. */
export function deadlineLeft({ spec }: Job, status: JobStatus, now: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || spec.suspend || !status.startTime) return undefined;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - now;
}
