import { describe, expect, test } from 'vitest';
import type { Client } from './testing/client.ts';
import { Failed } from './testing/client.ts';
import { usePods } from './testing/pods.ts';

const newPod = usePods();

/** What the client is told when it does not get an answer. */
async function abortOf(promise: Promise<unknown>): Promise<{ code: string; message: string; stack: string }> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failed)) throw new Error(`no abort but ${String(error)}`);
  return error.abort;
}

const summary = async (client: Client, target: string): Promise<unknown[]> => {
  const { status, headers, body } = await client.request({ target });
  return [status, headers['content-type'], body.toString()];
};

describe('what a handler returns', () => {
  test('becomes status, type and body as the table says', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      const results = {
        text: () => 'hällo', empty: () => '', bytes: () => new Uint8Array([1, 2, 255]), view: () => new Uint16Array([0x4141]),
        buffer: () => new Uint8Array([65]).buffer, undefined: () => undefined, null: () => null, number: () => 5, false: () => false,
        object: () => ({ a: [1] }), array: () => [1, 'a'], date: () => new Date(0), later: async () => ({ later: true }), thenable: () => ({ then(go) { go('then') } }),
        stream: () => new Blob(['streamed']).stream(), blob: () => new Blob(['b'], { type: 'image/png' }), form: () => new URLSearchParams({ a: 'b' }),
        texts: async function* () { yield 'a'; yield 'b' }, chunks: async function* () { yield new Uint8Array([65]); yield 'B' },
        objects: async function* () { yield { a: 1 }; yield 'text'; yield null }, nothing: async function* () {},
        response: () => new Response('made', { status: 201, headers: { 'x-a': 'ü' } }), json: () => Response.json({ a: 1 }, { status: 418 }),
        redirect: () => Response.redirect('http://a/b'), none: () => new Response(null, { status: 204 }), html: () => new Response('<p>', { headers: { 'content-type': 'text/html' } }),
      };
      export default (request: Request) => results[new URL(request.url).pathname.slice(1)]();
    `);
    const text = 'text/plain; charset=utf-8';
    expect(await summary(client, '/text')).toEqual([200, text, 'hällo']);
    expect(await summary(client, '/empty')).toEqual([200, text, '']);
    expect((await client.request({ target: '/bytes' })).body).toEqual(Buffer.from([1, 2, 255]));
    expect(await summary(client, '/view')).toEqual([200, 'application/octet-stream', 'AA']);
    expect(await summary(client, '/buffer')).toEqual([200, 'application/octet-stream', 'A']);
    expect(await summary(client, '/undefined')).toEqual([204, undefined, '']);
    expect(await summary(client, '/null')).toEqual([200, 'application/json', 'null']);
    expect(await summary(client, '/number')).toEqual([200, 'application/json', '5']);
    expect(await summary(client, '/false')).toEqual([200, 'application/json', 'false']);
    expect(await summary(client, '/object')).toEqual([200, 'application/json', '{"a":[1]}']);
    expect(await summary(client, '/array')).toEqual([200, 'application/json', '[1,"a"]']);
    expect(await summary(client, '/date')).toEqual([200, 'application/json', '"1970-01-01T00:00:00.000Z"']);
    expect(await summary(client, '/later')).toEqual([200, 'application/json', '{"later":true}']);
    expect(await summary(client, '/thenable')).toEqual([200, text, 'then']);
    expect(await summary(client, '/stream')).toEqual([200, 'application/octet-stream', 'streamed']);
    expect(await summary(client, '/blob')).toEqual([200, 'image/png', 'b']);
    expect(await summary(client, '/form')).toEqual([200, 'application/x-www-form-urlencoded;charset=UTF-8', 'a=b']);
    expect(await summary(client, '/texts')).toEqual([200, text, 'ab']);
    expect(await summary(client, '/chunks')).toEqual([200, text, 'AB']);
    expect(await summary(client, '/objects')).toEqual([200, 'application/x-ndjson', '{"a":1}\n"text"\nnull\n']);
    expect(await summary(client, '/nothing')).toEqual([200, text, '']);
    expect(await summary(client, '/response')).toEqual([201, 'text/plain;charset=UTF-8', 'made']);
    expect((await client.request({ target: '/response' })).headers['x-a']).toBe('ü');
    expect(await summary(client, '/json')).toEqual([418, 'application/json', '{"a":1}']);
    expect((await client.request({ target: '/redirect' })).headers).toEqual({ location: 'http://a/b' });
    expect(await summary(client, '/none')).toEqual([204, undefined, '']);
    expect(await summary(client, '/html')).toEqual([200, 'text/html', '<p>']);
  });

  test('that is no answer is an error with a reason', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      const results = { function: () => () => 1, bigint: () => 1n, cycle: () => { const a = {}; a.a = a; return a }, error: () => Response.error(),
        read: async () => { const r = new Response('x'); await r.text(); return r }, split: () => { const r = new Response('x'); return new Response('x', { headers: { a: 'b' }, statusText: 'ok' }) } };
      export default (request) => results[new URL(request.url).pathname.slice(1)]();
    `);
    for (const [target, message] of Object.entries({
      function: /returned a function/,
      bigint: /BigInt/,
      cycle: /circular/,
      error: /Response.error/,
      read: /read already/,
    })) {
      expect(await abortOf(client.request({ target: `/${target}` })), target).toMatchObject({
        code: 'HandlerError',
        message: expect.stringMatching(message) as string,
      });
    }
  });

  test('may be what fetch answered, decoded and with its headers', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      import { createServer } from 'node:http';
      import { gzipSync } from 'node:zlib';
      import { once } from 'node:events';
      const server = createServer((request, response) => {
        let body = ''; request.on('data', (part) => body += part).on('end', () => {
          response.writeHead(203, { 'content-encoding': 'gzip', 'x-up': 'stream', 'content-type': 'text/x' });
          response.end(gzipSync(request.method + ' ' + request.url + ' ' + request.headers['x-in'] + ' ' + body)); }) }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      export default async (request: Request) => {
        const url = 'http://127.0.0.1:' + server.address().port + new URL(request.url).pathname;
        const response = await fetch(new Request(url, request));
        if (!(response instanceof Response) || !(response.headers instanceof Headers)) throw new Error('not one of ours');
        return response;
      };
    `);
    const reply = await client.request({ method: 'PUT', target: '/up', headers: { 'x-in': 'side' }, body: 'payload' });
    expect([reply.status, reply.body.toString(), reply.headers['x-up'], reply.headers['content-encoding']]).toEqual([
      203,
      'PUT /up side payload',
      'stream',
      undefined,
    ]);
    expect((await client.request({ target: '/get', headers: { 'x-in': '1' } })).body.toString()).toBe('GET /get 1 ');
  });

  test('works with what fetch gave, in both directions', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`export default async (request) => {
      const fetched = await fetch('data:text/x,hello', { headers: new Headers({ a: 'b' }) });
      const again = new Response(fetched.body, fetched);
      const copy = again.clone();
      const asked = await fetch(new Request('data:,asked', { headers: { c: 'd' } }), { signal: request.signal });
      return [fetched instanceof Response, again instanceof Response, ({}) instanceof Response, await again.text(), await copy.text(),
        again.status, again.headers.get('content-type'), new Headers(fetched.headers).get('content-type'), await asked.text()];
    }`);
    expect(JSON.parse(await client.text())).toEqual([true, true, false, 'hello', 'hello', 200, 'text/x', 'text/x', 'asked']);
  });
});

describe('the request', () => {
  test('says what the caller sent', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      export default async (request: Request, context) => {
        if (!(request instanceof Request) || !(request.headers instanceof Headers)) throw new Error('foreign classes');
        return { method: request.method, url: request.url, headers: [...request.headers], cookies: request.headers.getSetCookie(), body: request.body && await request.clone().text(),
          text: await request.text(), used: request.bodyUsed, aborted: request.signal.aborted, same: request.signal === context.signal,
          context: { requestId: context.requestId, function: context.function, revision: context.revision, namespace: context.namespace, trace: context.trace } };
      };
    `);
    const options = {
      target: '/a/../b%20c?d=e f',
      requestId: 'req-1',
      headers: { 'X-Mixed': 'Case', cookie: 'a=1', Accept: '*/*' },
      body: '{"x":"ü"}',
    };
    expect(JSON.parse(await client.text(options))).toEqual({
      method: 'POST',
      url: 'http://localhost:8080/b%20c?d=e%20f',
      headers: [
        ['accept', '*/*'],
        ['cookie', 'a=1'],
        ['x-mixed', 'Case'],
      ],
      cookies: [],
      body: '{"x":"ü"}',
      text: '{"x":"ü"}',
      used: true,
      aborted: false,
      same: true,
      context: {
        requestId: 'req-1',
        function: 'hello',
        revision: 'hello-00001',
        namespace: 'default',
        trace: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
      },
    });
  });

  test('has the URL that URL parsing gives, plain or not', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize('export default (request) => request.url');
    const targets = [
      '/',
      '/a/b?c=d&e=%20',
      '/a//b',
      '//evil/x',
      '/a/./b',
      '/a/%2E%2e/b',
      '/ü',
      '/a?b=<c>',
      '/a?b=[c]|d',
      "/a?b='c'",
      '/a\\b',
      '/;a=b',
      '/a?b#c',
      '/{x}',
      '/^',
      '/a?/../b',
    ];
    const origins = [
      'http://localhost:8080',
      'https://example.com',
      'http://EXAMPLE.com:80',
      'http://127.1',
      'https://a.b:443',
      'http://[::1]:80',
    ];
    for (const origin of origins) {
      for (const target of targets)
        expect(await client.text({ origin, target: encodeLatin(target) }), origin + target).toBe(
          new URL(origin + encodeLatin(target)).href,
        );
    }
    expect(await client.text({ origin: 'http://no such host', target: '/a' })).toBe('http://localhost/a');
    expect(await client.text({ method: 'OPTIONS', target: '*' })).toBe('http://localhost:8080/*');
  });

  test('reads forms and JSON', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`export default async (request) =>
      request.headers.get('content-type') === 'application/json' ? await request.json() : Object.fromEntries(await request.formData())`);
    expect(await client.text({ body: '{"a":1}', headers: { 'content-type': 'application/json' } })).toBe('{"a":1}');
    expect(await client.text({ body: 'a=1&b=%C3%BC', headers: { 'content-type': 'application/x-www-form-urlencoded' } })).toBe(
      '{"a":"1","b":"ü"}',
    );
  });
});

