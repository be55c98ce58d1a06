/** The sets of indexes in a Job's status, as the controller reads and writes them. */
import type { Interval } from '../../../resources/builtin/job/indexes.ts';

/** Whoever wrote it: what is not below `completions` (they may have become fewer) or cannot be read is left out. */
export function readIndexes(text: string | undefined, completions: number): Interval[] {
  const intervals: Interval[] = [];
  for (const part of (text ?? '').split(',')) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined || Number(first) >= completions) continue;
    intervals.push([Number(first), Math.min(Number(last), completions - 1)]);
  }
  return joined(intervals);
}

/** Three or more in a row are written as a run. */
export const indexesText = (intervals: readonly Interval[]): string =>
  intervals.map(([first, last]) => (first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`)).join(',');

/** By bisection: a Job may have 100,000 of them. */
export function hasIndex(intervals: readonly Interval[], index: number): boolean {
  let [low, high] = [0, intervals.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = intervals[middle] as Interval;
    if (index < first) high = middle - 1;
    else if (index > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** With these too. */
export const withIndexes = (intervals: readonly Interval[], more: Iterable<number>): Interval[] =>
  joined([...intervals, ...Array.from(more, (index): Interval => [index, index])]);

/** In order; neighbours are one run. */
function joined(intervals: readonly Interval[]): Interval[] {
  const runs: [number, number][] = [];
  for (const [first, last] of intervals.toSorted(([a], [b]) => a - b)) {
    const before = runs.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else runs.push([first, last]);
  }
  return runs;
}

/** The first `count` indexes below `completions` that are in none of these. */
export function freeIndexes(taken: readonly Interval[], count: number, completions: number): number[] {
  const free: number[] = [];
  let next = 0;
  for (const [first, last] of [...taken, [completions, completions] as const]) {
    for (; next < Math.min(first, completions) && free.length < count; next++) free.push(next);
    next = Math.max(next, last + 1);
  }
  return free;
}
