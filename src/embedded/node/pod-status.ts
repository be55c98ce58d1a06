/** A pod's status from the states of its containers: pure, so that it can be written whenever it differs from what is stored. */
import { isDeepStrictEqual } from 'node:util';
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../../resources/builtin/pod-types.ts';

/** The pod ended for a reason of its own, not of a container. */
export interface PodVerdict {
  readonly reason: string;
  readonly message: string;
}

export function phaseOf(containers: readonly ContainerStatus[], restartPolicy: string): NonNullable<PodStatus['phase']> {
  const ended = containers.filter(({ state }) => state?.terminated);
  if (containers.length > 0 && ended.length === containers.length) {
    const failed = ended.some(({ state }) => state?.terminated?.exitCode !== 0);
    if (restartPolicy === 'Never') return failed ? 'Failed' : 'Succeeded';
    if (restartPolicy === 'OnFailure' && !failed) return 'Succeeded';
    return 'Running';
  }
  // A container that waits for its restart has run before.
  return containers.some(({ state, lastState }) => state?.running ?? state?.terminated ?? lastState?.terminated) ? 'Running' : 'Pending';
}

/** What a pod's containers are, in the order in which they run. */
export interface Statuses {
  readonly inits: readonly ContainerStatus[];
  readonly mains: readonly ContainerStatus[];
}

const isDone = ({ state }: ContainerStatus): boolean => state?.terminated?.exitCode === 0;
/** With no restart to come. */
const hasFailed = (status: ContainerStatus): boolean => status.state?.terminated !== undefined && !isDone(status);

/** In a pod with init containers, one that waits for its turn or is being made. */
const initializing = (status: ContainerStatus): ContainerStatus =>
  status.state?.waiting?.reason === 'ContainerCreating' ? { ...status, state: { waiting: { reason: 'PodInitializing' } } } : status;

/** The status to store. Times are RFC 3339, `since` is when the node took the pod; transition times of what did not change are kept. */
export function podStatus(pod: Pod, statuses: Statuses, now: string, verdict?: PodVerdict, since = now): PodStatus {
  const hasInits = statuses.inits.length > 0;
  const inits = statuses.inits.map((status) => initializing({ ...status, ready: isDone(status) }));
  const containers = hasInits ? statuses.mains.map(initializing) : statuses.mains;
  const incomplete = inits.filter((status) => !isDone(status)).map(({ name }) => name);
  const isInitialized = incomplete.length === 0;
  const running = isInitialized ? phaseOf(containers, pod.spec.restartPolicy ?? 'Always') : inits.some(hasFailed) ? 'Failed' : 'Pending';
  const phase = verdict ? 'Failed' : running;
  const finished = phase === 'Succeeded' || phase === 'Failed';
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name);
  const isReady = phase === 'Running' && unready.length === 0;
  const why: Partial<PodCondition> = isReady
    ? {}
    : finished
      ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
      : { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
  const condition = (type: string, isTrue: boolean, more: Partial<PodCondition> = {}): PodCondition => {
    const status = isTrue ? 'True' : 'False';
    const old = pod.status?.conditions?.find((entry) => entry.type === type);
    return { type, status, lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now, ...more };
  };
  const ours = [
    condition('PodScheduled', true),
    condition('Initialized', isInitialized, isInitialized ? {} : uninitialized(incomplete)),
    condition('ContainersReady', isReady, why),
    condition('Ready', isReady, why),
  ];
  // What others have put there stays.
  const theirs = (pod.status?.conditions ?? []).filter(({ type }) => !ours.some((entry) => entry.type === type));
  return {
    phase,
    conditions: [...ours, ...theirs],
    containerStatuses: containers,
    ...(hasInits && { initContainerStatuses: inits }),
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    startTime: pod.status?.startTime ?? since,
    ...verdict,
  };
}

const uninitialized = (names: readonly string[]): Partial<PodCondition> => ({
  reason: 'ContainersNotInitialized',
  message: `containers with incomplete status: [${names.join(' ')}]`,
});

/** Is there nothing to write? What is null in one is absent in the other: the server writes some times so. */
export function sameStatus(stored: PodStatus | undefined, next: PodStatus): boolean {
  return Object.entries(next).every(([field, value]) =>
    isDeepStrictEqual(withoutNulls(stored?.[field as keyof PodStatus]), withoutNulls(value)),
  );
}

const withoutNulls = (value: unknown): unknown =>
  value === undefined
    ? undefined
    : (JSON.parse(JSON.stringify(value), (_, item: unknown) => (item === null ? undefined : item)) as unknown);
