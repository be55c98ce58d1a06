/** Sets of completion indexes as a Job's status and its success policy write them: `1,3-5,7`. */

/** First and last index of a run of them. */
export type Interval = readonly [number, number];

/** A text that is no such set; the message is the API server's. */
export class IndexesError extends Error {}

const numberIn = (text: string): number => {
  if (!/^[-+]?\d+$/.test(text)) throw new IndexesError(`cannot convert string to integer for index: ${JSON.stringify(text)}`);
  return Number(text);
};

function intervalIn(text: string, completions: number): Interval {
  const limits = text.split('-');
  if (limits.length > 2)
    throw new IndexesError(
      `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`,
    );
  const below = (limit: string): number => {
    const index = numberIn(limit);
    if (index >= completions) throw new IndexesError(`too large index: ${JSON.stringify(limit)}`);
    return index;
  };
  const first = below(limits[0] as string);
  if (limits.length === 1) return [first, first];
  const last = below(limits[1] as string);
  if (first >= last) throw new IndexesError(`non-increasing order, previous: ${first}, current: ${last}`);
  return [first, last];
}

/** Strictly: throws IndexesError for what is not written as the server writes it, or is not below `completions`. */
export function parseIndexes(text: string, completions: number): Interval[] {
  const intervals: Interval[] = [];
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = intervalIn(part, completions);
    const last = intervals.at(-1)?.[1];
    if (last !== undefined && last >= interval[0])
      throw new IndexesError(`non-increasing order, previous: ${last}, current: ${interval[0]}`);
    intervals.push(interval);
  }
  return intervals;
}

export const countOf = (intervals: readonly Interval[]): number => intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** The first index that is in both. */
export function overlap(a: readonly Interval[], b: readonly Interval[]): number | undefined {
  for (const [first, last] of a) for (const [other, end] of b) if (first <= end && other <= last) return Math.max(first, other);
  return undefined;
}