/** Heads are bytes: what is no ASCII comes percent-encoded or as bytes. */
const encodeLatin = (target: string): string => target;

describe('named exports', () => {
  const source = `
    import { getContext } from 'tsumugi/sdk';
    export const add = (a: number, b: number) => a + b;
    export async function greet(name = 'world') { return 'hello ' + name }
    export const who = () => getContext().requestId;
    export const nothing = () => {};
    export const constant = 5;
    export function fail() { throw new RangeError('no way') }
    export async function* count(n: number) { for (let i = 0; i < n; i++) yield { i } }
  `;
  test('are called with the arguments of a JSON array and answer JSON', async () => {
    const pod = await newPod();
    const { client, answer } = await pod.specialize(source);
    expect(answer.exports).toEqual(['add', 'count', 'fail', 'greet', 'nothing', 'who']);
    const call = async (name: string, body?: string): Promise<unknown> => {
      const reply = await client.request({ export: name, requestId: 'r-7', method: 'POST', ...(body === undefined ? {} : { body }) });
      return [reply.status, reply.headers['content-type'], reply.body.toString()];
    };
    expect(await call('add', '[1,2]')).toEqual([200, 'application/json', '3']);
    expect(await call('greet', '["ü"]')).toEqual([200, 'application/json', '"hello ü"']);
    expect(await call('greet')).toEqual([200, 'application/json', '"hello world"']);
    expect(await call('who', '[]')).toEqual([200, 'application/json', '"r-7"']);
    expect(await call('nothing', '[]')).toEqual([204, undefined, '']);
    expect(await call('count', '[2]')).toEqual([200, 'application/x-ndjson', '{"i":0}\n{"i":1}\n']);
  });

  test('that are not there, or called wrongly, say what is right', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(source);
    expect(await abortOf(client.request({ export: 'constant' }))).toMatchObject({
      code: 'NotFound',
      message: expect.stringContaining('add, count, fail') as string,
    });
    expect(await abortOf(client.request({ export: 'toString' }))).toMatchObject({ code: 'NotFound' });
    expect(await abortOf(client.request({ export: 'add', body: '{}' }))).toMatchObject({ code: 'Invalid', message: /array/ });
    expect(await abortOf(client.request({ export: 'add', body: '[1' }))).toMatchObject({ code: 'Invalid', message: /JSON/ });
    expect(await abortOf(client.request({ export: 'fail', body: '[]' }))).toMatchObject({
      code: 'HandlerError',
      message: 'RangeError: no way',
    });
    expect(await abortOf(client.request())).toMatchObject({
      code: 'NotFound',
      message: expect.stringContaining('no default export') as string,
    });
  });
});

