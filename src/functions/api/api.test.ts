/** The platform API as a client meets it: packages, and what it says to wrong requests. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleFunction } from '../../build/bundle.ts';
import { writeTar } from '../../build/tar.ts';
import { TestPlatform } from '../testing/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

async function send(method: string, path: string, body?: string | Uint8Array): Promise<[number, unknown]> {
  const answer = await platform.http(method, path, body);
  const text = await answer.text();
  return [answer.status, text === '' ? undefined : JSON.parse(text)];
}

describe('packages', () => {
  it('are stored under the hash of their bytes and given back as they were', async () => {
    const { package: tar, id } = await bundleFunction({ source: 'export default 1', name: 'x', noFiles: true });
    expect(await send('PUT', '/v1/packages', tar)).toEqual([201, { id }]);
    expect(await send('PUT', '/v1/packages', tar)).toEqual([201, { id }]);
    const answer = await platform.http('GET', `/v1/packages/${id}`);
    expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), tar)).toBe(0);
  });

  it.each([
    ['is no tar', Buffer.alloc(2048, 'x'), /not a tar/],
    ['has no handler', writeTar({ 'other.mjs': Buffer.from('') }), /neither handler\.mjs nor a program/],
    ['has no manifest', writeTar({ 'handler.mjs': Buffer.from('') }), /no tsumugi\.json/],
    [
      'is of a later format',
      writeTar({ 'handler.mjs': Buffer.from(''), 'tsumugi.json': Buffer.from('{"formatVersion":2,"exports":[]}') }),
      /format 2/,
    ],
  ])('are refused when the body %s', async (_, body, message) => {
    expect(await send('PUT', '/v1/packages', body)).toEqual([
      400,
      { error: expect.objectContaining({ code: 'Invalid', message: expect.stringMatching(message) }) },
    ]);
  });

  it('that are not there, or can never be, are told so', async () => {
    expect(await send('GET', `/v1/packages/sha256:${'0'.repeat(64)}`)).toEqual([
      404,
      { error: expect.objectContaining({ code: 'NotFound' }) },
    ]);
    expect(await send('GET', '/v1/packages/..%2f..%2fpki')).toEqual([400, { error: expect.objectContaining({ code: 'Invalid' }) }]);
  });
});

describe('wrong requests', () => {
  it.each([
    ['GET', '/v1/nothing', undefined, 404, 'NotFound'],
    ['DELETE', '/v1/packages', undefined, 405, 'MethodNotAllowed'],
    ['POST', '/v1/activate', 'no json', 400, 'Invalid'],
    ['POST', '/v1/activate', '{"revisionUid":"x"}', 400, 'Invalid'],
    ['POST', '/v1/activate', '{"revisionUid":"x","namespace":"default","revision":"x-00001","known":[]}', 404, 'NotFound'],
    ['POST', '/v1/activate', `{"pad":"${'x'.repeat(1_100_000)}"}`, 413, 'TooLarge'],
    ['GET', '/v1/namespaces/default/functions/none/logs', undefined, 404, 'NotFound'],
  ])('%s %s is answered with the code', async (method, path, body, status, code) => {
    expect(await send(method, path, body)).toEqual([status, { error: expect.objectContaining({ code, message: expect.any(String) }) }]);
  });

  it('a report about an instance that nobody knows is fine', async () => {
    expect(await send('POST', '/v1/instances/unknown/failed', '{"reason":"blocked","message":""}')).toEqual([204, undefined]);
  });
});
