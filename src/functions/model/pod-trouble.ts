/**
 * What keeps a pod from running, in few words that stay the same: a kubelet's own change with every attempt (other words for the
 * wait between two pulls, ports, ids), and would be another Event each time.
 */
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { conditionOf } from '../../resources/conditions.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';

export interface PodTrouble {
  /** A word for conditions: `ImageUnavailable`, `CreateContainerConfigError`, `Unschedulable`. */
  readonly reason: string;
  readonly message: string;
  /** Waiting a little does not help. */
  readonly isLasting: boolean;
}

const ordinary = new Set(['ContainerCreating', 'PodInitializing']);
const ofImages = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'ImageInspectError']);
const longest = 300;

export function podTrouble({ spec, status }: Pod): PodTrouble | undefined {
  for (const { name, state } of status?.containerStatuses ?? []) {
    const { reason, message = 'its container cannot start' } = state?.waiting ?? {};
    if (!reason || ordinary.has(reason)) continue;
    if (!ofImages.has(reason)) return { reason, message: inShort(message), isLasting: true };
    const cause = inShort(message);
    const image = spec.containers.find((each) => each.name === name)?.image ?? '';
    return { reason: 'ImageUnavailable', message: `image "${image}" cannot be pulled${cause && `: ${cause}`}`, isLasting: true };
  }
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const { reason = 'Unschedulable', message = 'no node takes it' } = scheduled;
  return { reason, message, isLasting: false };
}

/** It cannot start, and waiting does not help. */
export const isInTrouble = (pod: Pod): boolean =>
  pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed' && podTrouble(pod)?.isLasting === true;

/** A scheduler that works has bound a pod, or said why not, long before; ms. */
const overlookedMs = 2000;

/** Nobody has looked for a node for it yet: after an outage of the API server a scheduler may take a minute to hear of new pods. */
export function isOverlooked({ metadata, spec, status }: Pod, now: number): boolean {
  if (spec.nodeName || metadata.deletionTimestamp || status?.conditions?.some(({ type }) => type === 'PodScheduled')) return false;
  return now - Date.parse(metadata.creationTimestamp ?? '') > overlookedMs;
}

/** Why the runtime's pods cannot start, for those who need one; undefined while nothing is known against it. */
export function runtimeTrouble(runtime: RuntimeResource): string | undefined {
  const verdict = conditionOf(runtime, 'Ready');
  return verdict?.status === 'False' ? `Runtime "${runtime.metadata.name}" cannot start pods: ${verdict.message}` : undefined;
}

/** `: Error, exit code 1`: how the pod has ended, as its status tells; empty where that says nothing. */
export function podEnd({ status }: Pod): string {
  const { exitCode, reason = '', message = '' } = status?.containerStatuses?.[0]?.state?.terminated ?? {};
  const how = exitCode === undefined ? [status?.reason, status?.message] : [reason, `exit code ${exitCode}`, inShort(message.trim())];
  return how.some(Boolean) ? `: ${how.filter(Boolean).join(', ')}` : '';
}

/** What an API server says of a pod that it refuses, less the pod's name, which is another each time. */
export function refusalText(message: string): string {
  return message.replace(/^(pods? "[^"]*" is (forbidden|invalid): )/i, '');
}

/** The cause alone: who was told by whom, and what differs from attempt to attempt, helps nobody. */
function inShort(message: string): string {
  const cause = message
    .replace(/^Back-off pulling image "[^"]*"(: \w+)?:?\s*/, '')
    .replaceAll(/rpc error: code = \w+ desc = /g, '')
    .replaceAll(/failed to (pull and unpack image|resolve (reference|image)|pull image) "[^"]*": /g, '')
    .replaceAll(/failed to do request: (Head|Get) "[^"]*": /g, '')
    .replaceAll(/(read|write) (tcp|udp) \S+->\S+: /g, '')
    .replaceAll(/ \(pod: "[^"]*", container: [^)]*\)/g, '');
  return cause.length > longest ? `${cause.slice(0, longest - 1)}…` : cause;
}