describe('errors', () => {
  test('come with the author’s own lines, in the log and to the caller', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`interface Unused { a: string }

function deep(): never {
  throw new TypeError('boom', { cause: new Error('the cause') });
}
export default (request: Request) => {
  if (request.url.endsWith('later')) return Promise.reject(deep);
  return deep();
};`);
    const abort = await abortOf(client.request({ requestId: 'bad-1' }));
    expect(abort).toMatchObject({ code: 'HandlerError', message: 'TypeError: boom' });
    expect(abort.stack).toMatch(/hello\.ts:4:\d+/);
    expect(abort.stack).toContain('the cause');
    const log = await pod.logged(/the cause/);
    expect(log).toMatch(/^\[bad-1\] TypeError: boom$/m);
    expect(log).toMatch(/^\[bad-1\] .*deep.*hello\.ts:4:/m);
    expect((await abortOf(client.request({ target: '/later' }))).message).toContain('deep');
    expect(await abortOf(client.request({ requestId: 'bad-2' }))).toMatchObject({ code: 'HandlerError' });
  });

  test.each([
    ["{ a: 1, of: { b: ['x'] } }", "{ a: 1, of: { b: [ 'x' ] } }"],
    ["'in words'", 'in words'],
    ['undefined', 'undefined'],
    ['null', 'null'],
  ])('are told even when they are no Error: throw %s', async (thrown, message) => {
    const pod = await newPod();
    const { client } = await pod.specialize(`export default () => { throw ${thrown}; }`);
    expect(await abortOf(client.request())).toMatchObject({ code: 'HandlerError', message });
  });

  test('after the head end the stream with ABORT', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize("export default async function* () { yield 'a'; throw new Error('half way') }");
    const call = client.start();
    expect((await abortOf(call.reply())).message).toBe('Error: half way');
    expect([call.status, Buffer.concat(call.pieces).toString(), call.ended]).toEqual([200, 'a', false]);
  });
});

