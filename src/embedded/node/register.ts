/** The v1 Node object: what `kubectl get nodes` shows of this machine. */
import { availableParallelism, hostname, release, totalmem, type } from 'node:os';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Node } from '../../resources/builtin/node.ts';
import { isAlreadyExists } from '../../resources/object.ts';
import { nodes } from '../../resources/resources.ts';
import { rfc3339 } from './container/exit.ts';

export async function registerNode(client: KubeClient, name: string, version: string, isolation: string, log: Log): Promise<void> {
  const now = rfc3339(Date.now());
  const room = { cpu: String(availableParallelism()), memory: `${Math.floor(totalmem() / 1024)}Ki`, pods: '1000' };
  const [architecture, operatingSystem] = [process.arch === 'x64' ? 'amd64' : process.arch, process.platform];
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': operatingSystem, 'kubernetes.io/arch': architecture } },
    spec: {},
  };
  const status = {
    capacity: room,
    allocatable: room,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'NodeReady',
        message: `isolation: ${isolation}`,
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      },
    ],
    addresses: [
      { type: 'InternalIP', address: '127.0.0.1' },
      { type: 'Hostname', address: hostname() },
    ],
    nodeInfo: {
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: release(),
      osImage: type(),
      containerRuntimeVersion: `tsumugi-${isolation}://${version}`,
      kubeletVersion: `v${version}`,
      kubeProxyVersion: '',
      operatingSystem,
      architecture,
    },
  };
  try {
    await client.create(nodes, node).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
    await client.patch(nodes, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
  } catch (error) {
    // Pods run without it; only `kubectl get nodes` has nothing to show.
    log.warn({ error: toError(error).message }, 'the node could not be registered');
  }
}
