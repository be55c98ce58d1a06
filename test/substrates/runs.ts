/** What runs to its end in pods of its own, whatever carries it: runners as programs use them. Nothing here may know which substrate it is. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, type Platform, Runner, type RunnerOptions, sensitive } from '../../src/client/index.ts';
import type { ConfigMap } from '../../src/resources/builtin/configmap.ts';
import type { Job } from '../../src/resources/builtin/job/types.ts';
import { configMaps, jobs, pods, secrets } from '../../src/resources/resources.ts';
import { eventually } from '../e2e/platform.ts';
import { type Substrate, World } from './substrate.ts';

const fizzbuzz = `
  import { setTimeout as sleep } from 'node:timers/promises';
  export function fizzbuzz(n: number): string | number {
    console.log('looking at', n);
    return n % 15 === 0 ? 'FizzBuzz' : n % 5 === 0 ? 'Buzz' : n % 3 === 0 ? 'Fizz' : n;
  }
  export const fail = () => { throw new TypeError('no such thing'); };
  export const exit = (code: number) => process.exit(code);
  export const nap = async (ms: number) => { await sleep(ms); return 'rested'; };
  export const variables = () => [process.env.TSUMUGI_RUNNER_ID, process.env.TSUMUGI_NAMESPACE, process.env.COLOUR];
  export const login = (user: string, password: string) => { console.log(user, password); return password.length; };
  export const talk = (lines: number) => { for (let n = 1; n <= lines; n++) console.log('line ' + n); };
`;

export function runsSuite(name: string, start: () => Promise<Substrate>): void {
  describe(`runs on ${name}`, () => {
    let world: World;
    let platform: Platform;
    const load = (options: RunnerOptions = {}): Promise<Runner> => Runner.load({ platform, ...options });
    const soon = (what: string, check: () => unknown): Promise<void> => eventually(what, check, world.substrate.patience);
    beforeAll(async () => {
      world = new World(await start());
      const { connection, namespace } = world.substrate;
      platform = await connect({ ...connection, namespace });
      await world.deploy('fizzbuzz', fizzbuzz);
    }, 600_000);
    afterAll(async () => {
      platform?.close();
      await world?.stop();
    }, 120_000);

    test('a call answers its id at once; its result, its log and its history are kept', async () => {
      const runner = await load();
      const id = await runner.fizzbuzz!(15);
      expect(id).toMatch(/^runner-[0-9a-f]{32}$/);
      expect(runner.id).toBe(id);
      expect(await runner.waitFor()).toBe('succeeded');
      expect(await runner.result()).toBe('FizzBuzz');
      const logs = await runner.logs();
      expect(Object.values(logs)).toEqual([[`Runner ID: ${id}\n`, 'fizzbuzz(15)\n', 'looking at 15\n', 'Result: FizzBuzz\n']]);
      expect(Object.keys(logs)[0]).toMatch(new RegExp(`^${id}-[a-z0-9]{5}\\.function$`));
      const again = await Runner.load(id, { platform });
      expect(await again.result()).toBe('FizzBuzz');
      expect((await Runner.list({ platform, status: 'succeeded' })).map((each) => each.id)).toContain(id);
    });

    test('it has a Job, its pod and a ConfigMap of its name while it runs, and nothing after', async () => {
      const runner = await load();
      const id = await runner.nap!(1500);
      const key = { namespace: world.substrate.namespace, name: id };
      await soon('it runs', async () => (await runner.status()) === 'running');
      const job = await platform.kube.get<Job>(jobs, key);
      expect(job.metadata.labels).toMatchObject({ 'tsumugi.dev/runner': id, 'tsumugi.dev/function': 'fizzbuzz' });
      const { data } = await platform.kube.get<ConfigMap>(configMaps, key);
      expect(data).toMatchObject({ function: 'fizzbuzz', revision: 'fizzbuzz-00001', export: 'nap', arguments: '[1500]' });
      expect(await runner.result()).toBe('rested');
      const selector = { namespace: key.namespace, labelSelector: `tsumugi.dev/runner=${id}` };
      for (const resource of [jobs, pods, configMaps, secrets])
        await soon(`${resource.plural} are gone`, async () => (await platform.kube.list(resource, selector)).items.length === 0);
    });

    test('what it throws is its error, with the stack in the user’s own lines', async () => {
      const runner = await load();
      await runner.fail!();
      expect(await runner.waitFor()).toBe('failed');
      const error = await runner.result().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'TypeError', message: 'no such thing', status: 'failed', reason: 'HandlerError' });
      expect((error as Error).stack).toMatch(/at fail .*fizzbuzz\.ts:7/);
      const [lines = []] = Object.values(await runner.logs());
      expect(lines.slice(0, 3)).toEqual([`Runner ID: ${runner.id}\n`, 'fail()\n', 'TypeError: no such thing\n']);
    });

    test('a process that ends by itself is told by its code', async () => {
      const runner = await load();
      await runner.exit!(3);
      await expect(runner.result()).rejects.toMatchObject({ message: 'the process ended with exit code 3', reason: 'InstanceExited' });
      await runner.exit!(0);
      expect(await runner.waitFor()).toBe('succeeded');
    });

    test('waitFor gives up with a TimeoutError and the run goes on; its own timeout ends it', async () => {
      const runner = await load();
      const id = await runner.nap!(2000);
      await expect(runner.waitFor({ timeout: 0.1 })).rejects.toMatchObject({ name: 'TimeoutError', runnerId: id });
      expect(await runner.result()).toBe('rested');
      const short = await load({ timeout: 1 });
      await short.nap!(60_000);
      await expect(short.result()).rejects.toMatchObject({ reason: 'DeadlineExceeded', status: 'failed' });
    });

    test('it is given variables, and what is sensitive is in no ConfigMap and in no log', async () => {
      const runner = await load({ env: { COLOUR: 'blue' } });
      const id = await runner.variables!();
      expect(await runner.result()).toEqual([id, world.substrate.namespace, 'blue']);
      await runner.login!('ada', sensitive('correct horse'));
      expect(await runner.result()).toBe(13);
      const [lines = []] = Object.values(await runner.logs());
      expect(lines.slice(1)).toEqual(['login("ada", ***)\n', 'ada ***\n', 'Result: 13\n']);
    });

    test('cancel ends it, with what it said until then', async () => {
      const runner = await load();
      await runner.nap!(60_000);
      // It runs before its code has said a word.
      await soon('it has begun', async () => (Object.values(await runner.logs())[0]?.length ?? 0) > 1);
      expect(await runner.status()).toBe('running');
      await runner.cancel();
      expect(await runner.waitFor()).toBe('cancelled');
      expect(Object.values(await runner.logs())[0]?.[1]).toBe('nap(60000)\n');
    });

    test('the last 500 lines are kept', async () => {
      const runner = await load();
      await runner.talk!(700);
      await runner.waitFor();
      const [lines = []] = Object.values(await runner.logs());
      expect([lines.length, lines.at(-1), lines.at(-2)]).toEqual([500, 'Result: undefined\n', 'line 700\n']);
    });

    test('three run at once in a namespace, the rest in order; who waits longer than he likes has failed', async () => {
      const ids: string[] = [];
      const runner = await load();
      for (let n = 0; n < 5; n++) ids.push(await runner.nap!(1000));
      await soon('three run', async () => (await Runner.list({ platform, status: 'running' })).length === 3);
      expect((await Runner.list({ platform, status: 'queued' })).map(({ id }) => id)).toEqual([ids[4], ids[3]]);
      // Two stand before him, and three run.
      const impatient = await load({ queueTimeout: 0.2 });
      await impatient.nap!(1);
      await expect(impatient.result()).rejects.toMatchObject({ status: 'failed', reason: 'QueueTimeout' });
      for (const id of ids) expect(await (await Runner.load(id, { platform })).waitFor()).toBe('succeeded');
    });

    test('a guest keeps its names, is watched, saved and deleted together', async () => {
      const runner = await load();
      const { namespace } = world.substrate;
      const id = await runner.guest(
        `
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
          image: ${world.substrate.image}
          command: [/bin/sh, -c, 'echo "$GREETING $(cat /etc/greeted/name)"; sleep 1']
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
`,
        { sync: true, timeout: 60 },
      );
      expect(id).toMatch(/^guest-runner-[0-9a-f]{32}$/);
      expect(await runner.describe()).toMatchObject({ id, kind: 'guest', status: 'succeeded' });
      const logs = await runner.logs();
      expect(Object.keys(logs)[0]).toMatch(/^greeter-[a-z0-9]{5}\.greeter$/);
      expect(Object.values(logs)).toEqual([['hello Ada\n']]);
      const selector = { namespace, labelSelector: `tsumugi.dev/runner=${id}` };
      for (const resource of [jobs, pods, configMaps, secrets])
        await soon(`${resource.plural} are gone`, async () => (await platform.kube.list(resource, selector)).items.length === 0);
    });

    const pod = (podName: string, spec: object = {}): object => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: podName },
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: world.substrate.image, command: ['/bin/sh', '-c', 'exit 4'] }],
        ...spec,
      },
    });

    test('a guest fails with the reason', async () => {
      const runner = await load();
      await runner.guest(pod('four'), { sync: true, timeout: 60 });
      await expect(runner.result()).rejects.toThrow('Pod "four" failed: the process ended with exit code 4');
    });

    test('a guest that cannot be kept is refused before anything is made', async () => {
      const runner = await load();
      const { namespace } = world.substrate;
      const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'x' }, spec: { ttlSecondsAfterFinished: 1, template: {} } };
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'taken' }, data: {} };
      await platform.kube.create(configMaps, { ...map, metadata: { ...map.metadata, namespace } });
      await expect(runner.guest([map, job])).rejects.toThrow('manifests[1] (Job "x"): spec.ttlSecondsAfterFinished: must not be set');
      await expect(runner.guest({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } })).rejects.toThrow(
        'v1 Service cannot be a guest',
      );
      await expect(runner.guest([map])).rejects.toThrow('there is nothing to run');
      await expect(runner.guest(pod('x', { restartPolicy: 'Always' }))).rejects.toThrow('such a pod never ends');
      await expect(runner.guest([pod('five'), map])).rejects.toThrow('there is a ConfigMap "taken" already');
      expect((await platform.kube.list(pods, { namespace, fieldSelector: 'metadata.name=five' })).items).toEqual([]);
    });

    test('an unknown name is refused with what was meant, before anything is made', async () => {
      const runner = await load();
      await expect(runner.fizbuzz!(1)).rejects.toThrow(/there is no function "fizbuzz".*/);
      await expect(Runner.load('runner-0', { platform })).rejects.toMatchObject({ code: 'NotFound' });
      expect((runner as { then?: unknown }).then).toBeUndefined();
    });
  });
}
