/** Waits until controller and gateway run as wanted, and says why they do not. */
import { type Clock, systemClock } from '../base/clock.ts';
import { TsumugiError } from '../base/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ContainerStatus, Pod } from '../resources/builtin/pod-types.ts';
import { isNotFound, type KubeObject } from '../resources/object.ts';
import { pods } from '../resources/resources.ts';
import { deployments } from './kinds.ts';
import { type Component, names, selectorOf } from './parts.ts';

interface Deployment extends KubeObject {
  readonly spec: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

const workloads = ['controller', 'gateway'] as const;
const pollMs = 500;

/** Resolves when all replicas are new and ready. Throws Unavailable with the reason as soon as one cannot start, or at the end of the time. */
export async function waitForRollout(
  client: KubeClient,
  namespace: string,
  { timeoutSeconds, clock = systemClock }: { readonly timeoutSeconds: number; readonly clock?: Clock },
): Promise<void> {
  const end = clock.now() + timeoutSeconds * 1000;
  await retryImages(client, namespace);
  for (;;) {
    const unready: (typeof workloads)[number][] = [];
    for (const component of workloads)
      if (!isDone(await client.get<Deployment>(deployments, { namespace, name: names[component] }))) unready.push(component);
    if (unready.length === 0) return;
    const late = clock.now() >= end;
    for (const component of unready) {
      const items = await podsOf(client, namespace, component);
      const why = items.map((pod) => whyNotReady(pod)).find((each) => each && (late || each.final));
      if (why) throw new TsumugiError('Unavailable', `${names[component]}: ${why.message}`, { hint: why.hint });
    }
    if (late)
      throw new TsumugiError(
        'Unavailable',
        `${unready.map((each) => names[each]).join(' and ')} did not become ready in ${timeoutSeconds} s`,
        {
          hint: `see: kubectl describe deployment,pods -n ${namespace}`,
        },
      );
    await clock.sleep(pollMs);
  }
}

/** Pods that an earlier attempt left without their image: their next try may be minutes away, a new pod's is now. */
async function retryImages(client: KubeClient, namespace: string): Promise<void> {
  for (const component of workloads) {
    const stuck = (await podsOf(client, namespace, component)).filter((pod) => whyNotReady(pod)?.cause === 'image');
    await Promise.all(
      stuck.map(({ metadata: { name } }) =>
        client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 }).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        }),
      ),
    );
  }
}

async function podsOf(client: KubeClient, namespace: string, component: Component): Promise<readonly Pod[]> {
  const labelSelector = Object.entries(selectorOf(component))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return (await client.list<Pod>(pods, { namespace, labelSelector })).items;
}

function isDone({ metadata, spec, status = {} }: Deployment): boolean {
  const wanted = spec.replicas ?? 1;
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  return (
    observedGeneration >= (metadata.generation ?? 1) &&
    updatedReplicas >= wanted &&
    replicas === updatedReplicas &&
    availableReplicas >= wanted
  );
}

interface Why {
  readonly message: string;
  readonly hint: string;
  /** Waiting longer cannot help. */
  readonly final: boolean;
  readonly cause?: 'image';
}

const imageReasons = ['ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'];

/** What keeps a pod from being ready; undefined where it is, or nothing is known yet. */
export function whyNotReady({ metadata, status }: Pod): Why | undefined {
  const { name, namespace = '' } = metadata;
  for (const container of status?.containerStatuses ?? []) {
    const why = whyWaiting(container, `kubectl logs -n ${namespace} ${name}`);
    if (why) return why;
  }
  const unscheduled = status?.conditions?.find(({ type, status: value }) => type === 'PodScheduled' && value === 'False');
  if (unscheduled)
    return {
      message: `pod ${name} has no node: ${unscheduled.message ?? unscheduled.reason ?? ''}`,
      hint: `see: kubectl describe pod -n ${namespace} ${name}`,
      final: false,
    };
  if (status?.phase === 'Pending')
    return {
      message: `pod ${name} has not started`,
      hint: `its events say why: kubectl describe pod -n ${namespace} ${name}`,
      final: false,
    };
  return undefined;
}

function whyWaiting({ image, state, lastState, restartCount, ready }: ContainerStatus, logs: string): Why | undefined {
  const { reason = '', message = '' } = state?.waiting ?? {};
  if (imageReasons.includes(reason) || reason === 'ErrImagePull')
    return {
      message: `${reason}: ${image}: ${message}`,
      hint: 'bring the images there: `tsumugi images build --import` for a cluster on this machine, `--push PREFIX` for a registry, then name them with --image NAME=REFERENCE',
      final: imageReasons.includes(reason),
      cause: 'image',
    };
  if (reason.startsWith('CreateContainer'))
    return { message: `${reason}: ${message}`, hint: 'make what it names, and it goes on', final: false };
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended && !ready)
    return {
      message: `it ended with exit code ${ended.exitCode}${ended.reason ? ` (${ended.reason})` : ''}, ${restartCount} restarts`,
      hint: `its log says why: ${logs}${state?.terminated ? '' : ' --previous'}`,
      final: restartCount >= 4,
    };
  return undefined;
}
