import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { pods, secrets } from '../../resources/resources.ts';
import { systemClock } from '../../base/clock.ts';
import { podLogPath } from '../../kube/pod-log.ts';
import { Callers } from '../identity/callers.ts';
import { gatewayAudience } from '../identity/tokens.ts';
import { eventually, TestPlatform } from '../testing/platform.ts';
import type { RunCall } from './runs.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  const source = `
    export const sum = (...numbers) => numbers.reduce((a, b) => a + b, 0);
    export const variables = () => [process.env.OWN, process.env.ADDED, process.env.PASSWORD];`;
  await platform.inline('math', source, { env: [{ name: 'OWN', value: 'function' }] });
  await platform.ready('math');
});
afterAll(() => platform.stop());

/** A pod as a Job would make it. */
async function ownPod(settings: RunCall['settings'] = {}, of = 'math'): Promise<{ pod: Pod; revision: string }> {
  const { runs } = platform.functions;
  const { revision, spec } = await runs.podFor('default', of, settings);
  const metadata = { namespace: 'default', name: `run-${Math.random().toString(36).slice(2)}` };
  return { pod: await platform.client.create<Pod>(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec }), revision };
}

const phase = async (pod: Pod): Promise<string | undefined> => (await platform.client.get<Pod>(pods, pod.metadata)).status?.phase;

test('a call is handed to its pod once, also by the platform that comes after; released, the pod ends', async () => {
  const { runs } = platform.functions;
  expect(runs.resolve('default', 'sum')).toEqual({ function: 'math', export: 'sum' });
  const { pod, revision } = await ownPod();
  const call: RunCall = { namespace: 'default', revision, run: { id: 'runner-1', export: 'sum', args: [1, 2, 3] }, settings: {} };
  const first = await eventually(() => runs.call(pod, async () => call));
  expect(await first.outcome).toEqual({ value: 6 });
  first.close();

  await platform.stopFunctions();
  await platform.startFunctions();
  const again = await platform.functions.runs.call(pod, () => Promise.reject(new Error('it has its call already')));
  expect(await again.outcome).toEqual({ value: 6 });
  await again.release();
  await eventually(async () => expect(await phase(pod)).toBe('Succeeded'));
});

test('what the run is given is added to what its function has; an unknown Secret is told', async () => {
  const { runs } = platform.functions;
  await platform.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'default', name: 'password' },
    stringData: { PASSWORD: 'hidden' },
  } as never);
  const settings = { env: [{ name: 'ADDED', value: 'run' }], secrets: ['password'] };
  const { pod, revision } = await ownPod(settings);
  const run = { id: 'runner-2', export: 'variables', args: [] };
  const missing = { namespace: 'default', revision, run, settings: { secrets: ['nowhere'] } };
  await expect(eventually(() => runs.call(pod, async () => missing), 2000)).rejects.toThrow('Secret "nowhere" does not exist');
  const connection = await runs.call(pod, async () => ({ namespace: 'default', revision, run, settings }));
  expect(await connection.outcome).toEqual({ value: ['function', 'run', 'hidden'] });
  await connection.release();
});

test('the tokens of a run are renewed by whoever leads, also by the platform that comes after', async () => {
  const source = `
    const token = () => globalThis[Symbol.for('tsumugi.identity')].token('gateway');
    export const collect = async (count) => {
      const all = [token()];
      while (all.length < count) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (token() !== all.at(-1)) console.log('renewed: ' + all.push(token()));
      }
      return all;
    };`;
  await platform.inline('patient', source, { permissions: { store: true } });
  await platform.ready('patient');
  const { pod, revision } = await ownPod({}, 'patient');
  /** Its leader looks each minute: a tenth of a second here. Those that it does not know are renewed at once. */
  const restart = async (): Promise<void> => {
    await platform.stopFunctions();
    await platform.startFunctions({ clock: { now: () => Date.now(), sleep: (ms, signal) => systemClock.sleep(ms / 600, signal) } });
  };
  const run = { id: 'runner-3', export: 'collect', args: [3] };
  await restart();
  const { runs } = platform.functions;
  const first = await eventually(() => runs.call(pod, async () => ({ namespace: 'default', revision, run, settings: {} })));
  const log = podLogPath('default', pod.metadata.name, '');
  await eventually(async () => expect(await platform.client.raw(log)).toContain('renewed: 2'));
  first.close();

  await restart();
  const again = await platform.functions.runs.call(pod, () => Promise.reject(new Error('it has its call already')));
  const { value } = await again.outcome;
  expect(new Set(value as string[]).size).toBe(3);
  const guests = new Callers(platform.client, gatewayAudience);
  for (const token of value as string[])
    expect(await guests.authenticate(token)).toMatchObject({ namespace: 'default', name: 'tsumugi-function-patient' });
  await again.release();
});

test('a function that is not there, or not ready, gets no pod', async () => {
  const { runs } = platform.functions;
  await expect(runs.podFor('default', 'nothing', {})).rejects.toMatchObject({ code: 'NotFound' });
});
