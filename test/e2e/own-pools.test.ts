/** Functions that say something of their pods, on a platform as a user starts it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanUp, eventually, startPlatform, temporaryFolder, type TestPlatform } from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(cleanUp);

async function apply(...objects: object[]): Promise<void> {
  const folder = temporaryFolder();
  for (const [index, object] of objects.entries()) writeFileSync(join(folder, `${index}.yaml`), JSON.stringify(object));
  const { code, stderr } = await platform.tsumugi('deploy', folder, '--no-wait');
  if (code !== 0) throw new Error(stderr);
}
const named = (name: string) => ({ metadata: { name, namespace: 'default' } });
const func = (name: string, inline: string, spec: object): object => ({
  apiVersion: 'tsumugi.dev/v1',
  kind: 'Function',
  ...named(name),
  spec: { source: { inline }, ...spec },
});

async function answer(name: string): Promise<string> {
  let text = '';
  await eventually(`${name} answers`, async () => {
    const response = await platform.fetch(`/function/${name}`);
    text = await response.text();
    return response.status === 200;
  });
  return text;
}

test('a function reads a ConfigMap as files, writes to an empty folder, and has a memory limit of its own', async () => {
  const source = `import { readFileSync, writeFileSync } from 'node:fs';
    export default () => {
      writeFileSync('/scratch/a', 'written');
      let locked = '';
      try { writeFileSync('/configs/app/greeting', ''); } catch (error) { locked = error.code; }
      return [readFileSync('/configs/app/greeting', 'utf8'), readFileSync('/scratch/a', 'utf8'), locked !== ''].join(' ');
    };`;
  await apply(
    { apiVersion: 'v1', kind: 'ConfigMap', ...named('app'), data: { greeting: 'hello', other: 'x' } },
    func('reader', source, {
      resources: { limits: { memory: '200Mi' } },
      serviceAccountName: 'nobody',
      volumes: [
        { name: 'app', configMap: { name: 'app' } },
        { name: 'scratch', emptyDir: {} },
      ],
      volumeMounts: [
        { name: 'app', mountPath: '/configs/app' },
        { name: 'scratch', mountPath: '/scratch' },
      ],
    }),
  );
  expect(await answer('reader')).toBe('hello written true');
  const hungry = 'export default () => { const all = []; for (;;) all.push(Buffer.alloc(16 << 20, 1)); };';
  await apply(func('hungry', hungry, { resources: { limits: { memory: '200Mi' } } }), func('modest', 'export default () => "here";', {}));
  expect(await answer('modest')).toBe('here');
  await eventually('its pod ends at its limit', async () => {
    const { error } = (await (await platform.fetch('/function/hungry')).json()) as { error: { code: string } };
    return error.code === 'OutOfMemory';
  });
  // A pod of the common pool is none the worse for it.
  expect(await answer('modest')).toBe('here');
});

test('an image that does not run here is told to the caller at once, and in the condition', async () => {
  await apply(func('foreign', 'export default () => 1;', { image: 'registry.example/other:1' }));
  let message = '';
  await eventually('the caller is told', async () => {
    const response = await platform.fetch('/function/foreign');
    if (response.status !== 503) return false;
    ({ message } = ((await response.json()) as { error: { message: string } }).error);
    // Not the words of a time-out.
    return message.startsWith('no pod can be started: ImageUnavailable: ');
  });
  expect(message).toContain('image "registry.example/other:1" cannot run on this node');
  await eventually('the condition says so', async () =>
    /RevisionFailed[^]*ImageUnavailable/.test((await platform.tsumugi('get', 'function', 'foreign', '-o', 'yaml')).stdout),
  );
});
