/** Where a Job stands: what its status says, and what its pods add to it. Pure. */
import type { Interval } from '../../../resources/builtin/job/indexes.ts';
import { isIndexed, type Job } from '../../../resources/builtin/job/types.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { afterEnds, type Backoff } from './backoff.ts';
import { judgeFailure } from './failure-policy.ts';
import { hasIndex, readIndexes, withIndexes } from './indexes.ts';
import {
  endOf,
  failuresBefore,
  hasIndexBelow,
  ignoredFailuresBefore,
  indexOf,
  isActive,
  isFailed,
  isReady,
  isSucceeded,
  isTerminating,
  isTracked,
} from './pod-state.ts';

export interface IndexProgress {
  /** As the status has them, and with those that are yet to be counted. */
  readonly counted: readonly Interval[];
  readonly succeeded: readonly Interval[];
  /** Only with backoffLimitPerIndex. */
  readonly failed: readonly Interval[] | undefined;
  /** Of an index that waits for its next pod the last one that failed: its annotations tell the next how often that was. */
  readonly replaced: ReadonlyMap<number, Pod>;
}

export interface Progress {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  /** Ended, counted or about to be. */
  readonly succeeded: number;
  readonly failed: number;
  readonly indexes: IndexProgress | undefined;
  readonly backoff: Backoff;
}

export function progressOf(job: Job, pods: readonly Pod[], before: Backoff): Progress {
  const { status = {} } = job;
  const active = pods.filter(isActive);
  const uncounted = { succeeded: status.uncountedTerminatedPods?.succeeded ?? [], failed: status.uncountedTerminatedPods?.failed ?? [] };
  const valid = pods.filter((pod) => isTracked(pod) && (!isIndexed(job) || hasIndexBelow(pod, job.spec.completions ?? 0)));
  const unknownTo = (list: readonly string[]): ((pod: Pod) => boolean) => {
    const known = new Set(list);
    return ({ metadata }) => !known.has(metadata.uid ?? '');
  };
  const newlySucceeded = valid.filter(isSucceeded).filter(unknownTo(uncounted.succeeded));
  const newlyFailed = valid.filter((pod) => isFailed(pod, job)).filter(unknownTo(uncounted.failed));
  const indexes = isIndexed(job) ? indexProgress(job, pods, valid, active) : undefined;
  return {
    job,
    pods,
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    succeeded: indexes
      ? indexes.succeeded.reduce((sum, [first, last]) => sum + last - first + 1, 0)
      : (status.succeeded ?? 0) + newlySucceeded.length + uncounted.succeeded.length,
    failed: (status.failed ?? 0) + newlyFailed.filter((pod) => judgeFailure(job, pod).counts).length + uncounted.failed.length,
    indexes,
    backoff: afterEnds(before, newlySucceeded, newlyFailed),
  };
}

function indexProgress(job: Job, pods: readonly Pod[], valid: readonly Pod[], active: readonly Pod[]): IndexProgress {
  const { completions = 0, backoffLimitPerIndex } = job.spec;
  const counted = readIndexes(job.status?.completedIndexes, completions);
  const succeeded = withIndexes(counted, valid.filter(isSucceeded).map(indexOf));
  if (backoffLimitPerIndex === undefined) return { counted, succeeded, failed: undefined, replaced: new Map() };
  const failed = withIndexes(
    readIndexes(job.status?.failedIndexes, completions),
    valid.filter((pod) => failsIndex(job, pod, backoffLimitPerIndex)).map(indexOf),
  );
  const running = new Set(active.map(indexOf));
  const replaced = new Map<number, Pod>();
  for (const pod of valid) {
    const index = indexOf(pod);
    if (!isFailed(pod, job) || running.has(index) || hasIndex(succeeded, index) || hasIndex(failed, index)) continue;
    const other = replaced.get(index);
    if (!other || isLater(pod, other)) replaced.set(index, pod);
  }
  return { counted, succeeded, failed, replaced };
}

function failsIndex(job: Job, pod: Pod, limit: number): boolean {
  if (!isFailed(pod, job)) return false;
  const { counts, action } = judgeFailure(job, pod);
  return action === 'FailIndex' || (counts && failuresBefore(pod) >= limit);
}

const allFailures = (pod: Pod): number => failuresBefore(pod) + ignoredFailuresBefore(pod);
const isLater = (pod: Pod, other: Pod): boolean => allFailures(other) <= allFailures(pod) && endOf(pod) >= endOf(other);
