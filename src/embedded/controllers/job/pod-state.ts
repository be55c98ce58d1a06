/** What a pod means to its Job. */
import type { Job } from '../../../resources/builtin/job/job.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import type { KubeObject, OwnerReference } from '../../../resources/object.ts';
import { failuresAnnotation, ignoredFailuresAnnotation, indexAnnotation, trackingFinalizer } from './names.ts';

export const controllerOf = ({ metadata }: KubeObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller);

export const isJobReference = (owner: OwnerReference | undefined): owner is OwnerReference =>
  owner?.kind === 'Job' && owner.apiVersion === 'batch/v1';

/** Not counted yet. */
export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false;

const isDying = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
export const isSucceeded = ({ status }: Pod): boolean => status?.phase === 'Succeeded';
export const hasEnded = (pod: Pod): boolean => isSucceeded(pod) || pod.status?.phase === 'Failed';
/** Starting or running, and not being deleted. */
export const isActive = (pod: Pod): boolean => !hasEnded(pod) && !isDying(pod);
/** Being deleted, and not ended yet. */
export const isTerminating = (pod: Pod): boolean => !hasEnded(pod) && isDying(pod);

export const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;

/** A pod is replaced only once it has ended, not when it begins to. */
export const replacesEndedOnly = ({ spec }: Job): boolean => spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;

/** Failed, or being deleted before it could end by itself. */
export const isFailed = (pod: Pod, job: Job): boolean =>
  pod.status?.phase === 'Failed' || (!replacesEndedOnly(job) && isDying(pod) && !isSucceeded(pod));

/** Its completion index; -1: none. */
export function indexOf({ metadata }: Pod): number {
  const text = metadata.annotations?.[indexAnnotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : -1;
}

export const hasIndexBelow = (pod: Pod, completions: number): boolean => indexOf(pod) >= 0 && indexOf(pod) < completions;

function count(pod: Pod, annotation: string): number {
  const value = Number(pod.metadata.annotations?.[annotation] ?? 0);
  return Number.isInteger(value) && value >= 0 && value < 2 ** 31 ? value : 0;
}

/** Failures of its index before it that count. */
export const failuresBefore = (pod: Pod): number => count(pod, failuresAnnotation);
export const ignoredFailuresBefore = (pod: Pod): number => count(pod, ignoredFailuresAnnotation);

/** When it ended, in ms: by its containers, else by its conditions, else by when it was told to end. */
export function endOf({ metadata, status }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  if (ends.length > 0 && !ends.some(Number.isNaN)) return Math.max(...ends);
  const unready = status?.conditions?.find((condition) => condition.type === 'Ready' && condition.status === 'False');
  if (unready?.lastTransitionTime) return Date.parse(unready.lastTransitionTime);
  if (metadata.deletionTimestamp !== undefined)
    return Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return Date.parse(metadata.creationTimestamp ?? '');
}
