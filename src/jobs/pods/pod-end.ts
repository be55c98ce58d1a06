/** How the program of a pod ended, in words. */
import { constants } from 'node:os';
import type { Pod } from '../../resources/builtin/pod-types.ts';

export interface PodEnd {
  /** A word for conditions. */
  readonly reason: string;
  readonly message: string;
  readonly exitCode: number;
  /** What it wrote to `/dev/termination-log`. */
  readonly output: string | undefined;
}

/** Undefined while it runs, and where nobody knows. With several containers: of the first that failed. */
export function podEnd(pod: Pod | undefined): PodEnd | undefined {
  const ends = (pod?.status?.containerStatuses ?? []).flatMap(({ state }) => (state?.terminated ? [state.terminated] : []));
  const ended = ends.find(({ exitCode }) => exitCode !== 0) ?? ends[0];
  if (!ended) return undefined;
  const { exitCode, message: output } = ended;
  return { ...inWords(ended.reason, exitCode, pod), exitCode, output };
}

function inWords(reason: string | undefined, exitCode: number, pod: Pod | undefined): { reason: string; message: string } {
  if (pod?.status?.reason === 'DeadlineExceeded') {
    return { reason: 'DeadlineExceeded', message: `it ran longer than its timeout of ${pod.spec.activeDeadlineSeconds} s` };
  }
  if (reason === 'OOMKilled') return { reason: 'OutOfMemory', message: 'the process was ended: it was over its memory limit' };
  const signal = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
  if (signal !== undefined) return { reason: 'InstanceExited', message: `the process was ended by ${signal}` };
  return { reason: 'InstanceExited', message: `the process ended with exit code ${exitCode}` };
}
