/** What pods see of volumes and of themselves: the same files and words on one machine and on a whole Kubernetes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../e2e/platform.ts';
import type { KubeObject } from '../../src/resources/object.ts';
import { PodsWorld, stateOf } from './pods-world.ts';
import type { PodsSubstrate } from './pods-world.ts';

const configMap = (name: string, data: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

export function podVolumesSuite(where: string, open: () => Promise<PodsSubstrate>): void {
  describe(`volumes and variables of pods on ${where}`, { timeout: 300_000 }, () => {
    let substrate: PodsSubstrate;
    let world: PodsWorld;

    beforeAll(async () => {
      substrate = await open();
      world = new PodsWorld(substrate, `volumes-${process.pid}`);
      await world.kubectl.ok(['create', 'namespace', world.namespace]);
      await world.apply(configMap('words', { one: 'first', two: 'second' }), {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'keys' },
        stringData: { key: 'sesame', other: 'open' },
      });
    });

    afterAll(async () => {
      await world?.kubectl.run(['delete', 'namespace', world.namespace, '--timeout=60s']);
      await substrate?.close();
    });

    it('puts ConfigMaps and Secrets at their paths, with their modes, read-only', async () => {
      const script = `cd /etc/app/words && ls -A | grep -v '^[.][.]2\\|^[.][.][0-9a-f]*$'; cat one two; echo; readlink one
        cd /keys && cat deep/renamed; echo; ls -lL deep/renamed | head -c 10; echo; ls -A deep
        ls -lL /opt/modes/key | head -c 10; echo
        echo no 2>/dev/null > /keys/x || echo read-only`;
      const mounts = [
        { name: 'words', configMap: { name: 'words' }, at: '/etc/app/words' },
        { name: 'some', secret: { secretName: 'keys', items: [{ key: 'key', path: 'deep/renamed', mode: 0o440 }] }, at: '/keys' },
        { name: 'modes', secret: { secretName: 'keys', defaultMode: 0o400 }, at: '/opt/modes' },
      ];
      expect(await world.said(world.reader('files', script, mounts))).toEqual([
        '..data',
        'one',
        'two',
        'firstsecond',
        '..data/one',
        'sesame',
        '-r--r-----',
        'renamed',
        '-r--------',
        'read-only',
      ]);
    });

    it('puts single files where subPath says, and volumes into each other', async () => {
      const script = `ls -A /outer; cat /outer/inner/one; echo; cat /etc/single.conf; echo; ls -A /sub; echo more > /sub/made; ls /all/a/b`;
      const pod = world.reader('parts', script, [
        { name: 'scratch', emptyDir: {}, at: '/outer' },
        { name: 'words', configMap: { name: 'words' }, at: '/outer/inner' },
        { name: 'words', configMap: { name: 'words' }, at: '/etc/single.conf', as: { subPath: 'two' } },
        { name: 'tree', emptyDir: {}, at: '/sub', as: { subPath: 'a/b' } },
        { name: 'tree', emptyDir: {}, at: '/all' },
      ]);
      expect(await world.said(pod)).toEqual(['inner', 'first', 'second', 'made']);
    });

    it('expands variables in subPathExpr', async () => {
      const mounts = [{ name: 'tree', emptyDir: {} }];
      const volumeMounts = [
        { name: 'tree', mountPath: '/mine', subPathExpr: '$(POD)/x' },
        { name: 'tree', mountPath: '/all' },
      ];
      const env = [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }];
      const container = world.container('touch /mine/file; ls /all/expands/x', { env, volumeMounts });
      expect(await world.said(world.pod('expands', { containers: [container], volumes: mounts }))).toEqual(['file']);
    });

    it('projects several sources into one folder', async () => {
      const script = `cd /all && cat conf/one key; echo; cat labels; echo; cat limits/cpu limits/memory; echo; ls -lL secret | head -c 10; echo`;
      const all = {
        name: 'all',
        projected: {
          sources: [
            { configMap: { name: 'words', items: [{ key: 'one', path: 'conf/one' }] } },
            { secret: { name: 'keys', items: [{ key: 'key', path: 'key' }] } },
            { secret: { name: 'keys', items: [{ key: 'other', path: 'secret', mode: 0o400 }] } },
            { configMap: { name: 'none', optional: true } },
            {
              downwardAPI: {
                items: [
                  { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
                  { path: 'limits/cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' } },
                  { path: 'limits/memory', resourceFieldRef: { containerName: 'main', resource: 'limits.memory', divisor: '1Mi' } },
                ],
              },
            },
          ],
        },
      };
      const container = world.container(script, {
        volumeMounts: [{ name: 'all', mountPath: '/all' }],
        resources: { limits: { cpu: '150m', memory: '200Mi' } },
      });
      const pod = world.pod('projected', { containers: [container], volumes: [all] }, { labels: { b: 'two', a: 'one' } });
      expect(await world.said(pod)).toEqual(['firstsesame', 'a="one"', 'b="two"', '150200', '-r--------']);
    });

    it('projects a token of the ServiceAccount, bound to the pod', async () => {
      const sources = [{ serviceAccountToken: { path: 'token', audience: 'somebody', expirationSeconds: 700 } }];
      const [token = '', mode] = await world.said(
        world.reader('identified', 'cat /token/token; echo; ls -lL /token/token | head -c 10', [
          { name: 'token', projected: { sources }, at: '/token' },
        ]),
      );
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
        aud: string[];
        exp: number;
        iat: number;
        'kubernetes.io': { pod: object; namespace: string };
      };
      const { metadata } = await world.object<KubeObject>('pod', 'identified');
      expect(claims.aud).toEqual(['somebody']);
      expect(claims.exp - claims.iat).toBe(700);
      expect(claims['kubernetes.io']).toMatchObject({ namespace: world.namespace, pod: { name: 'identified', uid: metadata.uid } });
      expect(mode).toBe('-rw-r--r--');
    });

    it('gives containers of a pod a folder in common, on the disk or in memory', async () => {
      const volumes = [
        { name: 'disk', emptyDir: {} },
        { name: 'memory', emptyDir: { medium: 'Memory' } },
      ];
      const volumeMounts = [
        { name: 'disk', mountPath: '/data/disk' },
        { name: 'memory', mountPath: '/data/memory' },
      ];
      const wait = (path: string): string => `until [ -e ${path} ]; do sleep 0.1; done`;
      const writer = world.container(
        `umask 022; echo one > /data/disk/file; echo two > /data/memory/file; ${wait('/data/disk/changed')}; cat /data/disk/file`,
        {
          name: 'writer',
          volumeMounts,
        },
      );
      const changer = world.container(
        `${wait('/data/memory/file')}; echo three >> /data/disk/file && rm /data/memory/file && touch /data/disk/changed; ls -A /data/memory`,
        {
          name: 'changer',
          volumeMounts,
        },
      );
      await world.apply(world.pod('common', { containers: [writer, changer], volumes }));
      expect((await world.finished('common')).status?.phase).toBe('Succeeded');
      expect(await world.lines('common', '-c', 'writer')).toEqual(['one', 'three']);
      expect(await world.lines('common', '-c', 'changer')).toEqual([]);
    });

    it('ends a pod that fills an empty folder beyond its limit', async () => {
      const volumes = [{ name: 'small', emptyDir: { sizeLimit: '1Mi' } }];
      const volumeMounts = [{ name: 'small', mountPath: '/small' }];
      const fill = 'head -c 3000000 /dev/zero > /small/file; while :; do sleep 1; done';
      await world.apply(world.pod('greedy', { containers: [world.container(fill, { volumeMounts })], volumes }));
      expect((await world.finished('greedy')).status).toMatchObject({
        phase: 'Failed',
        reason: 'Evicted',
        message: 'Usage of EmptyDir volume "small" exceeds the limit "1Mi". ',
      });
    });

    it('shows what a ConfigMap has become, whole, and not where subPath names a file', async () => {
      await world.apply(configMap('changing', { a: 'old', gone: 'x' }));
      const script = 'while :; do [ "$(cat /conf/a)" = new ] && [ -e /conf/b ] && break; sleep 0.2; done; ls /conf; cat /single';
      const pod = world.reader('watching', script, [
        { name: 'conf', configMap: { name: 'changing' }, at: '/conf' },
        { name: 'conf', configMap: { name: 'changing' }, at: '/single', as: { subPath: 'a' } },
      ]);
      await world.apply(pod);
      await world.running('watching');
      await world.ok(['replace', '-f', '-'], JSON.stringify(configMap('changing', { a: 'new', b: 'more' })));
      await world.finished('watching');
      expect(await world.lines('watching')).toEqual(['a', 'b', 'old']);
    });

    it('waits for what a volume names, and tells it in an event', async () => {
      await world.apply(world.reader('early', 'cat /late/key', [{ name: 'late', secret: { secretName: 'late' }, at: '/late' }]));
      expect(await world.told('early', 'FailedMount')).toContain('MountVolume.SetUp failed for volume "late" : secret "late" not found');
      const waiting = await world.when('early', 'waits', (pod) => stateOf(pod).waiting !== undefined);
      expect(stateOf(waiting).waiting).toEqual({ reason: 'ContainerCreating' });
      await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'late' }, stringData: { key: 'here' } });
      await world.finished('early');
      expect(await world.lines('early')).toEqual(['here']);
      const items = [{ key: 'none', path: 'none' }];
      await world.apply(
        world.reader('keyless', 'true', [{ name: 'words', configMap: { name: 'words', items }, at: '/words' }]),
        world.reader('secretless', 'true', [{ name: 'keys', secret: { secretName: 'keys', items }, at: '/keys' }]),
      );
      expect(await world.told('keyless', 'FailedMount')).toContain(
        'MountVolume.SetUp failed for volume "words" : configmap references non-existent config key: none',
      );
      expect(await world.told('secretless', 'FailedMount')).toContain(
        'MountVolume.SetUp failed for volume "keys" : references non-existent secret key: none',
      );
    });

    it('mounts what the node has at a path, as far as it is what was asked for', async () => {
      const at = `/var/tmp/tsumugi-${world.namespace}`;
      const made = world.reader('maker', 'ls -d /host', [{ name: 'host', hostPath: { path: at, type: 'DirectoryOrCreate' }, at: '/host' }]);
      expect(await world.said(made)).toEqual(['/host']);
      await world.apply(
        world.reader('no-file', 'true', [{ name: 'host', hostPath: { path: at, type: 'File' }, at: '/host' }]),
        world.reader('nowhere', 'true', [{ name: 'host', hostPath: { path: `${at}/none`, type: 'Directory' }, at: '/host' }]),
      );
      expect(await world.told('no-file', 'FailedMount')).toContain(
        `MountVolume.SetUp failed for volume "host" : hostPath type check failed: ${at} is not a file`,
      );
      expect(await world.told('nowhere', 'FailedMount')).toContain(
        `MountVolume.SetUp failed for volume "host" : hostPath type check failed: ${at}/none is not a directory`,
      );
    });

    describe('claims', () => {
      const claim = (name: string, storageClassName?: string): object => ({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name },
        spec: {
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '1Gi' } },
          ...(storageClassName !== undefined && { storageClassName }),
        },
      });
      const user = (name: string, script: string, claimName: string, readOnly = false): object =>
        world.reader(name, script, [{ name: 'data', persistentVolumeClaim: { claimName, readOnly }, at: '/mnt/data' }]);
      const phase = async (name: string): Promise<string> => world.ok(['get', 'pvc', name, '-o', 'jsonpath={.status.phase}']);

      it('keep what pods write, for pods after them, as long as they are there', async () => {
        const name = `kept-${world.namespace}`;
        const volume = {
          apiVersion: 'v1',
          kind: 'PersistentVolume',
          metadata: { name },
          spec: {
            capacity: { storage: '1Gi' },
            accessModes: ['ReadWriteOnce'],
            hostPath: { path: `/var/tmp/tsumugi-${name}`, type: 'DirectoryOrCreate' },
            claimRef: { namespace: world.namespace, name: 'kept' },
          },
        };
        await world.apply(user('first', 'umask 022; echo one > /mnt/data/file; ls -A /mnt/data', 'kept'));
        const waiting = await world.when('first', 'waits', ({ status }) => (status?.conditions?.length ?? 0) > 0);
        expect(waiting.status).toMatchObject({
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: expect.stringContaining('0/1 nodes are available: persistentvolumeclaim "kept" not found.') as string,
            },
          ],
        });
        try {
          await world.apply(volume, claim('kept', ''));
          await world.finished('first');
          expect(await world.lines('first')).toEqual(['file']);
          expect(await world.said(user('second', 'echo two >> /mnt/data/file; cat /mnt/data/file', 'kept'))).toEqual(['one', 'two']);
          const script = 'echo three 2>/dev/null >> /mnt/data/file || echo read-only; rm -f /mnt/data/file 2>/dev/null; cat /mnt/data/file';
          expect(await world.said(user('third', script, 'kept', true))).toEqual(['read-only', 'one', 'two']);
          await world.apply(user('holder', 'while :; do sleep 0.2; done', 'kept'));
          await world.running('holder');
          await world.ok(['delete', 'pvc', 'kept', '--wait=false']);
          expect(await world.ok(['get', 'pvc', 'kept', '--no-headers'])).toMatch(/^kept +Terminating /);
          expect(await world.ok(['describe', 'pvc', 'kept'])).toMatch(/Used By: +(.*\n +)*holder\n/);
          await world.ok(['delete', 'pod', 'first', 'second', 'third', 'holder']);
          await world.ok(['wait', '--for=delete', 'pvc/kept', '--timeout=60s']);
          await world.ok(['wait', '--for=jsonpath={.status.phase}=Released', `pv/${name}`, '--timeout=60s']);
        } finally {
          await world.kubectl.run(['delete', 'pv', name, '--wait=false']);
        }
      });

      it('of the default class get a volume of their own, which goes with them', async ({ skip }) => {
        if (!substrate.makesVolumes) skip('no storage class here');
        await world.apply(claim('own'), user('filler', 'echo mine > /mnt/data/file; cat /mnt/data/file', 'own'));
        await world.finished('filler');
        expect(await world.lines('filler')).toEqual(['mine']);
        expect(await phase('own')).toBe('Bound');
        const volume = await world.ok([
          'get',
          'pvc',
          'own',
          '-o',
          'jsonpath={.spec.volumeName} {.spec.storageClassName} {.status.capacity.storage}',
        ]);
        expect(volume).toMatch(/^pvc-\S+ standard 1Gi$/);
        expect(await world.said(user('reader', 'cat /mnt/data/file', 'own'))).toEqual(['mine']);
        await world.ok(['delete', 'pod', 'filler', 'reader']);
        await world.ok(['delete', 'pvc', 'own']);
        await world.ok(['wait', '--for=delete', `pv/${volume.split(' ')[0] as string}`, '--timeout=60s']);
      });
    });

    it('fills variables from fields, limits, ConfigMaps and Secrets', async () => {
      const resources = { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '1500m', memory: '100Mi' } };
      const from = (resource: string, divisor?: string): object => ({
        valueFrom: { resourceFieldRef: { resource, ...(divisor && { divisor }) } },
      });
      const container = world.container('', {
        command: ['sh', '-c', 'env | grep "^T_"; echo "$0 $1"', '$(T_NAME)', '$$(T_NAME) $(T_NONE)'],
        resources,
        envFrom: [
          { prefix: 'T_', configMapRef: { name: 'words' } },
          { prefix: 'T_S_', secretRef: { name: 'keys' } },
          { configMapRef: { name: 'none', optional: true } },
        ],
        env: [
          { name: 'T_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'T_LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a/b']" } } },
          { name: 'T_ACCOUNT', valueFrom: { fieldRef: { fieldPath: 'spec.serviceAccountName' } } },
          { name: 'T_CPU', ...from('limits.cpu') },
          { name: 'T_MILLI', ...from('requests.cpu', '1m') },
          { name: 'T_MEMORY', ...from('limits.memory') },
          { name: 'T_MEGA', ...from('requests.memory', '1Mi') },
          { name: 'T_two', value: 'not $(T_two)' },
          { name: 'T_ALL', value: '$(T_one)-$(T_NONE)-$$(T_one)' },
          { name: 'T_KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } },
          { name: 'T_OPTIONAL', valueFrom: { configMapKeyRef: { name: 'words', key: 'none', optional: true } } },
        ],
      });
      const lines = await world.said(world.pod('variables', { containers: [container] }, { labels: { 'a/b': 'labelled' } }));
      expect(lines.slice(0, -1).toSorted()).toEqual([
        'T_ACCOUNT=default',
        'T_ALL=first-$(T_NONE)-$(T_one)',
        'T_CPU=2',
        'T_KEY=sesame',
        'T_LABEL=labelled',
        'T_MEGA=64',
        `T_MEMORY=${100 * 2 ** 20}`,
        'T_MILLI=50',
        'T_NAME=variables',
        'T_S_key=sesame',
        'T_S_other=open',
        'T_one=first',
        'T_two=not second',
      ]);
      expect(lines.at(-1)).toBe('variables $(T_NAME) $(T_NONE)');
    });

    it('waits for what a variable names, in the same words', async () => {
      const pods = {
        'no-map': [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'none', key: 'a' } } }],
        'no-key': [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'words', key: 'none' } } }],
        'no-secret-key': [{ name: 'A', valueFrom: { secretKeyRef: { name: 'keys', key: 'none' } } }],
      };
      await world.apply(...Object.entries(pods).map(([name, env]) => world.pod(name, { containers: [world.container('true', { env })] })));
      const messages = {
        'no-map': 'configmap "none" not found',
        'no-key': `couldn't find key none in ConfigMap ${world.namespace}/words`,
        'no-secret-key': `couldn't find key none in Secret ${world.namespace}/keys`,
      };
      for (const [name, message] of Object.entries(messages)) {
        await eventually(`${name} waits`, async () => stateOf(await world.object('pod', name)).waiting?.message !== undefined, 60);
        expect(stateOf(await world.object('pod', name)).waiting).toEqual({ reason: 'CreateContainerConfigError', message });
      }
    });
  });
}
