import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../base/log.ts';
import { type Pod, removeShim, startPod } from '../shims/node/testing/pod.ts';
import { startGateway, type RunningGateway } from './server.ts';
import { functionEntry, instanceEntry, startTestPlatform, type TestPlatform } from './testing/platform.ts';

const source = `
export default async (request, context) => {
  const url = new URL(request.url);
  switch (url.pathname) {
    case '/echo': return new Response(request.body, { headers: { 'content-type': 'application/x-echo' } });
    case '/head': return Response.json({ url: request.url, method: request.method, headers: Object.fromEntries(request.headers), trace: context.trace.traceparent, requestId: context.requestId });
    case '/big': return new Uint8Array(10 * 1024 * 1024).fill(7);
    case '/ticks': return (async function* () { for (let i = 0; i < 3; i++) { yield 'tick ' + i; await new Promise((r) => setTimeout(r, 20)); } })();
    case '/wait': return new Promise((resolve) => { console.log('waiting'); context.signal.addEventListener('abort', () => { console.log('aborted'); resolve('too late'); }); });
    case '/slow': return new Promise((resolve) => setTimeout(resolve, 300, 'slow'));
    case '/status': return new Response(null, { status: Number(url.searchParams.get('s')), headers: { 'x-own': 'yes', connection: 'x-drop', 'keep-alive': 'no' } });
    case '/throw': throw new Error('on purpose');
    case '/exit': process.exit(3);
    case '/crumbs': return (async function* () { for (let i = 0; i < 1000; i++) yield new Uint8Array(8192); })();
    case '/length': {
      const length = url.searchParams.get('says');
      const body = url.searchParams.has('stream') ? (async function* () { yield 'abc'; yield 'def'; })() : 'abcdef';
      return new Response(typeof body === 'string' ? body : ReadableStream.from(body).pipeThrough(new TextEncoderStream()), { headers: { 'content-length': length } });
    }
    default: return 'hello ' + url.pathname + url.search;
  }
};
export const add = (a, b) => a + b;
export const greetAll = (...names) => 'hello ' + names.join(' and ');
`;

let pod: Pod;
let platform: TestPlatform;
let gateway: RunningGateway;

beforeAll(async () => {
  pod = await startPod();
  const { answer } = await pod.specialize(source);
  expect(answer.ok).toBe(true);
  platform = await startTestPlatform();
  platform.put({ kind: 'platform', tokenHashes: [createHash('sha256').update('secret-token').digest('hex')], ready: true, waitingFor: [] });
  platform.put(functionEntry('hello', { exports: ['add', 'greetAll'] }));
  platform.put(functionEntry('greet-all', { exports: ['add', 'greetAll'], namespace: 'other' }));
  platform.put(functionEntry('unready', { revisionUid: 'none', unready: 'no revision is ready: BuildFailed' }));
  platform.put(instanceEntry(pod.uid, pod.address));
  gateway = await startGateway({ port: 0, host: '127.0.0.1', domain: 'localhost', platform: platform.address, log: silentLog });
  await gateway.loaded;
});

afterAll(async () => {
  await gateway.stop();
  await platform.close();
  await pod.stop();
  await removeShim();
});

interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

function http(path: string, options: RequestOptions & { body?: string | Buffer } = {}, port = gateway.port): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options;
    const outgoing = httpRequest({ port, path, agent: false, method: body === undefined ? 'GET' : 'POST', ...rest }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString('latin1') }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

interface ErrorBody {
  code: string;
  message: string;
  hint?: string;
  function?: string;
  revision?: string;
  requestId: string;
}

function errorOf(reply: Reply): ErrorBody {
  return (JSON.parse(reply.text) as { error: ErrorBody }).error;
}

