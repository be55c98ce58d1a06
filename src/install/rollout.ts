/** Waits until controller and gateway run as wanted, and says why they do not. */
import { type Clock, systemClock } from '../base/clock.ts';
import { TsumugiError } from '../base/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ContainerStatus, Pod } from '../resources/builtin/pod-types.ts';
import { isNotFound, type KubeObject } from '../resources/object.ts';
import { pods } from '../resources/resources.ts';
import { deployments, replicaSets } from './kinds.ts';
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
const revision = 'deployment.kubernetes.io/revision';
const templateHash = 'pod-template-hash';

/** Resolves when all replicas are new and ready. Throws Unavailable with the reason as soon as one cannot start, or at the end of the time. */
export async function waitForRollout(
  client: KubeClient,
  namespace: string,
  { timeoutSeconds, clock = systemClock }: { readonly timeoutSeconds: number; readonly clock?: Clock },
): Promise<void> {
  const end = clock.now() + timeoutSeconds * 1000;
  await beginAnew(client, namespace);
  for (;;) {
    const late = clock.now() >= end;
    const unready: string[] = [];
    for (const component of workloads) {
      const deployment = await client.get<Deployment>(deployments, { namespace, name: names[component] });
      if (isDone(deployment)) continue;
      unready.push(names[component]);
      for (const pod of await podsOf(client, component, deployment)) {
        const why = whyNotReady(pod);
        if (!why || !(late || why.final)) continue;
        const said = why.cause === 'ended' ? await lastWords(client, pod) : '';
        throw new TsumugiError('Unavailable', `${names[component]}: ${why.message}${said}`, { hint: why.hint });
      }
    }
    if (unready.length === 0) return;
    if (late)
      throw new TsumugiError('Unavailable', `${unready.join(' and ')} did not become ready in ${timeoutSeconds} s`, {
        hint: `see: kubectl describe deployment,pods -n ${namespace}`,
      });
    await clock.sleep(pollMs);
  }
}

/** Pods that failed before: their next try may be minutes away, a new pod's is now. */
async function beginAnew(client: KubeClient, namespace: string): Promise<void> {
  for (const component of workloads) {
    const deployment = await client.get<Deployment>(deployments, { namespace, name: names[component] });
    const stuck = (await podsOf(client, component, deployment)).filter((pod) => whyNotReady(pod)?.cause !== undefined);
    await Promise.all(
      stuck.map(({ metadata: { name } }) =>
        client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 }).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        }),
      ),
    );
  }
}

/** Those of the newest template: the ones of an older may fail until they are replaced. */
async function podsOf(client: KubeClient, component: Component, { metadata, status }: Deployment): Promise<readonly Pod[]> {
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 1)) return [];
  const { namespace = '', annotations } = metadata;
  const selector = Object.entries(selectorOf(component)).map(([key, value]) => `${key}=${value}`);
  const sets = await client.list<KubeObject>(replicaSets, { namespace, labelSelector: selector.join(',') });
  const newest = sets.items.find((set) => set.metadata.annotations?.[revision] === annotations?.[revision]);
  const hash = newest?.metadata.labels?.[templateHash];
  if (hash === undefined) return [];
  const { items } = await client.list<Pod>(pods, { namespace, labelSelector: [...selector, `${templateHash}=${hash}`].join(',') });
  return items.filter((pod) => !pod.metadata.deletionTimestamp);
}

function isDone({ metadata, spec, status = {} }: Deployment): boolean {
  const wanted = spec.replicas ?? 1;
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const isNew = observedGeneration >= (metadata.generation ?? 1) && updatedReplicas >= wanted && replicas === updatedReplicas;
  return isNew && availableReplicas >= wanted;
}

/** The end of the log of a container that ended. */
async function lastWords(client: KubeClient, { metadata: { namespace = '', name }, status }: Pod): Promise<string> {
  const previous = status?.containerStatuses?.every(({ state }) => !state?.terminated) ?? false;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?tailLines=3${previous ? '&previous=true' : ''}`;
  const text = (await client.raw(path).catch(() => '')).trim();
  return text === '' ? '' : `; its last words:\n${text.replace(/^/gm, '   ')}`;
}

interface Why {
  readonly message: string;
  readonly hint: string;
  /** Waiting longer cannot help. */
  readonly final: boolean;
  readonly cause?: 'image' | 'ended';
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
      final: restartCount >= 3,
      cause: 'ended',
    };
  return undefined;
}