describe('the log', () => {
  test('has the invocation on each line, whatever wrote it', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      import { getContext } from 'tsumugi/sdk';
      console.log('loading %d', 1);
      const helper = async () => { await new Promise((go) => setTimeout(go, 5)); getContext().log.warn('from afar', { a: [1, { b: { c: 1 } }] }); };
      export default async (request, context) => {
        console.log('one\\ntwo'); console.error(new URL(request.url).pathname); context.log.info('three'); console.table([{ x: 1 }]); await helper(); console.log(''); console.log('end ' + context.requestId);
      };`);
    await Promise.all([client.request({ requestId: 'a', target: '/A' }), client.request({ requestId: 'b', target: '/B' })]);
    const log = await pod.logged(/end a[^]*end b|end b[^]*end a/);
    const of = (id: string): string[] => log.split('\n').filter((line) => line.startsWith(`[${id}] `));
    expect(of('a').slice(0, 4)).toEqual(['[a] one', '[a] two', '[a] /A', '[a] three']);
    expect(of('b').slice(0, 4)).toEqual(['[b] one', '[b] two', '[b] /B', '[b] three']);
    expect(of('a').slice(-3)).toEqual(['[a] from afar { a: [ 1, { b: [Object] } ] }', '[a] ', '[a] end a']);
    expect(log.startsWith('loading 1\n')).toBe(true);
    expect(log.split('\n').filter((line) => line && !/^(\[[ab]\] |loading)/.test(line))).toEqual([]);
  });
});

describe('the environment', () => {
  test('is the user’s variables, the platform’s own, and what a program needs', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize('export default () => process.env', { env: { GREETING: 'hi', TSUMUGI_FUNCTION: 'forged' } });
    const environment = JSON.parse(await client.text()) as Record<string, string>;
    expect(Object.keys(environment).sort()).toEqual([
      'GREETING',
      'HOME',
      'LANG',
      'PATH',
      'TMPDIR',
      'TSUMUGI_CONFIGS',
      'TSUMUGI_FUNCTION',
      'TSUMUGI_GATEWAY_URL',
      'TSUMUGI_IMAGE',
      'TSUMUGI_NAMESPACE',
      'TSUMUGI_REVISION',
      'TSUMUGI_SECRETS',
    ]);
    expect(environment).toMatchObject({
      GREETING: 'hi',
      TSUMUGI_FUNCTION: 'hello',
      TSUMUGI_REVISION: 'hello-00001',
      TSUMUGI_NAMESPACE: 'default',
      TSUMUGI_IMAGE: 'tsumugi/node',
      TSUMUGI_SECRETS: '/secrets',
      TSUMUGI_CONFIGS: '/configs',
    });
  });
});
