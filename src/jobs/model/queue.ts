/** How long a run may wait for its turn: `queueTimeoutSeconds` of its spec, whatever its kind. */
import type { NewRun } from '../../records/runs.ts';

const secondsOf = (spec: unknown): number | undefined => (spec as { readonly queueTimeoutSeconds?: number }).queueTimeoutSeconds;

/** Until when, for one that waits from `from` (milliseconds since 1970) on; nothing: as long as it takes. */
export function queueUntil(spec: unknown, from: number): Pick<NewRun, 'queueUntil'> {
  const seconds = secondsOf(spec);
  return seconds === undefined ? {} : { queueUntil: from + seconds * 1000 };
}

export const queueTimedOut = (spec: unknown): { readonly reason: string; readonly message: string } => ({
  reason: 'QueueTimeout',
  message: `its turn did not come within ${secondsOf(spec)} s`,
});
