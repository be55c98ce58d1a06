/** `spec.successPolicy`: which successes are enough. */
import { countOf, type Interval } from '../../../resources/builtin/job/indexes.ts';
import type { Job } from '../../../resources/builtin/job/job.ts';
import { readIndexes } from './indexes.ts';

/** Why the Job has succeeded; undefined when no rule is met. */
export function metSuccess({ spec }: Job, succeeded: readonly Interval[]): string | undefined {
  if (succeeded.length === 0) return undefined;
  const met = (spec.successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && countOf(succeeded) >= succeededCount;
    const wanted = readIndexes(succeededIndexes, spec.completions ?? 0);
    const reached = common(wanted, succeeded);
    return wanted.length > 0 && (reached === countOf(wanted) || (succeededCount !== undefined && reached >= succeededCount));
  });
  return met < 0 ? undefined : `Matched rules at index ${met}`;
}

/** How many indexes are in both. */
function common(a: readonly Interval[], b: readonly Interval[]): number {
  let [sum, i, j] = [0, 0, 0];
  for (;;) {
    const [one, other] = [a[i], b[j]];
    if (!one || !other) return sum;
    sum += Math.max(0, Math.min(one[1], other[1]) - Math.max(one[0], other[0]) + 1);
    if (one[1] <= other[1]) i++;
    else j++;
  }
}
