import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { send } from './http.ts';
import { call, stream } from './rpc.ts';

let folder: string;
let server: Server;
let answer: RequestListener;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-rpc-'));
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(join(folder, 'api.sock'), resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const reached = {
  service: (path: string, options?: Parameters<typeof send>[2]) =>
    send({ url: 'http://platform', socketPath: join(folder, 'api.sock') }, path, options),
};

function envelope(json: object, flags = 0): Buffer {
  const text = Buffer.from(JSON.stringify(json));
  const header = Buffer.alloc(5);
  header[0] = flags;
  header.writeUInt32BE(text.length, 1);
  return Buffer.concat([header, text]);
}

/** Sends the bytes in pieces of this size. */
const inPieces =
  (bytes: Buffer, size: number): RequestListener =>
  async (_, response) => {
    response.writeHead(200, { 'content-type': 'application/connect+json' });
    for (let at = 0; at < bytes.length; at += size) {
      response.write(bytes.subarray(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  };

const collect = async (): Promise<unknown[]> => {
  const all: unknown[] = [];
  for await (const each of stream(reached, 'Executions/WatchExecution', { name: 'x' })) all.push(each);
  return all;
};

test('a call is a POST of JSON', async () => {
  answer = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    response.end(JSON.stringify({ url: request.url, method: request.method, body: Buffer.concat(chunks).toString() }));
  };
  expect(await call(reached, 'Jobs/GetJob', { name: 'x' })).toEqual({
    url: '/tsumugi.jobs.v1.Jobs/GetJob',
    method: 'POST',
    body: '{"name":"x"}',
  });
});

test.each([1, 3, 7, 1000])('a stream may come in pieces of %i bytes', async (size) => {
  answer = inPieces(Buffer.concat([envelope({ n: 'ü' }), envelope({ n: 2 }), envelope({}, 2)]), size);
  expect(await collect()).toEqual([{ n: 'ü' }, { n: 2 }]);
});

test('an error at the end of a stream is thrown, and so is an end that never came', async () => {
  answer = inPieces(Buffer.concat([envelope({ n: 1 }), envelope({ error: { code: 'not_found', message: 'it was deleted' } }, 2)]), 1000);
  await expect(collect()).rejects.toMatchObject({ code: 'NotFound', message: 'it was deleted' });
  answer = inPieces(envelope({ n: 1 }), 1000);
  await expect(collect()).rejects.toMatchObject({ code: 'Unavailable' });
});

test.each([
  [404, { code: 'not_found', message: 'no such job' }, 'NotFound', 'no such job', undefined],
  [
    400,
    { code: 'invalid_argument', message: 'wrong', details: [{ type: 'google.rpc.ErrorInfo', debug: { metadata: { hint: 'do this' } } }] },
    'Invalid',
    'wrong',
    'do this',
  ],
  [
    401,
    { error: { code: 'Unauthorized', message: 'no valid token', hint: 'log in' } },
    'Unauthorized',
    'Unauthorized: no valid token',
    'log in',
  ],
])('an answer of status %i is thrown in its own words', async (status, body, code, message, hint) => {
  answer = (_, response) => response.writeHead(status).end(JSON.stringify(body));
  await expect(call(reached, 'Jobs/GetJob', {})).rejects.toMatchObject({ code, message, hint });
});

test('what is no answer of ours is shown', async () => {
  answer = (_, response) => response.writeHead(502).end('<html>');
  await expect(call(reached, 'Jobs/GetJob', {})).rejects.toMatchObject({ message: 'the platform API answered 502: <html>' });
});
