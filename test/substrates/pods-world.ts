/** Pods as kubectl makes them: what the suites of a node's doings share. */
import { eventually } from '../e2e/platform.ts';
import type { Kubectl } from '../e2e/kubectl.ts';
import type { KubeEvent } from '../../src/resources/builtin/event.ts';
import type { Container, ContainerState, Pod, PodSpec, Volume, VolumeMount } from '../../src/resources/builtin/pod-types.ts';

export interface PodsSubstrate {
  readonly kubectl: Kubectl;
  /** One that has a shell, coreutils, tar and node. */
  readonly image: string;
  /** It has a default storage class, that of the node's folders. */
  readonly makesVolumes: boolean;
  readonly close: () => Promise<void>;
}

/** How long a real kubelet may take to see that a ConfigMap has changed. Seconds. */
const longest = 150;

export class PodsWorld {
  readonly kubectl: Kubectl;
  readonly image: string;
  readonly namespace: string;

  constructor({ kubectl, image }: PodsSubstrate, namespace: string) {
    this.kubectl = kubectl;
    this.image = image;
    this.namespace = namespace;
  }

  ok(args: readonly string[], input?: string): Promise<string> {
    return this.kubectl.ok(['-n', this.namespace, ...args], input);
  }

  async apply(...items: readonly object[]): Promise<void> {
    await this.ok(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  async object<T>(kind: string, name: string): Promise<T> {
    return JSON.parse(await this.ok(['get', kind, name, '-o', 'json'])) as T;
  }

  /** A container with a shell script. */
  container(script: string, more: Partial<Container> = {}): Container {
    return { name: 'main', image: this.image, imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script], ...more };
  }

  pod(name: string, spec: Partial<PodSpec>, metadata: object = {}): object {
    const usual = { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, automountServiceAccountToken: false };
    return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: this.namespace, ...metadata }, spec: { ...usual, ...spec } };
  }

  /** A pod of one container that sees these volumes, each below its own path. */
  reader(name: string, script: string, mounts: readonly (Volume & { readonly at: string; readonly as?: Partial<VolumeMount> })[]): object {
    const volumeMounts = mounts.map(({ name: volume, at, as }) => ({ name: volume, mountPath: at, ...as }));
    const volumes = new Map(mounts.map(({ at: _at, as: _as, ...volume }) => [volume.name, volume]));
    return this.pod(name, { containers: [this.container(script, { volumeMounts })], volumes: [...volumes.values()] });
  }

  async when(name: string, what: string, wanted: (pod: Pod) => boolean): Promise<Pod> {
    let pod: Pod | undefined;
    await eventually(
      `pod ${name} ${what}`,
      async () => {
        pod = await this.object<Pod>('pod', name);
        return wanted(pod);
      },
      longest,
    );
    return pod as Pod;
  }

  finished(name: string): Promise<Pod> {
    return this.when(name, 'has finished', ({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed');
  }

  running(name: string): Promise<Pod> {
    return this.when(name, 'runs', ({ status }) => status?.phase === 'Running');
  }

  /** What a pod that is created now says until it has finished. */
  async said(pod: object): Promise<readonly string[]> {
    await this.apply(pod);
    const { name } = (pod as Pod).metadata;
    await this.finished(name);
    return this.lines(name);
  }

  async lines(name: string, ...more: readonly string[]): Promise<readonly string[]> {
    return (await this.ok(['logs', name, ...more])).split('\n').filter((line) => line !== '');
  }

  /** The messages of a pod's events of a reason, once there are any. */
  async told(name: string, reason: string): Promise<readonly string[]> {
    let messages: readonly string[] = [];
    await eventually(
      `an event ${reason} of ${name}`,
      async () => {
        const { items } = JSON.parse(
          await this.ok(['get', 'events', '-o', 'json', '--field-selector', `involvedObject.name=${name},reason=${reason}`]),
        ) as { items: KubeEvent[] };
        messages = items.map(({ message = '' }) => message);
        return messages.length > 0;
      },
      longest,
    );
    return messages;
  }
}

export const stateOf = (pod: Pod): ContainerState => pod.status?.containerStatuses?.[0]?.state ?? {};
