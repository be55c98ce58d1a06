/** A whole platform for faults: PostgreSQL, two controllers, two gateways, as `tsumugi install --database-secret` puts them there. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KubeClient } from '../../src/kube/client.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import type { Lease } from '../../src/resources/builtin/lease.ts';
import type { Pod } from '../../src/resources/builtin/pod-types.ts';
import { isReady } from '../../src/resources/conditions.ts';
import type { FunctionResource } from '../../src/resources/function.ts';
import { isNotFound, type KubeObject, type Resource } from '../../src/resources/object.ts';
import { functions, leases, namespaces, pods, secrets } from '../../src/resources/resources.ts';
import { eventually, tsumugi } from '../e2e/platform.ts';
import { type PostgresCluster, postgresPrograms, startPostgres } from '../services/postgres-cluster.ts';
import { Balancer } from './balancer.ts';
import { manifests, warmNames } from './functions.ts';
import { type Ledger, openLedger } from './ledger.ts';

const system = 'tsumugi-system';
const deployments: Resource = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true };
const components = ['tsumugi-controller', 'tsumugi-gateway'] as const;

export interface FaultPlatform {
  /** Of the functions. */
  readonly namespace: string;
  /** Functions that sleep until they are called. */
  readonly sleeping: number;
  readonly client: KubeClient;
  readonly balancer: Balancer;
  readonly ledger: Ledger;
  /** Of the platform's records, where it was started here. */
  readonly database: Pick<PostgresCluster, 'start' | 'stop'> | undefined;
  /** Of functions, generic ones too. */
  readonly pods: Informer<Pod>;
  /** The pods of a component that are not on their way out. */
  componentPods(component: 'controller' | 'gateway'): readonly Pod[];
  /** Throws where nobody leads. */
  leader(): Promise<{ readonly pod: Pod; readonly epoch: number }>;
  /** Replaces all pods of both Deployments; resolves when that is done. */
  rollingUpgrade(): Promise<void>;
  /** Resolves when all is as it should be before a fault: everything runs, pools are full, sleeping functions sleep. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

interface Deployment extends KubeObject {
  readonly spec: { readonly replicas: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

/** The node's address of the machine that it runs on: what listens there is reached by pods. */
const hostAddress = (kubeconfig: string): string => readFileSync(join(dirname(kubeconfig), 'host-address'), 'utf8').trim();

