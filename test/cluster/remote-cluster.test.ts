/** A real Kubernetes as a RemoteCluster of a platform on this machine. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanUp, type TestPlatform } from '../e2e/platform.ts';
import { fileOf, reachByName, startNear } from '../e2e/remote.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

describe.runIf(path)('a real Kubernetes', () => {
  let near: TestPlatform;
  beforeAll(async () => {
    near = await startNear(readFileSync(path as string, 'utf8'));
  }, 120_000);
  afterAll(cleanUp);

  it('is reached by its name, from a script and from a function', async () => {
    expect(await reachByName(near)).toMatch(/^v1\.\d+\.\d+$/);
  }, 240_000);

  // No node is needed: the script says what becomes of the pods.
  it('has guests', async () => {
    const script = `import { Kube, Runner } from 'tsumugi/client';
      import { setTimeout as sleep } from 'node:timers/promises';
      const far = await Kube.load('far');
      const there = far.namespace('default');
      const pods = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
      const begin = async (id) => {
        for (;;) {
          const [pod] = await there.listPods({ labelSelector: 'tsumugi.dev/runner=' + id });
          if (pod) {
            await tell(pod, 'Running');
            return pod;
          }
          await sleep(50);
        }
      };
      const tell = ({ metadata: { namespace, name } }, phase) =>
        far.client.patch(pods, { namespace, name }, { type: 'merge', body: { status: { phase } } }, { subresource: 'status' });
      const left = async (id) => {
        const options = { labelSelector: 'tsumugi.dev/runner=' + id };
        return (await Promise.all([there.listJobs(options), there.listConfigMaps(options), there.listSecrets(options)])).flat().length;
      };
      const running = async (runner) => {
        while ((await runner.status()) !== 'running') await sleep(50);
      };
      const container = { name: 'main', image: 'nowhere.invalid/none' };
      const manifests = [
        { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'guest' }, spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } } },
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'guest' }, data: {} },
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'guest' }, stringData: { a: 'b' } },
      ];
      const runner = await Runner.load();

      const first = await runner.guest(manifests, { cluster: 'far' });
      const pod = await begin(first);
      await running(runner);
      const made = await left(first);
      await tell(pod, 'Succeeded');
      console.log(JSON.stringify([made, await runner.waitFor({ timeout: 60 }), await left(first)]));

      const second = await runner.guest(manifests, { cluster: 'far' });
      await begin(second);
      await running(runner);
      await runner.cancel();
      console.log(JSON.stringify([await runner.waitFor({ timeout: 60 }), await left(second)]));`;
    const { stdout, stderr } = await near.tsumugi('run', fileOf('guests.ts', script));
    expect([stderr, stdout]).toEqual(['', '[3,"succeeded",0]\n["cancelled",0]\n']);
  }, 240_000);
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
