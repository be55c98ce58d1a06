/** Another `tsumugi up` as a RemoteCluster; a real API server is one in `test/cluster/remote-cluster.test.ts`. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanUp, eventually, startPlatform, type TestPlatform } from './platform.ts';
import { fileOf, reachByName, startNear } from './remote.ts';

let near: TestPlatform;
let far: TestPlatform;
beforeAll(async () => {
  far = await startPlatform();
  near = await startNear(readFileSync(far.kubeconfig, 'utf8'));
}, 120_000);
afterAll(cleanUp);

test('another platform is reached by its name, from a script and from a function', async () => {
  expect(await reachByName(near)).toMatch(/\+tsumugi$/);
}, 120_000);

const manifests = `
apiVersion: batch/v1
kind: Job
metadata: { name: greeter }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: greeter
          image: host
          command: [/bin/sh, -c, 'echo "$GREETING $(cat /etc/greeted/name)"']
          env: [{ name: GREETING, valueFrom: { configMapKeyRef: { name: greeting, key: text } } }]
          volumeMounts: [{ name: secret, mountPath: /etc/greeted }]
      volumes: [{ name: secret, secret: { secretName: greeted } }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: greeting }
data: { text: hello }
---
apiVersion: v1
kind: Secret
metadata: { name: greeted }
stringData: { name: Ada }
`;

test('a guest runs there; its record and its log are here', async () => {
  const script = `import { Runner } from 'tsumugi/client';
    const runner = await Runner.load();
    const id = await runner.guest(${JSON.stringify(manifests)}, { cluster: 'far', sync: true, timeout: 60 });
    const { status, cluster } = await (await Runner.load(id)).describe();
    console.log(JSON.stringify([status, cluster, Object.values(await runner.logs())]));
    await runner.guest(${JSON.stringify(manifests)}, { cluster: 'nowhere' });`;
  const { stdout, stderr, code } = await near.tsumugi('run', fileOf('main.ts', script));
  expect(JSON.parse(stdout)).toEqual(['succeeded', 'far', [['hello Ada\n']]]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/there is no RemoteCluster "nowhere" in namespace default\n[^]* hint: there are: far\n/);
  await eventually('nothing of it is left there', async () => {
    const { stdout: names } = await far.tsumugi('get', 'jobs,pods,configmaps,secrets', '-l', 'tsumugi.dev/runner', '-o', 'name');
    return names === '';
  });
  expect((await near.tsumugi('get', 'jobs,pods,secrets', '-l', 'tsumugi.dev/runner', '-o', 'name')).stdout).toBe('');
}, 120_000);
