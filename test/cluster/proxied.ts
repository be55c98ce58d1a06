/** Servers of the test process as Services of a real cluster, so that the API server's Service proxy leads to them. No node is needed. */
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/resources/object.ts';
import { pods, services } from '../../src/resources/resources.ts';

const endpoints: Resource = { group: '', version: 'v1', plural: 'endpoints', kind: 'Endpoints', namespaced: true };

type Json = KubeObject & Readonly<Record<string, unknown>>;

export interface ProxiedService {
  readonly name: string;
  readonly port: { readonly name: string; readonly number: number };
  /** Where the test listens. */
  readonly target: number;
}

/** An address of this machine that the API server may connect to: it refuses loopback addresses. */
export async function addressFor(server: string): Promise<string> {
  const { hostname, port } = new URL(server);
  const local = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      resolve(socket.localAddress ?? '');
      socket.destroy();
    }).on('error', reject);
  });
  if (!local.startsWith('127.')) return local;
  const other = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal);
  if (!other) throw new Error('this machine has no address but loopback ones, and the API server proxies to none of those');
  return other.address;
}

/** The proxy connects only to addresses of pods: a pod that no scheduler takes has ours. */
export async function proxyTo(
  client: KubeClient,
  namespace: string,
  address: string,
  list: readonly ProxiedService[],
): Promise<{ setReady(name: string, ready: boolean): Promise<void> }> {
  const pod: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name: 'here' },
    spec: { schedulerName: 'nobody', containers: [{ name: 'none', image: 'none' }] },
  };
  await client.create(pods, pod);
  const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }] };
  await client.patch(pods, { namespace, name: 'here' }, { type: 'merge', body: { status } }, { subresource: 'status' });
  const subsets = ({ port, target }: ProxiedService, ready: boolean): object[] => [
    {
      [ready ? 'addresses' : 'notReadyAddresses']: [{ ip: address, targetRef: { kind: 'Pod', name: 'here', namespace } }],
      ports: [{ name: port.name, port: target }],
    },
  ];
  for (const service of list) {
    const { name, port, target } = service;
    const metadata = { namespace, name, labels: { 'app.kubernetes.io/part-of': 'tsumugi' } };
    const spec = { ports: [{ name: port.name, port: port.number, targetPort: target }] };
    await client.create<Json>(services, { apiVersion: 'v1', kind: 'Service', metadata, spec });
    await client.create<Json>(endpoints, { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets: subsets(service, true) });
  }
  return {
    setReady: async (name, ready) => {
      const service = list.find((each) => each.name === name);
      if (service) await client.patch(endpoints, { namespace, name }, { type: 'merge', body: { subsets: subsets(service, ready) } });
    },
  };
}
