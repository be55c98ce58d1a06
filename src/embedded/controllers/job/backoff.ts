/** How long to wait before pods that failed are replaced: 10 s, twice as long with each failure in a row, at most 10 minutes. */
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { endOf, failuresBefore, ignoredFailuresBefore } from './pod-state.ts';

const first = 10_000;
const longest = 600_000;

/** Failures since the last success. Kept in memory: after a restart of the platform the next pod comes at once. */
export interface Backoff {
  readonly failures: number;
  /** Of the last one, ms. */
  readonly at: number;
}

export const noBackoff: Backoff = { failures: 0, at: 0 };

/** With pods that have now ended: a success forgives the failures before it. */
export function afterEnds(before: Backoff, succeeded: readonly Pod[], failed: readonly Pod[]): Backoff {
  const lastSuccess = succeeded.length > 0 ? Math.max(...succeeded.map(endOf)) : undefined;
  const since = failed.map(endOf).filter((at) => lastSuccess === undefined || at > lastSuccess);
  if (lastSuccess === undefined && since.length === 0) return before;
  return {
    failures: (lastSuccess === undefined ? before.failures : 0) + since.length,
    at: since.length > 0 ? Math.max(...since) : 0,
  };
}

/** Milliseconds. */
export function waitOf({ failures, at }: Backoff, now: number): number {
  if (failures === 0) return 0;
  const whole = Math.min(first * 2 ** Math.min(failures - 1, 30), longest);
  return Math.max(0, at + whole - now);
}

/** Where indexes fail on their own: after the last failed pod of the index. */
export function waitOfIndex(last: Pod | undefined, now: number): number {
  return last ? waitOf({ failures: failuresBefore(last) + ignoredFailuresBefore(last) + 1, at: endOf(last) }, now) : 0;
}