/** Bytes in, bytes out, on a bare socket. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(gateway.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

test('/function/NAME[.NAMESPACE] gives the function the rest of the path; NAME.NAMESPACE.DOMAIN the whole', async () => {
  expect((await http('/function/hello')).text).toBe('hello /');
  expect((await http('/function/hello?x=1')).text).toBe('hello /?x=1');
  expect((await http('/function/hello.default/a/b%20c?x=/y')).text).toBe('hello /a/b%20c?x=/y');
  expect((await http('/function/x/y', { headers: { host: 'hello.default.localhost:8080' } })).text).toBe('hello /function/x/y');
  expect((await http('/a', { headers: { host: 'HELLO.default.LOCALHOST' } })).text).toBe('hello /a');
});

test('what is not there is said with what is', async () => {
  const missing = await http('/function/greetings');
  expect([missing.status, errorOf(missing)]).toEqual([
    404,
    expect.objectContaining({ code: 'NotFound', hint: 'functions in "default": hello, unready' }),
  ]);
  expect(errorOf(await http('/function/helo')).hint).toBe('did you mean hello?');
  expect((await http('/function/hello.nowhere')).status).toBe(404);
  expect(errorOf(await http('/nothing')).hint).toContain('/function/NAME');
  const unnamed = await http('/function/');
  expect([unnamed.status, errorOf(unnamed).message]).toEqual([404, 'the path names no function']);
  // Nothing comes of waiting for it.
  platform.put(
    functionEntry('unbuilt', { namespace: 'other', revisionUid: '', unready: 'unbuilt.ts:1:2: no', unreadyCode: 'BuildFailed' }),
  );
  await expect
    .poll(async () => errorOf(await http('/function/unbuilt.other')))
    .toMatchObject({ code: 'BuildFailed', message: 'unbuilt.ts:1:2: no' });
  const unready = await http('/function/unready');
  expect([unready.status, unready.headers['retry-after']]).toEqual([503, '1']);
  expect(errorOf(unready).code).toBe('NoInstance');
});

test('Routes: host, exact path, template, longest prefix, method', async () => {
  const route = (name: string, changes: object) =>
    platform.put({ kind: 'route', namespace: 'default', name, created: 1, hosts: [], methods: [], function: 'hello', ...changes });
  route('orders', { path: '/orders/{id}', methods: ['GET', 'PUT'] });
  route('files', { prefix: '/files' });
  route('posted', { path: '/posted', methods: ['POST'] });
  await expect.poll(async () => (await http('/files')).status).toBe(200);
  expect((await http('/orders/7?x')).text).toBe('hello /orders/7?x');
  expect((await http('/files/a/b')).text).toBe('hello /files/a/b');
  expect((await http('/filesystem')).status).toBe(404);
  expect((await http('/orders/7/items')).status).toBe(404);
  const refused = await http('/orders/7', { method: 'DELETE' });
  expect([refused.status, refused.headers.allow, errorOf(refused).code]).toEqual([405, 'GET, PUT', 'MethodNotAllowed']);
  expect((await http('/orders/7', { method: 'HEAD' })).status).toBe(200);
  expect((await http('/posted')).status).toBe(405);
  for (const name of ['orders', 'files', 'posted']) platform.delete('route', `default/${name}`);
  await expect.poll(async () => (await http('/files')).status).toBe(404);
});

test('ids, trace, forwarding and timing are passed on and told', async () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const reply = await http('/function/hello/head', {
    headers: {
      host: 'shop.example:81',
      'x-request-id': 'mine-1',
      traceparent: trace,
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-proto': 'gopher',
      'tsumugi-authorization': 'Bearer secret-token',
      'x-secret': '1',
      connection: 'x-secret',
      te: 'gzip',
      cookie: 'a=b',
    },
  });
  const seen = JSON.parse(reply.text) as { url: string; method: string; headers: Record<string, string>; trace: string; requestId: string };
  expect(reply.headers['x-request-id']).toBe('mine-1');
  expect(reply.headers['server-timing']).toMatch(/^gateway;dur=[\d.]+, function;dur=[\d.]+$/);
  expect([seen.url, seen.method, seen.requestId]).toEqual(['http://shop.example:81/head', 'GET', 'mine-1']);
  expect(seen.trace).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
  expect(seen.headers).toMatchObject({
    cookie: 'a=b',
    'x-forwarded-for': '10.0.0.1, 127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'shop.example:81',
    forwarded: 'for=127.0.0.1;host="shop.example:81";proto=http',
  });
  for (const name of ['connection', 'x-secret', 'te', 'tsumugi-authorization']) expect(seen.headers).not.toHaveProperty(name);

  const bad = await http('/function/hello/head', { headers: { 'x-request-id': 'a b\tc', traceparent: '00-0-0-0' } });
  expect(bad.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  expect((JSON.parse(bad.text) as { trace: string }).trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test('bodies stream both ways and stay what they are', async () => {
  const body = Buffer.alloc(3_000_000, 'é–x');
  const echo = await http('/function/hello/echo', { body });
  expect(echo.headers['content-type']).toBe('application/x-echo');
  expect(Buffer.from(echo.text, 'latin1').equals(body)).toBe(true);
  expect((await http('/function/hello/echo', { method: 'PUT', body: 'chunked', headers: { 'transfer-encoding': 'chunked' } })).text).toBe(
    'chunked',
  );
  expect((await http('/function/hello/big')).text.length).toBe(10 * 1024 * 1024);
  expect((await http('/function/hello/ticks')).text).toBe('tick 0tick 1tick 2');
});

test('statuses, own headers and HEAD', async () => {
  const reply = await http('/function/hello/status?s=418');
  expect([reply.status, reply.headers['x-own'], reply.headers['keep-alive']]).not.toContain('no');
  expect([reply.status, reply.headers['x-own']]).toEqual([418, 'yes']);
  const empty = await http('/function/hello/status?s=204');
  expect([empty.status, empty.text, empty.headers['content-length']]).toEqual([204, '', undefined]);
  const head = await http('/function/hello', { method: 'HEAD' });
  expect([head.status, head.text]).toEqual([200, '']);
});

test('a content-length that is not true neither keeps a client waiting nor mixes up answers', async () => {
  expect(await http('/function/hello/length?says=6')).toMatchObject({ status: 200, text: 'abcdef' });
  expect(await http('/function/hello/length?says=6&stream')).toMatchObject({ status: 200, text: 'abcdef' });
  for (const says of [2, 100]) {
    const whole = await http(`/function/hello/length?says=${says}`);
    expect(whole.status).toBe(500);
    expect(JSON.parse(whole.text).error.message).toBe(`the function's response has 6 bytes, its content-length says ${says}`);
    await expect(http(`/function/hello/length?says=${says}&stream`)).rejects.toThrow(/aborted|hang up|Parse Error/);
  }
  expect((await http('/function/hello/length?says=2', { method: 'HEAD' })).headers['content-length']).toBe('2');
});

test('a client that takes a large answer slowly causes no warning', async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => void warnings.push(warning.name);
  process.on('warning', note);
  try {
    const answer = await new Promise<IncomingMessage>((resolve) =>
      httpRequest({ port: gateway.port, path: '/function/hello/crumbs' }, resolve).end(),
    );
    answer.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    let size = 0;
    for await (const chunk of answer) size += (chunk as Buffer).length;
    expect(size).toBe(1000 * 8192);
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', note);
  }
});

test('a handler that throws is a 500 with code, revision and request id; others go on', async () => {
  const reply = await http('/function/hello/throw');
  expect(reply.status).toBe(500);
  expect(errorOf(reply)).toMatchObject({
    code: 'HandlerError',
    function: 'hello',
    revision: 'hello-00001',
    requestId: reply.headers['x-request-id'],
  });
  expect((await http('/function/hello')).status).toBe(200);
});

test('a client that goes away reaches the function as an abort', async () => {
  const outgoing = httpRequest({ port: gateway.port, path: '/function/hello/wait', agent: false });
  outgoing.on('error', () => {});
  outgoing.end();
  await pod.logged(/waiting/);
  outgoing.destroy();
  expect(await pod.logged(/aborted/)).toContain('aborted');
});

test('/call/ takes JSON arguments, for those with the token', async () => {
  const headers = { authorization: 'Bearer secret-token' };
  expect((await http('/call/hello/add', { body: '[2,3]', headers })).text).toBe('5');
  expect((await http('/call/greet-all.other', { body: '["a","b"]', headers })).text).toBe('"hello a and b"');
  const which = await http('/call/hello', { body: '[]', headers });
  expect([which.status, errorOf(which).hint]).toEqual([404, 'one of: add, greetAll']);
  expect(errorOf(await http('/call/hello/nope', { body: '[]', headers })).hint).toBe('it exports: add, greetAll');
  expect(errorOf(await http('/call/hello/greatAll', { body: '[]', headers })).hint).toBe('did you mean greetAll?');
  expect((await http('/call/hello/add', { headers })).headers.allow).toBe('POST');
  for (const authorization of ['Bearer wrong', 'Basic x', '']) {
    const reply = await http('/call/hello/add', { body: '[2,3]', headers: { authorization } });
    expect([reply.status, reply.headers['www-authenticate'], errorOf(reply).code]).toEqual([401, 'Bearer', 'Unauthorized']);
  }
  // Through what takes Authorization for itself, as the API server's proxy does.
  expect((await http('/call/hello/add', { body: '[2,3]', headers: { 'tsumugi-authorization': 'Bearer secret-token' } })).text).toBe('5');
  expect((await http('/call/hello/add', { body: '{"no":"array"}', headers })).status).toBe(400);
  const large = await http('/call/hello/add', {
    body: 'x',
    headers: { ...headers, 'content-length': String(33 * 1024 * 1024), expect: '100-continue' },
  }).catch(() => undefined);
  expect(large?.status).toBe(413);
});

test('a private function answers those with the token, which it does not see; /call/ is as ever', async () => {
  platform.put(functionEntry('secluded', { exports: ['add'], isPrivate: true }));
  platform.put({
    kind: 'route',
    namespace: 'default',
    name: 'secluded',
    created: 1,
    hosts: [],
    methods: [],
    path: '/secluded',
    function: 'secluded',
  });
  const body = '[2,3]';
  await expect.poll(async () => (await http('/function/secluded')).status).toBe(401);
  const ways = [{ path: '/function/secluded/head' }, { path: '/secluded' }, { path: '/head', host: 'secluded.default.localhost' }];
  for (const { path, host } of ways) {
    const by = (headers: Record<string, string>) => http(path, { headers: { ...headers, ...(host && { host }) } });
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { 'tsumugi-authorization': 'Bearer wrong' }]) {
      const reply = await by(headers);
      expect([reply.status, reply.headers['www-authenticate']]).toEqual([401, 'Bearer']);
      expect(errorOf(reply)).toMatchObject({ code: 'Unauthorized', hint: expect.stringContaining('Authorization: Bearer TOKEN') });
    }
    expect((await by({ authorization: 'Bearer secret-token' })).status).toBe(200);
  }
  const seen = async (headers: Record<string, string>): Promise<unknown> =>
    (JSON.parse((await http('/function/secluded/head', { headers })).text) as { headers: object }).headers;
  expect(await seen({ authorization: 'Bearer secret-token' })).not.toHaveProperty('authorization');
  // Its own callers' credentials reach it beside ours.
  expect(await seen({ authorization: 'Basic x', 'tsumugi-authorization': 'Bearer secret-token' })).toMatchObject({
    authorization: 'Basic x',
  });
  expect((await http('/call/secluded/add', { body, headers: { authorization: 'Bearer secret-token' } })).text).toBe('5');
  expect((await http('/call/secluded/add', { body })).status).toBe(401);

  platform.put(functionEntry('secluded', { exports: ['add'] }));
  await expect.poll(async () => (await http('/function/secluded')).status).toBe(200);
});

describe('a route that asks for a token', () => {
  /** A JWT as far as anybody can tell who does not ask the platform. */
  const jwt = (name: string): string => `${Buffer.from('{}').toString('base64url')}.${Buffer.from(name).toString('base64url')}.c2ln`;
  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
  const route = { kind: 'route', namespace: 'default', hosts: [], methods: [], created: 1, function: 'hello', needsToken: true } as const;

  beforeAll(async () => {
    platform.put({ ...route, name: 'guarded', prefix: '/echo' });
    platform.put({ ...route, name: 'guarded-head', prefix: '/head' });
    platform.put({ ...route, name: 'to-nowhere', prefix: '/nowhere', function: 'missing' });
    await vi.waitFor(async () => expect((await http('/head')).status).toBe(401));
  });
  beforeEach(() => {
    platform.review = async (token) => {
      const name = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
      return /^(default|other)-/.test(name) ? { owner: { namespace: name.split('-')[0] ?? '', name } } : {};
    };
    platform.reviews.length = 0;
  });

  test('lets in accounts of its namespace and the platform, and the function does not see with what', async () => {
    for (const token of [jwt('default-a'), 'secret-token']) {
      const reply = await http('/head?x', { headers: bearer(token) });
      expect(reply.status).toBe(200);
      const { url, headers } = JSON.parse(reply.text) as { url: string; headers: object };
      expect([new URL(url).search, headers]).toEqual(['?x', expect.not.objectContaining({ authorization: expect.anything() })]);
    }
    expect(platform.reviews).toEqual([jwt('default-a')]);
  });

  test.each([
    ['nothing', {}, 401, 'Unauthorized', /needs a token/],
    ['no token', { authorization: 'Basic eDp5' }, 401, 'Unauthorized', /needs a token/],
    ['a token that is nobody’s', bearer(jwt('stranger')), 401, 'Unauthorized', /not valid/],
    ['what cannot be a token', bearer('a.b'), 401, 'Unauthorized', /not valid/],
    ['an account of another namespace', bearer(jwt('other-a')), 403, 'Forbidden', /"other", not of "default"/],
  ])('keeps out who shows %s, and tells nothing of what is behind it', async (_, headers, status, code, message) => {
    for (const path of ['/head', '/nowhere']) {
      const reply = await http(path, { headers });
      expect([reply.status, errorOf(reply)]).toEqual([
        status,
        expect.objectContaining({ code, message: expect.stringMatching(message), hint: expect.any(String) }),
      ]);
      expect(reply.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
    }
  });

  test('asks once for many requests with one token', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => http('/head', { headers: bearer(jwt('default-many')) })));
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect((await http('/head', { headers: bearer(jwt('default-many')) })).status).toBe(200);
    expect(platform.reviews).toEqual([jwt('default-many')]);
  });

  test('while the token is looked at, the body waits and is whole afterwards', async () => {
    const { review } = platform;
    for (const size of [3, 3_000_000]) {
      const release = Promise.withResolvers<void>();
      platform.review = async (token) => {
        await release.promise;
        return review(token);
      };
      platform.reviews.length = 0;
      const body = Buffer.alloc(size, 'abcdefg');
      const reply = http('/echo', { body, headers: bearer(jwt(`default-body-${size}`)) });
      await expect.poll(() => platform.reviews.length).toBe(1);
      release.resolve();
      expect((await reply).text === body.toString('latin1')).toBe(true);
    }
  });

  test('a caller that goes away while its token is looked at is not invoked, and the next one is served', async () => {
    const release = Promise.withResolvers<void>();
    const { review } = platform;
    platform.review = async (token) => {
      await release.promise;
      return review(token);
    };
    const gone = new AbortController();
    const first = http('/head', { headers: bearer(jwt('default-gone')), signal: gone.signal }).catch(() => 'gone');
    await expect.poll(() => platform.reviews.length).toBe(1);
    gone.abort();
    expect(await first).toBe('gone');
    release.resolve();
    expect((await http('/head', { headers: bearer(jwt('default-gone')) })).status).toBe(200);
  });

  test('a token that cannot be looked at is told to come again', async () => {
    platform.review = async () => ({ error: { code: 'Unavailable', message: 'stopping' } }) as never;
    const reply = await http('/head', { headers: bearer(jwt('default-later')) });
    expect([reply.status, errorOf(reply).code]).toEqual([503, 'Unavailable']);
    platform.review = async () => ({ owner: { namespace: 'default', name: 'x' } });
    expect((await http('/head', { headers: bearer(jwt('default-later')) })).status).toBe(200);
  });

  test('such an account may call the functions of its namespace, private ones too, and no others', async () => {
    platform.put(functionEntry('inside', { exports: ['add'], isPrivate: true }));
    await expect.poll(async () => (await http('/function/inside')).status).toBe(401);
    expect((await http('/function/inside', { headers: bearer(jwt('default-a')) })).status).toBe(200);
    expect((await http('/function/inside', { headers: bearer(jwt('other-a')) })).status).toBe(403);
    expect((await http('/call/inside/add', { body: '[2,3]', headers: bearer(jwt('default-a')) })).text).toBe('5');
    expect((await http('/call/inside/add', { body: '[2,3]', headers: bearer(jwt('other-a')) })).status).toBe(403);
    platform.delete('function', 'default/inside');
  });
});