export async function startFaultPlatform(kubeconfig: string, sleeping: number): Promise<FaultPlatform> {
  const host = hostAddress(kubeconfig);
  const client = createHttpClient(await loadConnection({ path: kubeconfig }));
  const stopping = new AbortController();
  const namespace = `faults-${process.pid}`;
  let postgres: PostgresCluster | undefined;
  let ledger: Ledger | undefined;

  const must = async (...args: string[]): Promise<void> => {
    const env = { KUBECONFIG: kubeconfig, TSUMUGI_IMAGE_IMPORT: process.env['TSUMUGI_IMAGE_IMPORT'] };
    const { code, stdout, stderr } = await tsumugi(args, { env });
    if (code !== 0) throw new Error(`tsumugi ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  };
  const create = (resource: Resource, object: KubeObject): Promise<unknown> => client.create(resource, object);
  const install = async (): Promise<void> => {
    const programs = postgresPrograms();
    if (programs === undefined) throw new Error('needs PostgreSQL: apt-get install postgresql');
    postgres = await startPostgres(programs, host);
    const url = postgres.createDatabase('tsumugi').replace('127.0.0.1', host);
    await create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: system } });
    const data = { url: Buffer.from(url).toString('base64') };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: system, name: 'records' }, data };
    await create(secrets, secret);
    await must('install', '--database-secret', 'records', '--wait');
  };

  const balancer = new Balancer(client, system, 'tsumugi-gateway');
  const functionPods = new Informer<Pod>(client, pods, { namespace });
  const ownPods = new Informer<Pod>(client, pods, { namespace: system });
  const deployed = async (): Promise<boolean> => {
    const all = await Promise.all(components.map((name) => client.get<Deployment>(deployments, { namespace: system, name })));
    return all.every(
      ({ metadata, spec: { replicas }, status = {} }) =>
        status.observedGeneration === metadata.generation &&
        [status.replicas, status.updatedReplicas, status.availableReplicas].every((count) => count === replicas),
    );
  };
  const componentPods: FaultPlatform['componentPods'] = (component) =>
    ownPods
      .list()
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined && metadata.labels?.['app.kubernetes.io/component'] === component);
  const leader: FaultPlatform['leader'] = async () => {
    const { spec } = await client.get<Lease>(leases, { namespace: system, name: 'tsumugi-controller' });
    const pod = componentPods('controller').find(({ metadata }) => spec?.holderIdentity?.startsWith(`${metadata.name}_`));
    if (!pod) throw new Error(`the lease is held by "${spec?.holderIdentity ?? ''}", and no such pod runs`);
    return { pod, epoch: spec?.leaseTransitions ?? 0 };
  };
  const isAsleep = (): boolean => {
    const living = functionPods.list().filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.phase === 'Running');
    const of = (name: string | undefined): number =>
      living.filter(({ metadata }) => metadata.labels?.['tsumugi.dev/function'] === name).length;
    // Under load there may have been more than the two.
    const warm = warmNames.map(of);
    return (
      of(undefined) >= 3 && warm.every((count) => count >= 2) && living.length === warm.reduce((sum, count) => sum + count, of(undefined))
    );
  };

  const stop = async (): Promise<void> => {
    stopping.abort();
    await client.delete(namespaces, { name: namespace }).catch(ignoreMissing);
    if (postgres) {
      await must('uninstall', '--data', '--yes');
      await client.delete(namespaces, { name: system }).catch(ignoreMissing);
    }
    await eventually('the namespaces are gone', () => isGone(client, postgres ? [namespace, system] : [namespace]), 90);
    await ledger?.close();
    client.close();
    postgres?.close();
  };
  try {
    const there = await client.get<Deployment>(deployments, { namespace: system, name: components[0] }).catch(ignoreMissing);
    if (there && there.spec.replicas < 2) throw new Error('the platform that is installed there has one controller: faults need two');
    if (!there) await install();
    ledger = await openLedger(host);
    const { port } = ledger;
    await Promise.all([
      balancer.start(stopping.signal),
      ...[functionPods, ownPods].map((each) => (each.start(stopping.signal), each.synced())),
    ]);
    await create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    for (const manifest of manifests(namespace, sleeping, { host, port })) await create(functions, manifest);
    await eventually(
      'all functions are Ready',
      async () => (await client.list<FunctionResource>(functions, { namespace })).items.every((each) => isReady(each)),
      60,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    namespace,
    sleeping,
    client,
    balancer,
    ledger,
    database: postgres,
    pods: functionPods,
    componentPods,
    leader,
    rollingUpgrade: async () => {
      const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
      const patch = { type: 'strategic', body: { spec: { template: { metadata: { annotations } } } } } as const;
      for (const name of components) await client.patch(deployments, { namespace: system, name }, patch);
      await eventually('both Deployments are replaced', deployed, 180);
      // Those before have finished what they had.
      await eventually('the pods before are gone', () => ownPods.list().length === 4, 60);
    },
    settled: async () => {
      await eventually('both Deployments are whole', deployed, 90);
      await eventually(
        'two controllers and two gateways are ready',
        () => {
          const all = [...componentPods('controller'), ...componentPods('gateway')];
          return (
            all.length === 4 &&
            all.every((pod) => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) &&
            balancer.gateways().length === 2
          );
        },
        90,
      );
      await eventually('somebody leads', leader, 60);
      await eventually('pools are full, and what sleeps is asleep', isAsleep, 120);
    },
    stop,
  };
}

function ignoreMissing(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}

async function isGone(client: KubeClient, names: readonly string[]): Promise<boolean> {
  const found = await Promise.all(names.map((name) => client.get(namespaces, { name }).catch(ignoreMissing)));
  return found.every((each) => each === undefined);
}
