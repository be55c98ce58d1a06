/** `context.store` of functions on a platform as a user starts it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanUp, eventually, startPlatform, type TestPlatform } from './platform.ts';

let platform: TestPlatform;
const namespaces = ['default', 'other'];

/** Does with the store what the request says, and answers what came of it. */
const source = `
  const text = (bytes) => bytes instanceof Uint8Array ? 'bytes ' + [...bytes].join() : bytes;
  const operations = {
    get: async (store, key) => text(await store.get(key)) ?? null,
    read: async (store, key) => (await store.read(key)) ?? null,
    set: (store, ...rest) => store.set(...rest),
    bytes: (store, key) => store.set(key, new Uint8Array([0, 255])),
    delete: (store, ...rest) => store.delete(...rest),
    list: (store, ...rest) => store.list(...rest),
    add: async (store, key) => {
      for (;;) {
        const now = await store.read(key);
        try { await store.set(key, (now?.value ?? 0) + 1, { version: now?.version ?? 0 }); return true; }
        catch (error) { if (error.code !== 'Conflict') throw error; }
      }
    },
  };
  export default async (request, { store }) => {
    const [operation, ...rest] = await request.json();
    try { return { value: await operations[operation](store, ...rest) }; }
    catch (error) { return { code: error.code, message: error.message }; }
  };`;

const manifest = (name: string, namespace: string, permissions?: object): string =>
  JSON.stringify({
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { name, namespace },
    spec: { source: { inline: source }, ...(permissions && { permissions }) },
  });

async function apply(...objects: string[]): Promise<void> {
  const file = `${platform.data}/manifest.yaml`;
  (await import('node:fs')).writeFileSync(file, objects.join('\n---\n'));
  const { code, stderr } = await platform.tsumugi('apply', '-f', file);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
}

async function ask(name: string, ...call: unknown[]): Promise<unknown> {
  const answer = await platform.fetch(`/function/${name}`, { method: 'POST', body: JSON.stringify(call) });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${name} answered ${answer.status}: ${text}`);
  const { value, code, message } = JSON.parse(text) as { value?: unknown; code?: string; message?: string };
  if (code !== undefined) return `${code}: ${message}`;
  return value;
}

beforeAll(async () => {
  platform = await startPlatform();
  await apply('{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}}');
  await apply(
    ...namespaces.map((namespace) => manifest('keeper', namespace, { store: true })),
    manifest('second', 'default', { store: true }),
    manifest('idle', 'default', { emit: true }),
    manifest('nobody', 'default'),
  );
  for (const name of ['keeper', 'keeper.other', 'second', 'idle', 'nobody'])
    await eventually(`${name} answers`, async () => (await platform.fetch(`/function/${name}`, { method: 'POST', body: '["none"]' })).ok);
});
afterAll(cleanUp);

test('functions of a namespace share what they store, other namespaces do not see it', async () => {
  expect(await ask('keeper', 'set', 'greeting', { text: 'hello', to: ['all'] })).toEqual(expect.any(Number));
  await ask('keeper', 'bytes', 'raw');
  expect(await ask('second', 'get', 'greeting')).toEqual({ text: 'hello', to: ['all'] });
  expect(await ask('second', 'get', 'raw')).toBe('bytes 0,255');
  expect(await ask('keeper.other', 'get', 'greeting')).toBeNull();
  expect(await ask('second', 'list', '')).toMatchObject({
    entries: [
      { key: 'greeting', type: 'json' },
      { key: 'raw', type: 'bytes', bytes: 2 },
    ],
  });
  expect(await ask('second', 'delete', 'raw')).toBe(true);
  expect(await ask('keeper', 'get', 'raw')).toBeNull();
});

test('of what many add at the same time by compare-and-set, nothing is lost', async () => {
  await Promise.all(Array.from({ length: 40 }, (_, n) => ask(n % 2 ? 'keeper' : 'second', 'add', 'counter')));
  expect(await ask('keeper', 'get', 'counter')).toBe(40);
});

test('what has a time to live goes', async () => {
  expect(await ask('keeper', 'set', 'short', 1, { ttl: 0.2 })).toEqual(expect.any(Number));
  await eventually('it is gone', async () => (await ask('second', 'get', 'short')) === null);
});

test('what is stored is there after the platform was killed', async () => {
  expect(await ask('keeper', 'set', 'kept', 'x')).toEqual(expect.any(Number));
  process.kill(platform.processes().controlPlane, 'SIGKILL');
  await eventually('it is there again', async () => (await ask('second', 'get', 'kept')) === 'x', 30);
});

test('a function without the permission has no store, and is told what to do', async () => {
  expect(await ask('nobody', 'get', 'greeting')).toMatch(/^Forbidden: the function "nobody" has no identity: .*permissions/);
  expect(await ask('idle', 'get', 'greeting')).toMatch(/^Forbidden: the account .*idle.* may not use the store: .*store: true/);
});

test('what the store refuses says why', async () => {
  expect(await ask('keeper', 'set', '', 1)).toMatch(/^Invalid: a key must not be empty/);
  expect(await ask('keeper', 'set', 'k', 'x'.repeat(1024 * 1024))).toMatch(/^TooLarge/);
  expect(await ask('keeper', 'set', 'k')).toMatch(/^Invalid: .* no JSON/);
  expect(await ask('keeper', 'set', 'once', 1, { version: 0 })).toEqual(expect.any(Number));
  expect(await ask('keeper', 'set', 'once', 2, { version: 0 })).toMatch(/^Conflict: the key "once" is there already/);
});
