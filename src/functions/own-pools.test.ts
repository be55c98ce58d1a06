/** Functions that say something of their pods: against the embedded API and real shim processes. */
import { afterAll, beforeAll, expect, it } from 'vitest';

import { conditionOf } from '../resources/conditions.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import { configMaps, functions, pods } from '../resources/resources.ts';
import { eventually, TestPlatform } from './testing/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

const podsBy = async (labelSelector: string): Promise<readonly Pod[]> =>
  (await platform.client.list<Pod>(pods, { namespace: 'default', labelSelector })).items;
const own = 'tsumugi.dev/pool';
const common = '!tsumugi.dev/pool,!tsumugi.dev/function';

it('get pods that are made for them when somebody waits, and none else; the common pool is for the rest', async () => {
  await platform.inline('plain', 'export default () => 1;');
  const resources = { limits: { memory: '200Mi' } };
  await platform.inline('small', 'export default () => "small";', { resources });
  await platform.ready('small');
  await eventually(async () => expect(await podsBy(common)).toHaveLength(3));
  expect(await podsBy(own)).toEqual([]);

  expect(await platform.call('small')).toBe('small');
  const [pod, ...others] = await podsBy(own);
  expect(others).toEqual([]);
  expect(pod?.spec.containers[0]?.resources?.limits).toEqual({ memory: '200Mi' });
  expect(await podsBy(common)).toHaveLength(3);
  expect((await podsBy(common)).map(({ spec }) => spec.containers[0]?.resources?.limits?.['memory'])).toEqual(['512Mi', '512Mi', '512Mi']);

  await platform.client.delete(functions, { namespace: 'default', name: 'small' });
  await eventually(async () => expect(await podsBy(own)).toEqual([]));
});

it('are told, as their callers are, what the API server says of such pods; and are Ready once it takes them', async () => {
  const resources = { limits: { memory: '100Mi' }, requests: { memory: '200Mi' } };
  await platform.inline('greedy', 'export default () => "content";', { resources });
  await platform.ready('greedy');
  const says = expect.stringMatching(/^no pod can be started: PodRefused: .*must be less than or equal to memory limit of 100Mi/);
  expect(await platform.activate('greedy')).toMatchObject({ error: { code: 'NoInstance', message: says } });
  // The next caller need not wait for another refusal.
  expect(await platform.activate('greedy')).toMatchObject({ error: { code: 'NoInstance', message: says } });
  expect(conditionOf(await platform.ready('greedy', 'False'), 'Ready')).toMatchObject({
    reason: 'RevisionFailed',
    message: expect.stringContaining('must be less than or equal to memory limit'),
  });

  await platform.inline('greedy', 'export default () => "content";', { resources: { ...resources, requests: { memory: '100Mi' } } });
  await platform.ready('greedy');
  expect(await platform.call('greedy')).toBe('content');
});

it('say which ConfigMap a volume lacks, and are Ready once it is there', async () => {
  await platform.inline('reader', 'export default () => 1;', {
    volumes: [{ name: 'c', configMap: { name: 'settings', items: [{ key: 'a', path: 'a' }] } }],
    volumeMounts: [{ name: 'c', mountPath: '/configs/c' }],
  });
  const missing = async (): Promise<string | undefined> => conditionOf(await platform.ready('reader', 'False'), 'Ready')?.message;
  expect(await missing()).toMatch(/^ConfigMap "settings" does not exist/);
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name: 'settings' } };
  await platform.client.create(configMaps, { ...object, data: { b: '' } } as never);
  await eventually(async () => expect(await missing()).toMatch(/has no key "a"/));
  await platform.client.patch(configMaps, { namespace: 'default', name: 'settings' }, { type: 'merge', body: { data: { a: '' } } });
  await platform.ready('reader');
});

it('change their pods with a new revision; those of the old one go', async () => {
  const limits = (memory: string) => ({ resources: { limits: { memory } } });
  await platform.inline('grows', 'export default () => 1;', limits('100Mi'));
  await platform.ready('grows');
  await platform.instance('grows');
  await platform.inline('grows', 'export default () => 1;', limits('150Mi'));
  await eventually(async () => expect((await platform.function('grows')).status?.latestReadyRevision).toBe('grows-00002'));
  await eventually(async () => {
    const left = await podsBy('tsumugi.dev/function=grows');
    expect(left.map(({ spec }) => spec.containers[0]?.resources?.limits?.['memory'])).toEqual(['150Mi']);
  });
});
