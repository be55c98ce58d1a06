/** The key-value store as its clients over HTTP meet it. */
import { afterAll, beforeAll, expect, it } from 'vitest';

import { TestPlatform } from '../testing/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

const store = '/v1/namespaces/shop/store';
const entry = (key: string, more = ''): string => `${store}/entry?key=${encodeURIComponent(key)}${more}`;
const json = { 'content-type': 'application/json' };

async function send(method: string, path: string, body?: string | Uint8Array, headers = {}): Promise<Response> {
  return platform.http(method, path, body, undefined, headers);
}

async function put(path: string, body: string | Uint8Array, headers = {}): Promise<number> {
  const answer = await send('PUT', path, body, headers);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { version: number }).version;
}

it('gives back JSON and bytes as what they are, whatever the key is made of', async () => {
  for (const key of ['a', 'a/b//c', '../../x', 'ü & ?#=%2F', ' ']) {
    const version = await put(entry(key), '{"key":1}', json);
    const answer = await send('GET', entry(key));
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('etag'), await answer.text()]).toEqual([
      200,
      'application/json',
      `"${version}"`,
      '{"key":1}',
    ]);
  }
  await put(entry('bytes'), new Uint8Array([0, 255]));
  const answer = await send('GET', entry('bytes'));
  expect(answer.headers.get('content-type')).toBe('application/octet-stream');
  expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([0, 255]);
});

it('writes and deletes only on the version that was read', async () => {
  const first = await put(entry('n'), '1', { ...json, 'if-none-match': '*' });
  const taken = await send('PUT', entry('n'), '2', { ...json, 'if-none-match': '*' });
  expect([taken.status, await taken.json()]).toEqual([
    409,
    { error: { code: 'Conflict', message: 'the key "n" is there already', hint: expect.stringContaining('read it again') } },
  ]);
  const second = await put(entry('n'), '2', { ...json, 'if-match': `"${first}"` });
  expect((await send('PUT', entry('n'), '3', { ...json, 'if-match': `"${first}"` })).status).toBe(409);
  expect((await send('DELETE', entry('n'), undefined, { 'if-match': `"${first}"` })).status).toBe(409);
  expect(await (await send('DELETE', entry('n'), undefined, { 'if-match': `"${second}"` })).json()).toEqual({ deleted: true });
  expect(await (await send('DELETE', entry('n'))).json()).toEqual({ deleted: false });
  expect((await send('GET', entry('n'))).status).toBe(404);
});

it('lists what begins so, in pages', async () => {
  for (const key of ['l/1', 'l/2', 'l/3', 'm']) await put(entry(key, '&ttlSeconds=3600'), '1', json);
  const page = (await (await send('GET', `${store}?prefix=l/&limit=2`)).json()) as { entries: object[]; nextPageToken: string };
  expect(page).toEqual({
    entries: ['l/1', 'l/2'].map((key) => ({
      key,
      version: expect.any(Number),
      bytes: 1,
      type: 'json',
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })),
    nextPageToken: 'l/2',
  });
  const rest = await (await send('GET', `${store}?prefix=l/&limit=2&pageToken=${encodeURIComponent(page.nextPageToken)}`)).json();
  expect(rest).toMatchObject({ entries: [{ key: 'l/3' }] });
  expect(rest).not.toHaveProperty('nextPageToken');
  expect(await (await send('GET', '/v1/namespaces/other/store')).json()).toEqual({ entries: [] });
});

it.each([
  ['PUT', entry(''), '1', {}, 400, 'Invalid', /key must not be empty/],
  ['PUT', `${store}/entry`, '1', {}, 400, 'Invalid', /key must not be empty/],
  ['PUT', entry('k'), '{"half":', json, 400, 'Invalid', /no JSON/],
  ['PUT', entry('k'), Buffer.from([0x22, 0xff, 0x22]), json, 400, 'Invalid', /no JSON/],
  ['PUT', entry('k', '&ttlSeconds=soon'), '1', json, 400, 'Invalid', /time to live/],
  ['PUT', entry('k', '&ttlSeconds='), '1', json, 400, 'Invalid', /time to live/],
  ['PUT', entry('k'), '1', { 'if-match': 'W/"1"' }, 400, 'Invalid', /condition/],
  ['PUT', entry('k'), '1', { 'if-match': '"0"' }, 400, 'Invalid', /condition/],
  ['PUT', entry('k'), '1', { 'if-match': '"1"', 'if-none-match': '*' }, 400, 'Invalid', /condition/],
  ['PUT', entry('k'), Buffer.alloc(1024 * 1024 + 1), {}, 413, 'TooLarge', /1048576/],
  ['GET', `${store}?limit=0`, undefined, {}, 400, 'Invalid', /limit/],
  ['GET', `${store}?limit=2000`, undefined, {}, 400, 'Invalid', /limit/],
  ['POST', store, '{}', json, 405, 'MethodNotAllowed', /GET/],
] as const)('%s %s with %s is refused', async (method, path, body, headers, status, code, message) => {
  const answer = await send(method, path, body, headers);
  expect([answer.status, await answer.json()]).toEqual([
    status,
    { error: expect.objectContaining({ code, message: expect.stringMatching(message) }) },
  ]);
});
