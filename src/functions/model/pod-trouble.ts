/** What keeps a pod from running, as its status tells. */
import type { Pod } from '../../resources/builtin/pod-types.ts';

export interface PodTrouble {
  /** A word for conditions: `ImageUnavailable`, `ErrImagePull`, `Unschedulable`. */
  readonly reason: string;
  readonly message: string;
  /** Waiting a little does not help. */
  readonly isLasting: boolean;
}

const ordinary = new Set(['ContainerCreating', 'PodInitializing']);

export function podTrouble({ status }: Pod): PodTrouble | undefined {
  for (const { state } of status?.containerStatuses ?? []) {
    const { reason, message = 'its container cannot start' } = state?.waiting ?? {};
    if (reason && !ordinary.has(reason)) return { reason, message, isLasting: true };
  }
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const { reason = 'Unschedulable', message = 'no node takes it' } = scheduled;
  return { reason, message, isLasting: false };
}
