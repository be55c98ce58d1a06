/** What it means that a container could not be started: it waits, or it has ended. */
import type { ContainerStateTerminated } from '../../../resources/builtin/pod-types.ts';
import { MountError } from '../volumes/mount-error.ts';
import { ContainerConfigError } from './env.ts';
import { rfc3339 } from './exit.ts';
import { CannotRun } from './needs.ts';
import { StartError } from './present.ts';

/** When something that the pod names is missing: look again. */
const retryMs = 2000;

export type StartFailure =
  | { readonly end: ContainerStateTerminated }
  | {
      readonly waiting: { readonly reason: string; readonly message?: string };
      readonly retryMs: number;
      readonly event: { readonly reason: string; readonly message: string };
    };

export function failureOf(error: Error): StartFailure {
  const { message } = error;
  if (error instanceof StartError) {
    const at = rfc3339(Date.now());
    return { end: { exitCode: 128, reason: 'StartError', message, startedAt: at, finishedAt: at } };
  }
  // A kubelet tells it by an event alone.
  if (error instanceof MountError) return { waiting: { reason: 'ContainerCreating' }, retryMs, event: { reason: 'FailedMount', message } };
  const event = { reason: 'Failed', message: `Error: ${message}` };
  if (error instanceof CannotRun) return { waiting: { reason: error.reason, message }, retryMs: Number.POSITIVE_INFINITY, event };
  const reason = error instanceof ContainerConfigError ? 'CreateContainerConfigError' : 'CreateContainerError';
  return { waiting: { reason, message }, retryMs, event };
}
