/** Another cluster, known to a platform by a name: what a program does there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually, startPlatform, temporaryFolder, type TestPlatform } from './platform.ts';

/** Answers the path of a new file. */
export function fileOf(name: string, text: string, folder = temporaryFolder()): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** A platform that knows the cluster of this kubeconfig as `far`. */
export async function startNear(kubeconfig: string): Promise<TestPlatform> {
  const platform = await startPlatform();
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'far' }, stringData: { kubeconfig } };
  const cluster = { apiVersion: 'tsumugi.dev/v1', kind: 'RemoteCluster', metadata: { name: 'far' }, spec: { secretRef: { name: 'far' } } };
  const applied = await platform.tsumugi('apply', '-f', fileOf('far.yaml', `${JSON.stringify(secret)}\n---\n${JSON.stringify(cluster)}\n`));
  expect(applied).toMatchObject({ code: 0 });
  expect(await platform.tsumugi('wait', 'remotecluster/far', '--for', 'condition=Ready', '--timeout', '30s')).toMatchObject({ code: 0 });
  return platform;
}

/** Makes a ConfigMap there, by name, from a script on one machine and from a function; answers the version that was told. */
export async function reachByName(platform: TestPlatform): Promise<string> {
  const folder = temporaryFolder();
  const file = (name: string, text: string): string => fileOf(name, text, folder);
  const source = `import { Kube } from 'tsumugi/client';
    export const far = async (name: string) => {
      const k = await Kube.load('far');
      const there = k.namespace('default');
      await there.createConfigMap({ metadata: { name }, data: { from: 'far away' } });
      const { data } = await there.getConfigMap(name);
      await there.deleteConfigMap(name);
      const here = await (await Kube.load()).namespace('default').listSecrets('far');
      return [k.where, data?.from, here.length, await k.version()];
    };`;
  file('far.ts', source);
  const script = await platform.tsumugi(
    'run',
    file('main.ts', "import { far } from './far.ts'; console.log(JSON.stringify(await far('from-script')));"),
  );
  expect(script).toMatchObject({ code: 0, stderr: '' });
  await platform.deploy('far', source, '--permission', 'secrets');
  const called = await platform.tsumugi('call', 'far', '"from-function"');
  expect(called).toMatchObject({ code: 0, stdout: script.stdout });
  const [where, from, secrets, version] = JSON.parse(script.stdout) as [string, string, number, string];
  expect([where, from, secrets]).toEqual(['RemoteCluster "far"', 'far away', 1]);

  const nobody = await platform.tsumugi('run', file('none.ts', "await Kube.load('near');"));
  expect(nobody.code).toBe(1);
  expect(nobody.stderr).toMatch(/there is no RemoteCluster "near" in namespace default\n[^]* hint: there are: far\n/);
  await eventually('its version is known', async () => (await platform.tsumugi('get', 'remoteclusters')).stdout.includes(version));
  return version;
}
