import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { KubeObject } from '../../resources/object.ts';
import { configMaps, nodes, pods, secrets } from '../../resources/resources.ts';
import { podFolder } from './paths.ts';
import { openWorld, phaseIs, shell, shimPod, stateOf } from './testing/world.ts';
import type { World } from './testing/world.ts';

const probe = await openWorld('auto');
const hasSandbox = probe.node.isolation.name === 'sandbox';
await probe.close();
if (!hasSandbox) console.warn(`skipped: pods in a sandbox (${probe.node.isolation.warnings.join(' ')})`);

for (const isolation of ['process', 'required'] as const) {
  describe.skipIf(isolation === 'required' && !hasSandbox)(
    `node with ${isolation === 'required' ? 'a sandbox' : 'plain processes'}`,
    () => {
      let world: World;
      beforeAll(async () => {
        world = await openWorld(isolation);
      });
      afterAll(() => world.close());

      it('makes a blank process a pod of a built-in image, bound, running, ready, listening', async () => {
        await world.create('shim', shimPod());
        const pod = await world.when('shim', phaseIs('Running'));
        expect(pod.spec.nodeName).toBe('tsumugi');
        expect(pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
        const said = await world.ask(pod);
        expect(said.assign).toMatchObject({ pod: pod.metadata.uid, namespace: 'default', name: 'shim', publicKey: 'key' });
        // Whether the shim was told to hurry depends on who came first, it or the pod.
        const names = Object.keys(said.env).filter((name) => name !== 'TSUMUGI_HURRY');
        expect(names.sort()).toEqual(
          isolation === 'process'
            ? ['HOME', 'PATH', 'TMPDIR', 'TSUMUGI_CONFIGS', 'TSUMUGI_LIFELINE', 'TSUMUGI_SECRETS']
            : ['HOME', 'PATH', 'TSUMUGI_LIFELINE'],
        );
        expect(await world.log('shim')).toBe('pod shim\n');
      });

      it('starts more pods than there are blank ones', async () => {
        const names = ['many-1', 'many-2', 'many-3', 'many-4'];
        await Promise.all(names.map((name) => world.create(name, shimPod())));
        const running = await Promise.all(names.map((name) => world.when(name, phaseIs('Running'))));
        const pids = await Promise.all(running.map(async (pod) => (await world.ask(pod)).assign['name']));
        expect(pids).toEqual(names);
        await Promise.all(names.map((name) => world.client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 })));
      });

      it('runs the program of a built-in image with arguments, or a command instead of it, to the end', async () => {
        const env = [{ name: 'WHO', value: 'you' }];
        const container = { name: 'a', image: 'tsumugi/node', env };
        await world.create('words', { containers: [{ ...container, args: ['--say=$(WHO)', 'more'] }] });
        await world.create('instead', { containers: [{ ...container, command: ['sh', '-c', 'echo instead'] }] });
        const ended = (name: string) => world.when(name, ({ status }) => status?.phase === 'Failed' || status?.phase === 'Succeeded');
        expect((await ended('words')).status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3 });
        expect(await world.log('words')).toBe('["--say=you","more"]\n');
        expect((await ended('instead')).status?.phase).toBe('Succeeded');
        expect(await world.log('instead')).toBe('instead\n');
      });

      it('tells how a program ended', async () => {
        await world.create('good', shell('echo done'));
        await world.create('bad', shell('echo oops >&2; exit 3'));
        await world.create('shot', shell('kill -KILL $$'));
        const good = await world.when('good', phaseIs('Succeeded'));
        expect(stateOf(good).terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
        expect(stateOf(await world.when('bad', phaseIs('Failed'))).terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
        if (isolation === 'process')
          expect(stateOf(await world.when('shot', phaseIs('Failed'))).terminated).toMatchObject({ exitCode: 137, reason: 'Error' });
        expect(await world.log('bad')).toBe('oops\n');
        expect(good.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' });
      });

      it('writes the status of a program that ends at once a single time', async () => {
        const { metadata } = await world.client.list(pods);
        const names = Array.from({ length: 10 }, (_, n) => `brief-${n}`);
        for (const name of names) {
          await world.create(name, shell('true'));
          await world.when(name, phaseIs('Succeeded'));
        }
        const stop = new AbortController();
        const phases: string[] = [];
        for await (const { object } of world.client.watch<Pod>(pods, { resourceVersion: metadata.resourceVersion, signal: stop.signal })) {
          if (object.metadata.name.startsWith('brief-')) phases.push(object.status?.phase ?? '');
          if (object.metadata.name === names.at(-1) && phases.at(-1) === 'Succeeded') stop.abort();
        }
        // On a machine that is busy some take their time.
        expect(phases.filter((phase) => phase === 'Succeeded')).toHaveLength(names.length);
        expect(phases.filter((phase) => phase === 'Running').length).toBeLessThan(names.length);
      });

      it('lets a program open its stdout and stderr again', async () => {
        await world.create('opens', shell('echo one > /dev/stdout && echo two > /dev/stderr && echo three | tee /dev/stderr > /dev/null'));
        await world.when('opens', phaseIs('Succeeded'));
        expect((await world.log('opens')).split('\n').filter(Boolean).toSorted()).toEqual(['one', 'three', 'two']);
      });

      it('lets no volume take the place of the programs that lead into a sandbox', async () => {
        for (const [at, mountPath] of ['/', '/usr/bin', '/bin/', '/lib64', '/etc/../usr/lib', '/tsumugi', '/dev/shm'].entries()) {
          const mounts = { volumeMounts: [{ name: 'mine', mountPath }] };
          await world.create(`over-${at}`, { ...shell('true', mounts), volumes: [{ name: 'mine', emptyDir: {} }] });
          const { waiting } = stateOf(await world.when(`over-${at}`, (pod) => stateOf(pod).waiting?.message !== undefined));
          expect(waiting).toMatchObject({
            reason: 'CreateContainerConfigError',
            message: expect.stringContaining('nothing can be mounted at') as string,
          });
          await world.client.delete(pods, { namespace: 'default', name: `over-${at}` }, { gracePeriodSeconds: 0 });
        }
      });

      it('fills the environment from fields, Secrets and ConfigMaps, and waits for what is missing', async () => {
        await world.client.create(configMaps, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { namespace: 'default', name: 'conf' },
          data: { ONE: '1' },
        } as KubeObject);
        await world.create(
          'env',
          shell('echo "$NAME|$PLAIN|$TOKEN|$MODE|$(PLAIN)|$P_ONE"', {
            envFrom: [{ prefix: 'P_', configMapRef: { name: 'conf' } }],
            env: [
              { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              { name: 'PLAIN', value: "it's $(NAME)" },
              { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'late', key: 'token' } } },
              { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'conf', key: 'none', optional: true } } },
              { name: 'LD_PRELOAD', value: '/nowhere.so' },
            ],
          }),
        );
        const waiting = await world.when('env', (pod) => stateOf(pod).waiting?.message?.includes('late') === true);
        expect(stateOf(waiting).waiting).toMatchObject({ reason: 'CreateContainerConfigError', message: 'secret "late" not found' });
        await world.client.create(secrets, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { namespace: 'default', name: 'late' },
          stringData: { token: 'sesame' },
        } as KubeObject);
        await world.when('env', phaseIs('Succeeded'));
        expect((await world.log('env')).split('\n').filter((line) => !line.startsWith('ERROR: ld.so'))).toEqual([
          "env|it's env|sesame||it's env|1",
          '',
        ]);
      });

      it('starts a failing program again as the policy says, with a growing delay, and keeps the log of the run before', async () => {
        await world.create('again', { ...shell('n=$(cat /tmp/n 2>/dev/null || echo 0); echo "run"; exit 2'), restartPolicy: 'OnFailure' });
        const waiting = await world.when('again', (pod) => stateOf(pod).waiting?.reason === 'CrashLoopBackOff');
        expect(waiting.status?.phase).toBe('Running');
        expect(waiting.status?.containerStatuses?.[0]).toMatchObject({
          restartCount: 1,
          ready: false,
          lastState: { terminated: { exitCode: 2 } },
        });
        expect(await world.log('again', { previous: true })).toBe('run\n');
        expect(await world.log('again')).toBe('run\n');
        await world.client.delete(pods, { namespace: 'default', name: 'again' });
        await world.gone('again');
      });

      it('gives a shim that ended a new process, its log and its socket, where the policy says so', async () => {
        await world.create('renewed', { ...shimPod(), restartPolicy: 'Always' });
        const first = await world.when('renewed', phaseIs('Running'));
        world.host.signal(first.status?.containerStatuses?.[0]?.containerID?.replace('tsumugi://', '') as string, 'SIGTERM');
        const second = await world.when(
          'renewed',
          (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1 && stateOf(pod).running !== undefined,
        );
        expect(second.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
        expect((await world.ask(second)).assign['name']).toBe('renewed');
        expect(await world.log('renewed')).toBe('pod renewed\n');
        await world.client.delete(pods, { namespace: 'default', name: 'renewed' }, { gracePeriodSeconds: 5 });
        await world.gone('renewed');
      });

      it('asks a deleted pod to end, and kills it after its grace period', async () => {
        await world.create('polite', shell('trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done'));
        await world.create('deaf', shell('trap "" TERM; echo up; while :; do sleep 0.05; done'));
        for (const name of ['polite', 'deaf']) {
          await world.when(name, phaseIs('Running'));
          while (!(await world.log(name)).includes('up')) await new Promise((resolve) => setTimeout(resolve, 10));
        }
        const followed = world.log('polite', { follow: true });
        await world.client.delete(pods, { namespace: 'default', name: 'polite' }, { gracePeriodSeconds: 30 });
        await world.client.delete(pods, { namespace: 'default', name: 'deaf' }, { gracePeriodSeconds: 1 });
        expect(await followed).toBe('up\nbye\n');
        await world.gone('polite');
        await world.gone('deaf');
        expect((await world.host.list()).filter(({ id }) => !id.startsWith('b-')).every(({ exit }) => exit)).toBe(true);
      });

      it('says what it cannot run', async () => {
        await world.create('image', { containers: [{ name: 'main', image: 'nginx' }] });
        await world.create('tagged', { containers: [{ name: 'main', image: 'tsumugi/node:9.9.9' }] });
        expect(stateOf(await world.when('image', (pod) => stateOf(pod).waiting !== undefined)).waiting).toMatchObject({
          reason: 'ImageUnavailable',
          message: expect.stringContaining('tsumugi/node'),
        });
        expect(stateOf(await world.when('tagged', (pod) => stateOf(pod).waiting !== undefined)).waiting).toMatchObject({
          reason: 'ImageUnavailable',
          message: expect.stringContaining('1.2.3'),
        });
        await world.create('program', { containers: [{ name: 'main', image: 'host', command: ['/no/such/program'] }] });
        const failed = await world.when('program', phaseIs('Failed'));
        expect([127, 128]).toContain(stateOf(failed).terminated?.exitCode);
      });

      it('puts Secrets below /secrets and, in a sandbox, volumes anywhere', async () => {
        await world.client.create(secrets, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { namespace: 'default', name: 'files' },
          stringData: { key: 'value' },
        } as KubeObject);
        const spec = shell(
          'cat /secrets/mine/key; cat /deep/path/key; echo "no" >/deep/path/x || echo read-only; echo yes >/scratch/x && cat /scratch/x',
          {
            volumeMounts: [
              { name: 'files', mountPath: '/secrets/mine' },
              { name: 'files', mountPath: '/deep/path' },
              { name: 'scratch', mountPath: '/scratch' },
            ],
          },
        );
        await world.create('volumes', {
          ...spec,
          volumes: [
            { name: 'files', secret: { secretName: 'files' } },
            { name: 'scratch', emptyDir: {} },
          ],
        });
        const pod = await world.when(
          'volumes',
          (each) => phaseIs('Succeeded')(each) || stateOf(each).waiting?.reason === 'IsolationUnavailable',
        );
        if (isolation === 'process') expect(stateOf(pod).waiting?.message).toContain('/deep/path, /scratch');
        else
          expect((await world.log('volumes')).split('\n').filter((line) => !line.startsWith('/bin/sh'))).toEqual([
            'valuevalueread-only',
            'yes',
            '',
          ]);
      });

      it('kills a program that needs more memory than its limit and says so; others run on', async () => {
        const hog = 'const all = []; for (;;) all.push(Buffer.alloc(4e6, 1))';
        await world.create('hog', {
          containers: [
            {
              name: 'main',
              image: 'host',
              command: [isolation === 'process' ? process.execPath : '/tsumugi/node', '-e', hog],
              resources: { limits: { memory: '100Mi' } },
            },
          ],
        });
        const pod = await world.when('hog', phaseIs('Failed'));
        expect(stateOf(pod).terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
        expect((await world.ask(await world.when('shim', phaseIs('Running')))).assign['name']).toBe('shim');
      });

      it('ends a pod at its deadline', async () => {
        await world.create('slow', { ...shell('sleep 1000'), activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 0 });
        expect((await world.when('slow', phaseIs('Failed'))).status).toMatchObject({ reason: 'DeadlineExceeded' });
      });

      it('leaves what runs to the next node, which learns what happened in between', async () => {
        await world.create('stays', shimPod());
        const before = await world.when('stays', phaseIs('Running'));
        for (const name of ['ends', 'unwanted']) await world.create(name, shell('read -r code <&3; exit $code'));
        const unwanted = await world.when('unwanted', phaseIs('Running'));
        const ends = await world.when('ends', phaseIs('Running'));
        const { pid } = await world.ask(before);
        await world.restartNode(async () => {
          world.host.send(`${ends.metadata.uid}.0.0`, '7');
          await world.client.delete(pods, { namespace: 'default', name: 'unwanted' }, { gracePeriodSeconds: 0 });
        });
        expect(stateOf(await world.when('ends', phaseIs('Failed'))).terminated).toMatchObject({ exitCode: 7, reason: 'Error' });
        expect((await world.host.list()).some(({ id, exit }) => id.startsWith(unwanted.metadata.uid as string) && !exit)).toBe(false);
        const after = await world.when('stays', phaseIs('Running'));
        expect(stateOf(after)).toEqual(stateOf(before));
        expect((await world.ask(after)).pid).toBe(pid);
        await world.client.delete(pods, { namespace: 'default', name: 'stays' }, { gracePeriodSeconds: 5 });
        await world.gone('stays');
      });

      it('makes anew what a control plane had made by halves when it was killed', async () => {
        await world.restartNode(async () => {
          const pod = await world.create('half', shell('echo all of it; touch mine'));
          // A folder that is the platform's own still, and no more.
          await mkdir(join(podFolder(join(world.folder, 'run'), pod.metadata.uid as string), 'work'), { recursive: true });
        });
        expect(stateOf(await world.when('half', phaseIs('Succeeded'))).terminated).toMatchObject({ exitCode: 0 });
        expect(await world.log('half')).toBe('all of it\n');
      });

      it('goes on where a pod is with its init containers', async () => {
        const waits = (name: string) => ({ name, image: 'host', command: ['/bin/sh', '-c', 'read code <&3; exit $code'] });
        await world.create('inits', { initContainers: [waits('one'), waits('two')], ...shell('echo begun') });
        const running = (name: string) => (pod: Pod) =>
          pod.status?.initContainerStatuses?.find((each) => each.name === name)?.state?.running !== undefined;
        const { metadata } = await world.when('inits', running('one'));
        await world.restartNode(async () => world.host.send(`${metadata.uid}.i0.0`, '0'));
        await world.when('inits', running('two'));
        await world.restartNode();
        world.host.send(`${metadata.uid}.i1.0`, '0');
        const { status } = await world.when('inits', phaseIs('Succeeded'));
        expect(status?.initContainerStatuses).toMatchObject([
          { name: 'one', ready: true, restartCount: 0, state: { terminated: { exitCode: 0 } } },
          { name: 'two', ready: true, restartCount: 0, state: { terminated: { exitCode: 0 } } },
        ]);
        expect(await world.log('inits')).toBe('begun\n');
      });

      it('runs what is to be done after a start and before an end', async () => {
        const said = (word: string) => ({ exec: { command: ['sh', '-c', `echo ${word} >> $TMPDIR/order`] } });
        const script = 'export TMPDIR=${TMPDIR-/tmp}; trap "cat $TMPDIR/order; exit 0" TERM; while :; do sleep 0.05; done';
        const lifecycle = { postStart: said('started'), preStop: said('stopping') };
        const env = isolation === 'process' ? [] : [{ name: 'TMPDIR', value: '/tmp' }];
        await world.create('hooked', { ...shell(script, { lifecycle, env }), terminationGracePeriodSeconds: 20 });
        const pod = await world.when('hooked', phaseIs('Running'));
        const log = world.log('hooked', { follow: true });
        await world.client.delete(pods, pod.metadata);
        expect(await log).toBe('started\nstopping\n');
        await world.gone('hooked');
      });

      it('keeps a shim that listens though its pod was never said to run: somebody may use it', async () => {
        await world.create('early', shimPod());
        const before = await world.when('early', phaseIs('Running'));
        const { pid } = await world.ask(before);
        await world.restartNode(async () => {
          await world.client.patch(
            pods,
            { namespace: 'default', name: 'early' },
            { type: 'merge', body: { status: null } },
            { subresource: 'status' },
          );
        });
        const after = await world.when('early', phaseIs('Running'));
        expect([after.metadata.uid, (await world.ask(after)).pid]).toEqual([before.metadata.uid, pid]);
        await world.client.delete(pods, { namespace: 'default', name: 'early' }, { gracePeriodSeconds: 0 });
        await world.gone('early');
      });

      it('knows how a process ended whose end was heard and not stored', async () => {
        const patch = world.client.patch.bind(world.client);
        let isDying = false;
        const dying: typeof patch = (...call) =>
          isDying && JSON.stringify(call[2].body).includes('exitCode') ? Promise.reject(new Error('killed')) : patch(...call);
        Object.assign(world.client, { patch: dying });
        await world.create('unheard', shell('sleep 0.3; echo last words > /dev/termination-log; exit 5'));
        const { metadata } = await world.when('unheard', phaseIs('Running'));
        isDying = true;
        const known = async () => (await world.host.list()).find(({ id }) => id === `${metadata.uid}.0.0`);
        await vi.waitFor(async () => expect((await known())?.exit).toBeDefined(), 5000);
        await world.restartNode(async () => void (isDying = false));
        const { terminated } = stateOf(await world.when('unheard', phaseIs('Failed')));
        expect(terminated).toMatchObject({ exitCode: 5, ...(isolation === 'required' && { message: 'last words\n' }) });
        await vi.waitFor(async () => expect(await known()).toBeUndefined());
        Object.assign(world.client, { patch });
      });

      it('marks pods whose processes are gone as Failed', async () => {
        await world.create('lost', shell('sleep 1000'));
        const { metadata } = await world.when('lost', phaseIs('Running'));
        await world.restartNode(async () => {
          const id = `${metadata.uid}.0.0`;
          const ended = new Promise<void>((resolve) => {
            world.host.subscribe((event) => event.type === 'exit' && event.id === id && resolve());
          });
          world.host.signal(id, 'SIGKILL');
          await ended;
          world.host.forget(id);
        });
        expect(stateOf(await world.when('lost', phaseIs('Failed'))).terminated?.reason).toBe('ContainerStatusUnknown');
      });

      it('leaves no folder and no cgroup of a pod that is gone', async () => {
        await world.create('tidy', shell('echo hello; mkdir -m 0 /tmp/closed.$$; sleep 1000'));
        const { metadata } = await world.when('tidy', phaseIs('Running'));
        const mine = (names: string[]): string[] => names.filter((name) => name.startsWith(metadata.uid?.slice(0, 13) as string));
        expect(mine(await readdir(join(world.folder, 'run/p')))).toHaveLength(1);
        await world.client.delete(pods, { namespace: 'default', name: 'tidy' }, { gracePeriodSeconds: 0 });
        while (mine(await readdir(join(world.folder, 'run/p'))).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
        expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(world.folder);
      });

      it('is a Node of the API', async () => {
        const [node] = (await world.client.list(nodes)).items;
        expect(node?.metadata.name).toBe('tsumugi');
        expect((node as unknown as { status: { nodeInfo: Record<string, string> } }).status.nodeInfo['kubeletVersion']).toBe('v1.2.3');
      });
    },
  );
}
