/** A platform that `tsumugi install` put on a Kubernetes, and what rows do with it. */
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createHttpClient, type HttpKubeClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import type { Pod } from '../../src/resources/builtin/pod-types.ts';
import type { FunctionResource } from '../../src/resources/function.ts';
import { functions, namespaces, pods } from '../../src/resources/resources.ts';
import { timed } from '../lib/client.ts';

export const system = 'tsumugi-system';
/** As the Runtime `node` has it. */
export const poolSize = 3;
const bin = new URL('../../bin/tsumugi.js', import.meta.url).pathname;

export interface Installed {
  readonly client: HttpKubeClient;
  /** `http://CLUSTER-IP` of the gateways' Service. */
  readonly gateway: string;
  /** stdout of a kubectl that must work. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Calls with a namespace, which is gone afterwards with all that is in it. */
  inNamespace<T>(name: string, use: (namespace: string) => Promise<T>): Promise<T>;
  close(): void;
}

export interface Target {
  readonly kubeconfig: string;
  /** The program. */
  readonly kubectl: string;
  /** Command that puts images onto the nodes; undefined: by the context's name. */
  readonly imageImport: string | undefined;
}

/** Builds and imports the images of this checkout, installs the platform where there is none, waits until it answers. */
export async function install({ kubeconfig, kubectl: program, imageImport }: Target): Promise<Installed> {
  const env = { ...process.env, KUBECONFIG: kubeconfig, ...(imageImport !== undefined && { TSUMUGI_IMAGE_IMPORT: imageImport }) };
  const tsumugi = (...args: string[]): void =>
    void execFileSync(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const kubectl: Installed['kubectl'] = (args, input) =>
    new Promise((resolve, reject) => {
      const child = execFile(program, args, { env }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
      child.stdin?.end(input);
    });
  const isThere = (await kubectl(['get', 'deployments', '-n', system, '-o', 'name'])) !== '';
  if (!isThere) {
    tsumugi('images', 'build', '--import');
    tsumugi('install', '--wait');
  }
  const client = createHttpClient(await loadConnection({ path: kubeconfig }));
  const gateway = `http://${await kubectl(['get', 'service', '-n', system, 'tsumugi-gateway', '-o', 'jsonpath={.spec.clusterIP}'])}`;
  await until('the gateway is ready', async () => (await timed(`${gateway}/readyz`)).status === 200);
  return {
    client,
    gateway,
    kubectl,
    async inNamespace(name, use) {
      const namespace = `${name}-${process.pid}`;
      await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
      try {
        return await use(namespace);
      } finally {
        await kubectl(['delete', 'namespace', namespace, '--timeout=300s']);
      }
    },
    close: () => client.close(),
  };
}

export async function until(what: string, check: () => Promise<boolean>, seconds = 120): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not after ${seconds} s: ${what}`);
    await pause(50);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const isTrue = (type: string, conditions: readonly { type: string; status: string }[] = []): boolean =>
  conditions.some((each) => each.type === type && each.status === 'True');

/** Pods of the namespace that wait for a function. */
export async function pooled({ client }: Installed, namespace: string): Promise<number> {
  const { items } = await client.list<Pod>(pods, { namespace, labelSelector: 'tsumugi.dev/runtime,!tsumugi.dev/function' });
  return items.filter(({ metadata, status }) => !metadata.deletionTimestamp && isTrue('Ready', status?.conditions)).length;
}

/** Creates functions that say hello, each from its own source unless `source` is given, and waits until all are Ready. */
export async function createFunctions(
  { client }: Installed,
  namespace: string,
  names: readonly string[],
  source?: FunctionResource['spec']['source'],
): Promise<void> {
  for (const name of names) {
    await client.create<FunctionResource>(functions, {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: { namespace, name },
      spec: { source: source ?? { inline: `export default () => 'hello from ${name}';\n` } },
    } as FunctionResource);
  }
  await until(
    'all functions are Ready',
    async () => {
      const { items } = await client.list<FunctionResource>(functions, { namespace });
      const ready = new Set(items.filter(({ status }) => isTrue('Ready', status?.conditions)).map(({ metadata }) => metadata.name));
      return names.every((name) => ready.has(name));
    },
    300,
  );
}

/** Processes of pods, where their node is this machine: a kubelet puts a pod's uid into the names of its cgroups. */
export function processesOf(uids: readonly string[]): number[] {
  const marks = uids.flatMap((uid) => [`pod${uid}`, `pod${uid.replaceAll('-', '_')}`]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
        return marks.some((mark) => groups.includes(mark));
      } catch {
        return false;
      }
    })
    .map(Number);
}
