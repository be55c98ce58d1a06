/** How pods begin and end: init containers, hooks, last words. The same on one machine and on a whole Kubernetes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../e2e/platform.ts';
import type { Container, Pod, PodCondition } from '../../src/resources/builtin/pod-types.ts';
import { PodsWorld, stateOf } from './pods-world.ts';
import type { PodsSubstrate } from './pods-world.ts';

/** Writes into its last words when it is told to end. */
const idle = 'trap "echo term >> /dev/termination-log; exit 0" TERM; while :; do sleep 0.1; done';
const say = (word: string): { exec: { command: string[] } } => ({
  exec: { command: ['sh', '-c', `echo ${word} >> /dev/termination-log`] },
});
const finalizers = ['example.com/look'];
const conditionOf = ({ status }: Pod, type: string): PodCondition | undefined => status?.conditions?.find((each) => each.type === type);

export function podLifecycleSuite(where: string, open: () => Promise<PodsSubstrate>): void {
  describe(`beginning and end of pods on ${where}`, { timeout: 300_000 }, () => {
    let substrate: PodsSubstrate;
    let world: PodsWorld;

    beforeAll(async () => {
      substrate = await open();
      world = new PodsWorld(substrate, `lifecycle-${process.pid}`);
      await world.kubectl.ok(['create', 'namespace', world.namespace]);
    });

    afterAll(async () => {
      await world?.kubectl.run(['delete', 'namespace', world.namespace, '--timeout=60s']);
      await substrate?.close();
    });

    describe('init containers', () => {
      const volumes = [{ name: 'data', emptyDir: {} }];
      const volumeMounts = [{ name: 'data', mountPath: '/data' }];
      const step = (name: string, script: string): Container => world.container(script, { name, volumeMounts });

      it('run one after the other, before all others, again until they end well', async () => {
        const first = step('first', 'echo first; echo first >> /data/log');
        const second = step('second', '[ -e /data/tried ] || { touch /data/tried; exit 3; }; echo second >> /data/log');
        const main = world.container('cat /data/log', { volumeMounts });
        await world.apply(
          world.pod('prepared', { initContainers: [first, second], containers: [main], volumes, restartPolicy: 'OnFailure' }),
        );
        const pod = await world.finished('prepared');
        expect(await world.lines('prepared')).toEqual(['first', 'second']);
        expect(await world.lines('prepared', '-c', 'first')).toEqual(['first']);
        expect(pod.status).toMatchObject({
          phase: 'Succeeded',
          initContainerStatuses: [
            { name: 'first', ready: true, restartCount: 0, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
            {
              name: 'second',
              ready: true,
              restartCount: 1,
              state: { terminated: { exitCode: 0, reason: 'Completed' } },
              lastState: { terminated: { exitCode: 3, reason: 'Error' } },
            },
          ],
        });
        expect(conditionOf(pod, 'Initialized')?.status).toBe('True');
      });

      it('are told of while they run', async () => {
        const first = step('first', 'until [ -e /data/go ]; do sleep 0.1; done');
        const main = world.container('cat /data/go', { volumeMounts });
        await world.apply(world.pod('preparing', { initContainers: [first], containers: [main], volumes }));
        const pod = await world.when('preparing', 'prepares', ({ status }) => !!status?.initContainerStatuses?.[0]?.state?.running);
        expect(pod.status).toMatchObject({
          phase: 'Pending',
          initContainerStatuses: [{ name: 'first', ready: false, started: true, restartCount: 0 }],
          containerStatuses: [{ name: 'main', ready: false, started: false, state: { waiting: { reason: 'PodInitializing' } } }],
        });
        expect(conditionOf(pod, 'Initialized')).toMatchObject({
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: 'containers with incomplete status: [first]',
        });
        expect(await world.ok(['get', 'pod', 'preparing', '--no-headers'])).toMatch(/^preparing +0\/1 +Init:0\/1 +0 /);
        // The container's end may come before the command's own.
        await world.kubectl.run(['-n', world.namespace, 'exec', 'preparing', '-c', 'first', '--', 'sh', '-c', 'echo went > /data/go']);
        await world.finished('preparing');
        expect(await world.lines('preparing')).toEqual(['went']);
      });

      it('that fail let nothing begin', async () => {
        const first = world.container('echo why > /dev/termination-log; exit 4', { name: 'first' });
        await world.apply(world.pod('unprepared', { initContainers: [first], containers: [world.container('echo no')] }));
        const pod = await world.finished('unprepared');
        expect(pod.status).toMatchObject({
          phase: 'Failed',
          initContainerStatuses: [{ ready: false, state: { terminated: { exitCode: 4, reason: 'Error', message: 'why\n' } } }],
          containerStatuses: [{ ready: false, state: { waiting: { reason: 'PodInitializing' } } }],
        });
        expect(conditionOf(pod, 'Initialized')).toMatchObject({ status: 'False', reason: 'ContainersNotInitialized' });
        expect(await world.ok(['get', 'pod', 'unprepared', '--no-headers'])).toMatch(/^unprepared +0\/1 +Init:Error +0 /);
      });

      it('put no link in the way of a subPath', async () => {
        const tree = [{ name: 'tree', emptyDir: {} }];
        const first = world.container('ln -s /etc /all/x', { name: 'first', volumeMounts: [{ name: 'tree', mountPath: '/all' }] });
        const main = world.container('ls /sub', { volumeMounts: [{ name: 'tree', mountPath: '/sub', subPath: 'x/deeper' }] });
        await world.apply(world.pod('linked', { initContainers: [first], containers: [main], volumes: tree }));
        const pod = await world.when('linked', 'waits', (each) => stateOf(each).waiting?.reason === 'CreateContainerConfigError');
        expect(stateOf(pod).waiting?.message).toContain('failed to create subPath directory for volumeMount "tree" of container "main"');
      });
    });

    describe('hooks', () => {
      const hooked = (name: string, lifecycle: Container['lifecycle'], terminationGracePeriodSeconds: number, more: object = {}): object =>
        world.pod(
          name,
          { containers: [world.container(idle, { lifecycle: lifecycle as object, ...more })], terminationGracePeriodSeconds },
          { finalizers },
        );
      /** Tells the pod to end, and how it ended. */
      async function ended(name: string): Promise<Pod> {
        await world.ok(['delete', 'pod', name, '--wait=false']);
        const pod = await world.when(name, 'has ended', (each) => stateOf(each).terminated !== undefined);
        await world.ok(['patch', 'pod', name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
        return pod;
      }

      it('are run after the start and before the end', async () => {
        const preStop = { exec: { command: ['sh', '-c', 'sleep 1; echo stopping >> /dev/termination-log'] } };
        await world.apply(hooked('hooked', { postStart: say('started'), preStop }, 30));
        await world.running('hooked');
        expect(stateOf(await ended('hooked')).terminated).toMatchObject({ exitCode: 0, message: 'started\nstopping\nterm\n' });
      });

      it('may ask over HTTP, or wait', async () => {
        const script = `exec node -e '
          const { appendFileSync } = require("node:fs");
          const told = (text) => appendFileSync("/dev/termination-log", text + "\\n");
          process.on("SIGTERM", () => { told("term"); process.exit(0); });
          require("node:http").createServer((request, response) => {
            told(request.method + " " + request.url + " " + request.headers["x-why"]);
            response.end();
          }).listen(38917, () => console.log("listens"));'`;
        const httpGet = { path: '/stop?now', port: 'hook', httpHeaders: [{ name: 'X-Why', value: 'told' }] };
        const container = world.container(script, {
          ports: [{ name: 'hook', containerPort: 38917 }],
          lifecycle: { postStart: { sleep: { seconds: 1 } }, preStop: { httpGet } },
        });
        await world.apply(world.pod('asked', { containers: [container], terminationGracePeriodSeconds: 30 }, { finalizers }));
        await world.running('asked');
        await eventually('it listens', async () => (await world.lines('asked')).includes('listens'), 30);
        expect(stateOf(await ended('asked')).terminated).toMatchObject({ exitCode: 0, message: 'GET /stop?now told\nterm\n' });
      });

      it('have the grace period, and the program a moment after it', async () => {
        await world.apply(hooked('endless', { preStop: { exec: { command: ['sleep', '60'] } } }, 1));
        await world.running('endless');
        expect(stateOf(await ended('endless')).terminated).toMatchObject({ exitCode: 0, message: 'term\n' });
      });

      it('that fail before the end are told', async () => {
        await world.apply(hooked('unstopped', { preStop: { exec: { command: ['sh', '-c', 'exit 5'] } } }, 10));
        await world.running('unstopped');
        expect(stateOf(await ended('unstopped')).terminated).toMatchObject({ exitCode: 0, message: 'term\n' });
        expect(await world.told('unstopped', 'FailedPreStopHook')).toEqual(['PreStopHook failed']);
      });

      it('that fail after the start end the container', async () => {
        const lifecycle = { postStart: { exec: { command: ['sh', '-c', 'sleep 1; exit 5'] } } };
        await world.apply(world.pod('unhooked', { containers: [world.container(idle, { lifecycle })], terminationGracePeriodSeconds: 2 }));
        expect(await world.told('unhooked', 'FailedPostStartHook')).toEqual(['PostStartHook failed']);
        const { status } = await world.finished('unhooked');
        expect(status).toMatchObject({
          phase: 'Succeeded',
          containerStatuses: [{ state: { terminated: { exitCode: 0, message: 'term\n' } } }],
        });
      });
    });

    it('last words are what a program wrote to its file, or the end of its log', async () => {
      const pods = {
        usual: world.container('echo told > /dev/termination-log; exit 1'),
        other: world.container('echo elsewhere > /tmp/words; exit 0', { terminationMessagePath: '/tmp/words' }),
        logged: world.container('echo one; echo two; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
        written: world.container('echo one; echo two > /dev/termination-log; exit 1', {
          terminationMessagePolicy: 'FallbackToLogsOnError',
        }),
        well: world.container('echo one; exit 0', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
        silent: world.container('echo one; exit 1'),
        long: world.container('seq 1 2000 > /dev/termination-log'),
        chatty: world.container('seq 1 2000; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
      };
      await world.apply(...Object.entries(pods).map(([name, container]) => world.pod(`words-${name}`, { containers: [container] })));
      const message = async (name: string): Promise<string | undefined> =>
        stateOf(await world.finished(`words-${name}`)).terminated?.message;
      expect(await message('usual')).toBe('told\n');
      expect(await message('other')).toBe('elsewhere\n');
      expect(await message('logged')).toBe('one\ntwo\n');
      expect(await message('written')).toBe('two\n');
      expect([await message('well'), await message('silent')]).toEqual([undefined, undefined]);
      const long = await message('long');
      expect([long?.length, long?.slice(-10)]).toEqual([4096, '1999\n2000\n']);
      const chatty = await message('chatty');
      expect([chatty?.split('\n').length, chatty?.slice(0, 5), chatty?.slice(-5)]).toEqual([81, '1921\n', '2000\n']);
    });

    it('each run has last words of its own', async () => {
      const script = 'if [ -e /work/kept/x ]; then exit 0; fi; touch /work/kept/x; echo first > /dev/termination-log; exit 1';
      const container = world.container(script, { volumeMounts: [{ name: 'kept', mountPath: '/work/kept' }] });
      await world.apply(
        world.pod('words-again', { containers: [container], volumes: [{ name: 'kept', emptyDir: {} }], restartPolicy: 'OnFailure' }),
      );
      const { status } = await world.finished('words-again');
      expect(status?.containerStatuses?.[0]).toMatchObject({ lastState: { terminated: { exitCode: 1, message: 'first\n' } } });
      expect(status?.containerStatuses?.[0]?.state?.terminated?.message).toBeUndefined();
    });
  });
}
