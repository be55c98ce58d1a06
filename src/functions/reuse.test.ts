/** `reuse: never`: against the embedded API and real shim processes. */
import { afterAll, beforeAll, expect, it } from 'vitest';

import type { Pod } from '../resources/builtin/pod-types.ts';
import { pods } from '../resources/resources.ts';
import { eventually, invoke, TestPlatform } from './testing/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

const source = `
  import { existsSync, writeFileSync } from 'node:fs';
  let served = 0;
  export default async (request) => {
    if (request.url.endsWith('/fail')) throw new Error('no');
    const left = existsSync('left-behind');
    writeFileSync('left-behind', 'x');
    return { pid: process.pid, served: ++served, left };
  };`;

const podsOf = async (name: string): Promise<readonly Pod[]> =>
  (await platform.client.list<Pod>(pods, { namespace: 'default', labelSelector: `tsumugi.dev/function=${name}` })).items;

it('each request has a pod of its own, which ends with it: by an error, too', async () => {
  await platform.inline('fresh', source, { reuse: 'never' });
  await platform.ready('fresh');
  const first = await platform.instance('fresh');
  expect(first).toMatchObject({ once: true, concurrency: 1 });
  expect(JSON.parse(await invoke(first, '/'))).toMatchObject({ served: 1, left: false });
  await expect(invoke(first, '/')).rejects.toThrow(/busy|closed|ECONNREFUSED|ENOENT/);

  const failing = await platform.instance('fresh', [first.id]);
  await expect(invoke(failing, '/fail')).rejects.toThrow('HandlerError');
  const third = await platform.instance('fresh', [first.id, failing.id]);
  expect(new Set([first.id, failing.id, third.id]).size).toBe(3);
  expect(JSON.parse(await invoke(third, '/'))).toMatchObject({ served: 1, left: false });
  // The pods end by themselves, and what they wrote is kept.
  await eventually(async () => expect(await podsOf('fresh')).toEqual([]));
});

it('a pod that nobody has used waits for its request', async () => {
  await platform.inline('kept', source, { reuse: 'never', scale: { min: 1 } });
  await platform.ready('kept');
  await eventually(async () => expect(await podsOf('kept')).toHaveLength(1));
  const [before] = await podsOf('kept');
  expect(JSON.parse(await platform.call('kept'))).toMatchObject({ served: 1 });
  await eventually(async () => {
    const [after, ...more] = await podsOf('kept');
    expect(more).toEqual([]);
    expect(after?.metadata.uid).toBeDefined();
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
  });
});

it('is of another revision, and says what concurrency it can have', async () => {
  await platform.inline('turns', source);
  await platform.ready('turns');
  await platform.apply('turns', { source: { inline: source }, reuse: 'never' });
  await platform.ready('turns');
  expect(await platform.revisionNames('turns')).toEqual(['turns-00001', 'turns-00002']);
  await expect(platform.inline('wrong', source, { reuse: 'never', concurrency: 2 })).rejects.toThrow(
    '`concurrency` must be 1 or absent where `reuse` is `never`',
  );
});
