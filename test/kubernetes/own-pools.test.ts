/** Functions that say something of their pods, on a kubelet: what keeps those from running is told plainly, and passes when its cause does. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importCommand, importImages } from '../../src/install/images/import.ts';
import { buildImages } from '../../src/install/images/images.ts';
import { conditionOf } from '../../src/resources/conditions.ts';
import type { KubeEvent } from '../../src/resources/builtin/event.ts';
import type { FunctionResource } from '../../src/resources/function.ts';
import { packageVersion } from '../../src/processes/version.ts';
import { eventually } from '../e2e/platform.ts';
import { kubernetesSubstrate } from '../substrates/kubernetes.ts';
import { World } from '../substrates/substrate.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];
const importer = process.env['TSUMUGI_IMAGE_IMPORT'];

describe.runIf(kubeconfig)('pods of its own', () => {
  let world: World;
  beforeAll(async () => {
    world = new World(await kubernetesSubstrate(kubeconfig as string));
  }, 600_000);
  afterAll(() => world?.stop(), 120_000);

  async function apply(...objects: readonly object[]): Promise<void> {
    const { code, stderr } = await world.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    expect(code, stderr).toBe(0);
  }
  const func = (name: string, spec: object, inline = `export default () => '${name}';`): object => ({
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { name, annotations: { 'tsumugi.dev/prove': 'true' } },
    spec: { source: { inline }, ...spec },
  });

  /** What its condition says once it is False. */
  async function complaint(name: string): Promise<string> {
    await world.ok('wait', `fn/${name}`, '--for', 'condition=Ready=False', '--timeout', '60s');
    return (await verdict(name))?.message ?? '';
  }
  const verdict = async (name: string) => conditionOf(await world.object<FunctionResource>('function', name), 'Ready');

  /** From False to True with nothing in between: it is not said to be starting whenever it is tried again. */
  async function mends(name: string): Promise<void> {
    const seen = new Set<string | undefined>();
    await eventually(
      `${name} is Ready`,
      async () => {
        const status = (await verdict(name))?.status;
        seen.add(status);
        return status === 'True';
      },
      100,
    );
    expect([...seen].filter((status) => status !== 'True' && status !== 'False')).toEqual([]);
    expect(await world.text(name)).toBe(name);
  }

  it('that a ResourceQuota refuses are told with the quota, and come when it allows them', async () => {
    const quota = (pods: string) => ({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'tight' }, spec: { hard: { pods } } });
    await apply(quota('0'));
    await apply(func('squeezed', { resources: { limits: { memory: '200Mi' } } }));
    expect(await complaint('squeezed')).toMatch(
      /^revision squeezed-00001 failed: no pod can be started: PodRefused: exceeded quota: tight, requested: pods=1, used: pods=0, limited: pods=0$/,
    );
    expect(await (await world.fetch('squeezed')).text()).toContain('exceeded quota: tight');
    await apply(quota('100'));
    await mends('squeezed');
  });

  // Much of it is waiting for what Kubernetes tries again.
  it.concurrent('whose image cannot be pulled are told with the image, in one Event, and come once it is there', async ({ skip }) => {
    const version = `later-${process.pid}`;
    const image = `tsumugi-test/node:${version}`;
    await apply(func('imaged', { image, imagePullSecrets: [{ name: 'registry' }] }));
    expect(await complaint('imaged')).toMatch(
      new RegExp(`^revision imaged-00001 failed: no pod can be started: ImageUnavailable: image "${image}" cannot be pulled: .`),
    );
    await eventually(
      'it has been tried again',
      async () => {
        const { items } = JSON.parse(await world.ok('get', 'events', '-o', 'json')) as { items: readonly KubeEvent[] };
        const told = items.filter(({ involvedObject, type }) => involvedObject.name === 'imaged' && type === 'Warning');
        expect(told.length).toBeLessThan(2);
        const pods = await world.pods('tsumugi.dev/pool');
        return pods.some(({ spec }) => spec.containers[0]?.image === image && spec.imagePullSecrets?.[0]?.name === 'registry');
      },
      60,
    );
    skip(importer === undefined, 'needs TSUMUGI_IMAGE_IMPORT, the command that takes an image archive into the cluster');
    const [node] = await buildImages(['tsumugi/node'], packageVersion());
    const named = { ...node!, name: 'tsumugi-test/node', tags: [version, `${version}-again`] as const };
    await importImages([named], importCommand(importer, undefined));
    await mends('imaged');
  });

  it.concurrent('whose claim does not exist are told with its name; and keep what they write there once it does', async () => {
    const volume = {
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'kept' } }],
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
    };
    const source = `import { appendFileSync, readFileSync } from 'node:fs';
      export default (request) => {
        if (request.method === 'GET') return 'claiming';
        appendFileSync('/data/log', 'x');
        return readFileSync('/data/log', 'utf8');
      };`;
    await apply(func('claiming', { ...volume, scale: { idleTimeoutSeconds: 1 } }, source));
    expect(await complaint('claiming')).toMatch(/persistentvolumeclaim "kept" not found/);

    const { namespace } = world.substrate;
    const host = `/tmp/tsumugi-claim-${process.pid}`;
    await apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: namespace },
        spec: {
          capacity: { storage: '1Mi' },
          accessModes: ['ReadWriteOnce'],
          hostPath: { path: host, type: 'DirectoryOrCreate' },
          storageClassName: '',
          claimRef: { namespace, name: 'kept' },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'kept' },
        spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', volumeName: namespace, resources: { requests: { storage: '1Mi' } } },
      },
      // A kubelet changes no owner of a folder of the host.
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'opener' },
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'main',
              image: `tsumugi/node:${packageVersion()}`,
              command: ['/usr/local/bin/node', '-e', 'fs.chmodSync("/data", 0o777)'],
              securityContext: { runAsUser: 0 },
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            },
          ],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'kept' } }],
        },
      },
    );
    await mends('claiming');
    await world.ok('wait', 'pod/opener', '--for', 'jsonpath={.status.phase}=Succeeded', '--timeout', '60s');
    const post = async (): Promise<string> => (await world.fetch('claiming', '', { method: 'POST' })).text();
    expect(await post()).toBe('x');
    const [before] = await world.pods('tsumugi.dev/function=claiming');
    await world.ok('delete', 'pod', before?.metadata.name ?? '');
    await eventually('another pod reads it', async () => (await post()) === 'xx');
    await world.ok('delete', 'persistentvolume', namespace);
    rmSync(host, { recursive: true, force: true });
  });

  it.concurrent('whose image starts something else are told so', async () => {
    // The platform's image is there, too, and ends at once.
    await apply(func('foreign', { image: `tsumugi/platform:${packageVersion()}` }));
    expect(await complaint('foreign')).toMatch(
      /^revision foreign-00001 failed: no pod can be started: PodsEnd: its pods end before they can be used: \w+, exit code \d/,
    );
  });
});

if (!kubeconfig) it.skip('needs TSUMUGI_TEST_KUBERNETES, a kubeconfig of a cluster with a node: npm run test:kubernetes');
