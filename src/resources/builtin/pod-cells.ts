/** The row of `kubectl get pods`, as the real server computes it. */
import { moment } from '../cells.ts';
import type { Cell } from '../kind.ts';
import type { ContainerStatus, ContainerStateTerminated, Pod } from './pod-types.ts';

interface Summary {
  readonly reason: string;
  readonly ready: number;
  readonly restarts: number;
}

const exitOf = (ended: ContainerStateTerminated): string =>
  ended.reason || (ended.signal ? `Signal:${ended.signal}` : `ExitCode:${ended.exitCode}`);

const isTrue = (pod: Pod, type: string): boolean =>
  pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

/** What the first init container that is not done says; undefined when all are. */
function initReason(pod: Pod): string | undefined {
  const statuses = pod.status?.initContainerStatuses ?? [];
  const at = statuses.findIndex(({ state }) => state?.terminated?.exitCode !== 0);
  if (at < 0) return undefined;
  const { terminated, waiting } = statuses[at]?.state ?? {};
  if (terminated) return `Init:${exitOf(terminated)}`;
  if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
  return `Init:${at}/${pod.spec.initContainers?.length ?? 0}`;
}

const restartsOf = (statuses: readonly ContainerStatus[] = []): number => statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);

function summary(pod: Pod): Summary {
  const { status } = pod;
  const gated = status?.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated');
  let reason: string = gated ? 'SchedulingGated' : status?.reason || (status?.phase ?? '');
  const init = initReason(pod);
  if (init !== undefined && !isTrue(pod, 'Initialized'))
    return { reason: init, ready: 0, restarts: restartsOf(status?.initContainerStatuses) };
  let ready = 0;
  for (const { state, ready: isReady } of (status?.containerStatuses ?? []).toReversed()) {
    if (state?.waiting?.reason) reason = state.waiting.reason;
    else if (state?.terminated) reason = exitOf(state.terminated);
    else if (isReady && state?.running) ready += 1;
  }
  if (reason === 'Completed' && ready > 0) reason = isTrue(pod, 'Ready') ? 'Running' : 'NotReady';
  return { reason, ready, restarts: restartsOf(status?.containerStatuses) };
}

export function podCells(pod: Pod): readonly Cell[] {
  const { metadata, spec, status } = pod;
  const { reason, ready, restarts } = summary(pod);
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  const shown = metadata.deletionTimestamp === undefined || isOver ? reason : 'Terminating';
  const gates = spec.readinessGates ?? [];
  return [
    metadata.name,
    `${ready}/${spec.containers.length}`,
    shown,
    restartsCell(pod, restarts),
    moment(metadata.creationTimestamp),
    status?.podIPs?.[0]?.ip || status?.podIP || '<none>',
    spec.nodeName || '<none>',
    status?.nominatedNodeName || '<none>',
    gates.length === 0 ? '<none>' : `${gates.filter(({ conditionType }) => isTrue(pod, conditionType)).length}/${gates.length}`,
  ];
}

function restartsCell(pod: Pod, restarts: number): string {
  const all = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const last = all
    .flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? [])
    .sort()
    .at(-1);
  return restarts === 0 || last === undefined ? String(restarts) : `${restarts} (${moment(last)} ago)`;
}
