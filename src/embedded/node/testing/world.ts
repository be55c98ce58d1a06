/** A node on a real API and real processes, for tests: everything in one folder, nothing left behind. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeClient } from '../../../kube/client.ts';
import type { Pod, PodSpec } from '../../../resources/builtin/pod-types.ts';
import { isNotFound } from '../../../resources/object.ts';
import { pods } from '../../../resources/resources.ts';
import { openEmbeddedApi } from '../../api/index.ts';
import { localProcessHost } from '../host/local.ts';
import type { LocalProcessHost } from '../host/local.ts';
import type { IsolationMode } from '../isolation/choose.ts';
import { startNode } from '../node.ts';
import type { NodeOptions, RunningNode } from '../node.ts';
import { podSocketPath } from '../paths.ts';

export const testShim = join(import.meta.dirname, 'shim.mjs');

export interface World {
  readonly folder: string;
  readonly data: string;
  readonly client: KubeClient;
  readonly host: LocalProcessHost;
  node: RunningNode;
  /** The node dies as a killed control plane does: what runs stays with the host. A new one takes over. */
  restartNode(between?: () => Promise<void>): Promise<void>;
  create(name: string, spec: PodSpec, labels?: Record<string, string>): Promise<Pod>;
  /** When the pod is as wanted. */
  when(name: string, wanted: (pod: Pod) => boolean): Promise<Pod>;
  gone(name: string): Promise<void>;
  log(name: string, options?: { follow?: boolean; previous?: boolean; tailLines?: number; timestamps?: boolean }): Promise<string>;
  /** What the test shim of this pod answers. */
  ask(pod: Pod): Promise<{ assign: Record<string, string>; cwd: string; env: Record<string, string>; pid: number }>;
  close(): Promise<void>;
}

export async function openWorld(isolation: IsolationMode, options: Partial<NodeOptions> = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'node-'));
  const data = join(folder, 'data');
  const api = await openEmbeddedApi({ data, listen: false });
  const { client } = api;
  const host = localProcessHost();
  const start = (): Promise<RunningNode> =>
    startNode({
      client,
      host,
      runFolder: join(folder, 'run'),
      hidden: [data],
      claimsFolder: join(data, 'volumes'),
      shims: { node: testShim },
      isolation,
      publicKey: 'key',
      version: '1.2.3',
      blanks: 1,
      restartBackoffMs: 200,
      ...options,
    });
  const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

  const world: World = {
    folder,
    data,
    client,
    host,
    node: await start(),
    async restartNode(between) {
      await world.node.stop();
      await between?.();
      world.node = await start();
    },
    create: (name, spec, labels = {}) =>
      client.create<Pod>(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...key(name), labels },
        spec: { restartPolicy: 'Never', ...spec },
      }),
    async when(name, wanted) {
      const stop = new AbortController();
      try {
        for await (const { object } of client.watch<Pod>(pods, {
          namespace: 'default',
          fieldSelector: `metadata.name=${name}`,
          signal: stop.signal,
        })) {
          if (wanted(object)) return object;
        }
        throw new Error('the watch has ended');
      } finally {
        stop.abort();
      }
    },
    async gone(name) {
      for (;;) {
        const there = await client.get(pods, key(name)).then(
          () => true,
          (error: unknown) => !isNotFound(error),
        );
        if (!there) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async log(name, { follow = false, previous = false, timestamps = false, tailLines } = {}) {
      const pod = await client.get<Pod>(pods, key(name));
      const container = pod.spec.containers[0]?.name as string;
      const request = {
        container,
        follow,
        previous,
        timestamps,
        signal: new AbortController().signal,
        ...(tailLines === undefined ? {} : { tailLines }),
      };
      const chunks = await Array.fromAsync(world.node.log(pod, request));
      return Buffer.concat(chunks).toString();
    },
    async ask(pod) {
      const socket = connect(podSocketPath(join(folder, 'run'), pod.metadata.uid as string));
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      await once(socket, 'close');
      return JSON.parse(text) as Awaited<ReturnType<World['ask']>>;
    },
    async close() {
      await world.node.endPods(0);
      await world.node.stop();
      await host.close();
      await api.close();
      await rm(folder, { recursive: true });
    },
  };
  return world;
}

/** A pod of the host's own programs, with a shell script. */
export const shell = (script: string, more: Partial<PodSpec['containers'][number]> = {}): PodSpec => ({
  containers: [{ name: 'main', image: 'host', command: ['/bin/sh', '-c', script], ...more }],
});

export const shimPod = (more: Partial<PodSpec['containers'][number]> = {}): PodSpec => ({
  containers: [{ name: 'function', image: 'tsumugi/node', ...more }],
});

export const phaseIs =
  (phase: string) =>
  (pod: Pod): boolean =>
    pod.status?.phase === phase;

export const stateOf = (pod: Pod): NonNullable<NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]['state']> =>
  pod.status?.containerStatuses?.[0]?.state ?? {};