test('/readyz waits until all has been ready, and stays when something fails later; /healthz is there at once', async () => {
  const entry = { kind: 'platform', tokenHashes: [] } as const;
  const starting = await startTestPlatform();
  starting.put({ ...entry, ready: false, waitingFor: ['default/late'] });
  const fresh = await startGateway({ port: 0, host: '127.0.0.1', domain: 'localhost', platform: starting.address, log: silentLog });
  const probe = async (path: string): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`http://127.0.0.1:${fresh.port}${path}`, { headers: { connection: 'close' } });
    return { status: answer.status, body: await answer.json() };
  };
  await fresh.loaded;
  expect(await probe('/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
  expect(await probe('/readyz')).toEqual({ status: 503, body: { status: 'starting', waitingFor: ['default/late'] } });
  starting.put({ ...entry, ready: true, waitingFor: [] });
  await expect.poll(() => probe('/readyz')).toEqual({ status: 200, body: { status: 'ok' } });
  starting.put({ ...entry, ready: false, waitingFor: ['default/late'] });
  // Told after that: once this one is served, the gateway has heard of both.
  starting.put(functionEntry('seen', { unready: 'seen' }));
  await expect.poll(async () => (await probe('/function/seen')).status).toBe(503);
  expect(await probe('/readyz')).toEqual({ status: 200, body: { status: 'ok' } });
  await fresh.stop();
  await starting.close();
});

test('a gateway that starts while the control plane is away says so, not that there is no function', async () => {
  const early = await startGateway({
    port: 0,
    host: '127.0.0.1',
    domain: 'localhost',
    platform: `unix:${join(tmpdir(), `no-control-plane-${process.pid}.sock`)}`,
    log: silentLog,
  });
  for (const path of ['/function/hello', '/call/hello/add', '/orders']) {
    const answer = await fetch(`http://127.0.0.1:${early.port}${path}`, { method: 'POST', headers: { connection: 'close' } });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ error: { code: 'Unavailable', hint: 'try again in a moment' } });
  }
  const healthz = await fetch(`http://127.0.0.1:${early.port}/healthz`, { headers: { connection: 'close' } });
  expect([healthz.status, await healthz.json()]).toEqual([200, { status: 'ok' }]);
  await early.stop();
});

test('what could be read in two ways is refused', async () => {
  const attempts = [
    'POST /function/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
    'POST /function/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
    'POST /function/hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'GET /function/hello HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
    'GET /function/hello HTTP/1.1\r\nConnection: close\r\n\r\n',
    'GET /function/hello HTTP/1.1\r\nHost: a@b/c\r\nConnection: close\r\n\r\n',
    'GET /function/hello HTTP/1.1\r\nHost : a\r\n\r\n',
    'GET /function/hello HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n',
    'nonsense\r\n\r\n',
  ];
  for (const attempt of attempts) expect(await raw(attempt), attempt).toMatch(/^HTTP\/1\.1 400 /);
  const long = await raw(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`);
  expect(long).toMatch(/^HTTP\/1\.1 431 /);
  const absolute = await raw('GET http://evil/function/hello/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(absolute).toMatch(/^HTTP\/1\.1 200 [^]*hello \/x/);
});

test('a request without a body on a kept connection keeps it after an error; the next one is answered', async () => {
  const answer = await raw('GET /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET /function/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 404 [^]*HTTP\/1\.1 200 [^]*hello \//);
});

test('metrics count by function and status', async () => {
  const before = gateway.metrics();
  expect(before).toMatch(/tsumugi_gateway_requests_total\{function="default\/hello",code="200"\} \d+/);
  expect(before).toMatch(/tsumugi_gateway_request_duration_seconds_count\{function="default\/hello"\} \d+/);
  expect(before).toContain('tsumugi_gateway_requests_in_flight 0');
});

test('the projection may go away and come back: what it does not name again is gone', async () => {
  platform.put(functionEntry('short-lived'));
  await expect.poll(async () => (await http('/function/short-lived')).status).toBe(200);
  platform.cut();
  expect((await http('/function/hello')).status).toBe(200);
  platform.delete('function', 'default/short-lived');
  await expect.poll(async () => (await http('/function/short-lived')).status).toBe(404);
});

test('a process that exits while it answers is a 502; the next request starts another', async () => {
  const [doomed, next] = [await startPod(), await startPod()];
  try {
    for (const one of [doomed, next]) await one.specialize(source, { revisionUid: 'revision-x' });
    platform.put(functionEntry('doomed', { revisionUid: 'revision-x', revision: 'doomed-00001' }));
    platform.activate = async (request) => ({
      instance: instanceEntry(
        request.known.includes(doomed.uid) ? next.uid : doomed.uid,
        request.known.includes(doomed.uid) ? next.address : doomed.address,
        { revisionUid: 'revision-x' },
      ),
    });
    await expect.poll(async () => (await http('/function/doomed')).status).toBe(200);
    const reply = await http('/function/doomed/exit');
    expect([reply.status, errorOf(reply).code]).toEqual([502, 'InstanceExited']);
    expect((await http('/function/doomed/again')).text).toBe('hello /again');
    expect(platform.activations.length).toBeGreaterThanOrEqual(2);
  } finally {
    platform.delete('function', 'default/doomed');
    await Promise.all([doomed.stop(), next.stop()]);
  }
});

test('a stop finishes what runs, refuses new connections, and closes kept ones', async () => {
  const own = await startGateway({ port: 0, host: '127.0.0.1', domain: 'localhost', platform: platform.address, log: silentLog });
  await own.loaded;
  const slow = http('/function/hello/slow', {}, own.port);
  await expect.poll(() => own.metrics()).toContain('tsumugi_gateway_requests_in_flight 1');
  const stopped = own.stop();
  await expect(http('/function/hello', {}, own.port)).rejects.toThrow('ECONNREFUSED');
  const reply = await slow;
  expect([reply.status, reply.text, reply.headers.connection]).toEqual([200, 'slow', 'close']);
  await stopped;
  await expect(
    startGateway({ port: gateway.port, host: '127.0.0.1', domain: 'localhost', platform: platform.address, log: silentLog }),
  ).rejects.toThrow('is taken');
});
