/**
 * What nobody sends in earnest, to a whole platform: each is answered with an error of the right shape or its connection ends; nobody
 * else notices; nothing stays. `TSUMUGI_SEED` draws other cases, `TSUMUGI_HOSTILE` says how many of a kind.
 */
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, eventually } from '../e2e/platform.ts';
import { type ApiCase, apiCase } from './api-cases.ts';
import { gatewayCase } from './gateway-cases.ts';
import { type Answer, exchange } from './http.ts';
import { portion, Random, seed } from './random.ts';
import { open, statusesIn, talk } from './raw.ts';
import { type Hostiles, startTarget } from './target.ts';

let target: Hostiles;
beforeAll(async () => {
  target = await startTarget();
});
afterEach(async () => {
  expect(await target.warm()).toEqual([]);
  await target.unharmed();
});
afterAll(async () => {
  await target?.stop();
  await cleanUp();
});

/** Runs all, some at once; answers what the check found wrong. */
async function each<T>(
  cases: readonly T[],
  atOnce: number,
  check: (one: T, index: number) => Promise<string | undefined>,
): Promise<string[]> {
  const wrong: string[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < cases.length) {
        const index = next++;
        const found = await check(cases[index] as T, index);
        if (found) wrong.push(`case ${index} of seed ${seed}: ${found}`);
      }
    }),
  );
  return wrong;
}

/** 5xx that are right: a version that is not yet there, and two whose code the real server has the same. */
const expected5xx = /Too large resource version|strconv\.ParseUint|unable to find api field|^$/;

function wrongWithApi({ method, path }: ApiCase, { status, type, text }: Answer): string | undefined {
  const about = `${method} ${path.slice(0, 200)}: ${status} ${text.slice(0, 300)}`;
  if (status >= 200 && status < 400) return undefined;
  if (method === 'HEAD') return status < 400 ? about : undefined;
  let message = '';
  try {
    const body = JSON.parse(text) as { kind?: string; status?: string; code?: number; message?: string };
    message = body.message ?? '';
    if (body.kind !== 'Status' || body.status !== 'Failure' || body.code !== status) return `no Status: ${about}`;
  } catch {
    // A refusal may be in the form that was asked for.
    if (!/yaml|protobuf/.test(type)) return `no Status: ${about}`;
  }
  return status >= 500 && !expected5xx.test(message) ? about : undefined;
}

describe('the Kubernetes API', () => {
  test('answers broken requests with a Status', async () => {
    const cases = Array.from({ length: portion(5000) }, (_, index) => apiCase(new Random(seed + index * 7919), true));
    const wrong = await each(cases, 8, async (one) =>
      exchange(target.api, one).then(
        (answer) => wrongWithApi(one, answer),
        (error: unknown) => `${one.method} ${one.path.slice(0, 200)}: ${String(error)}`,
      ),
    );
    expect(wrong).toEqual([]);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  }, 600_000);

  const configMaps = '/api/v1/namespaces/default/configmaps';
  const json = { 'content-type': 'application/json' };
  const bomb = gzipSync(Buffer.alloc(50 << 20, ' '));
  const copies = (count: number): string =>
    JSON.stringify([
      { op: 'add', path: '/data/a', value: 'x'.repeat(1000) },
      ...Array.from({ length: count }, (_, index) => ({ op: 'copy', from: '/data', path: `/data/a${index}` })),
    ]);

  test.each<readonly [string, Partial<ApiCase>, number]>([
    ['a body over 3 MiB', { method: 'POST', path: configMaps, headers: json, body: Buffer.alloc((3 << 20) + 1, ' ') }, 413],
    [
      'a compressed body that becomes 50 MB',
      { method: 'POST', path: configMaps, headers: { ...json, 'content-encoding': 'gzip' }, body: bomb },
      400,
    ],
    ['JSON that nests 100,000 deep', { method: 'POST', path: configMaps, headers: json, body: Buffer.from('['.repeat(100_000)) }, 400],
    [
      'YAML whose aliases would become billions',
      {
        method: 'POST',
        path: configMaps,
        headers: { 'content-type': 'application/yaml' },
        body: Buffer.from(
          `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
            .split('')
            .map((name, i) => `${name}: &${name} [${`*${'abcdefghi'[i]},`.repeat(9)}]\n`)
            .join('')}`,
        ),
      },
      400,
    ],
    [
      'a JSON patch that copies more and more',
      {
        method: 'PATCH',
        path: `${configMaps}/hostile-target`,
        headers: { 'content-type': 'application/json-patch+json' },
        body: Buffer.from(copies(40)),
      },
      422,
    ],
    [
      'a JSON patch of more operations than there may be',
      {
        method: 'PATCH',
        path: `${configMaps}/hostile-target`,
        headers: { 'content-type': 'application/json-patch+json' },
        body: Buffer.from(JSON.stringify(Array.from({ length: 20_000 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' })))),
      },
      413,
    ],
    ['a label selector of 500 kB', { path: `${configMaps}?labelSelector=${'a,'.repeat(250_000)}a` }, 200],
    ['a continue token of 500 kB', { path: `${configMaps}?continue=${'A'.repeat(500_000)}` }, 400],
    ['a path of 2 MB', { path: `${configMaps}/${'a'.repeat(2 << 20)}` }, 431],
    [
      'a thousand headers',
      { path: configMaps, headers: Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`x-${index}`, 'y'.repeat(1100)])) },
      431,
    ],
  ])('%s', async (_, one, status) => {
    await exchange(target.api, {
      method: 'POST',
      path: configMaps,
      headers: json,
      body: Buffer.from('{"metadata":{"name":"hostile-target"},"data":{"x":"y"}}'),
    });
    const asked: ApiCase = { method: 'GET', path: configMaps, headers: {}, ...one };
    const answer = await exchange(target.api, asked);
    expect([answer.status, answer.text.slice(0, 200)]).toEqual([status, expect.any(String)]);
    expect(wrongWithApi(asked, answer)).toBeUndefined();
  });

  const auth = (): string => `Authorization: ${target.api.headers['authorization']}\r\nHost: x\r\n`;
  test.each([
    [
      'a WebSocket of another version',
      'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 99\r\n',
    ],
    ['a WebSocket without a key', 'Connection: upgrade\r\nUpgrade: websocket\r\n'],
    [
      'a WebSocket that offers nothing',
      'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n',
    ],
    ['SPDY', 'Connection: upgrade\r\nUpgrade: SPDY/3.1\r\n'],
    ['several', 'Connection: upgrade\r\nUpgrade: websocket, h2c\r\n'],
  ])('an upgrade: %s', async (_, fields) => {
    for (const path of ['/api/v1/namespaces/default/pods/x/exec?command=ls', '/healthz', '/api/v1/pods?watch=true&timeoutSeconds=1'])
      for (const who of [auth(), 'Host: x\r\n', 'Host: x\r\nAuthorization: Bearer nonsense\r\n']) {
        const { text } = await talk(target.apiAt, `GET ${path} HTTP/1.1\r\n${who}${fields}\r\n\x81\x85garbage`, { secure: true });
        expect(statusesIn(text)[0]).toBeGreaterThanOrEqual(200);
        expect(text).not.toMatch(/^HTTP\/1\.1 (101|5\d\d)/);
      }
  });

  test('bytes that are no HTTP, and no TLS', async () => {
    for (const bytes of ['\x16\x03\x01\x02\x00', 'GET / HTTP/1.1\r\n\r\n', '\0'.repeat(1000), 'x'.repeat(100_000)])
      expect((await talk(target.apiAt, bytes)).text).not.toContain('HTTP/1.1 2');
    const { text } = await talk(
      target.apiAt,
      'GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      { secure: true },
    );
    expect(text).toMatch(/^HTTP\/1\.1 400 .*"kind":"Status"/s);
  });

  test('two thousand watches, of which none is read, and all of which go at once', async () => {
    const sockets = Array.from({ length: 40 }, () => open(target.apiAt, true));
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('secureConnect', resolve))));
    // Each connection asks for the next watch before the last has ended: one runs, the others wait in the pipe.
    for (const socket of sockets) {
      socket.pause();
      for (let i = 0; i < 50; i++) socket.write(`GET /api/v1/pods?watch=true HTTP/1.1\r\n${auth()}\r\n`);
    }
    for (let i = 0; i < 20; i++)
      await exchange(target.api, {
        method: 'POST',
        path: configMaps,
        headers: json,
        body: Buffer.from(`{"metadata":{"generateName":"w-"},"data":{"k":"${'v'.repeat(1000)}"}}`),
      });
    for (const socket of sockets) socket.destroy();
    expect((await exchange(target.api, { method: 'GET', path: '/readyz', headers: {} })).status).toBe(200);
  });
});

describe('the gateway', () => {
  test('answers broken requests with an error of its own, or ends the connection', async () => {
    const cases = Array.from({ length: portion(5000) }, (_, index) => gatewayCase(new Random(seed + index * 104_729)));
    const wrong = await each(cases, 40, async (bytes) => {
      const { text } = await talk(target.gateway, bytes, { quietMs: 150 });
      const about = `${JSON.stringify(bytes.toString('latin1').slice(0, 300))}: ${text.slice(0, 300)}`;
      if (text !== '' && !text.startsWith('HTTP/1.1 ')) return about;
      for (const answer of text.split(/^(?=HTTP\/1\.1 \d)/m)) {
        const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 200);
        if (status >= 500 && status !== 505) return about;
        if (status >= 400 && !bytes.toString('latin1').startsWith('HEAD ') && !/"error":\{"code":"\w+"/.test(answer)) return about;
      }
      return undefined;
    });
    expect(wrong).toEqual([]);
  }, 600_000);

  const hello = 'POST /function/hello.friends HTTP/1.1\r\nHost: localhost\r\n';
  /** It would be answered `200` twice if the second request in the body were seen. */
  const hidden = 'GET /function/hello.friends HTTP/1.1\r\nHost: localhost\r\n\r\n';
  test.each([
    ['CL.TE', `${hello}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['TE.CL', `${hello}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n${hidden}\r\n0\r\n\r\n`],
    ['TE.TE', `${hello}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${hidden}`],
    ['two lengths', `${hello}Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345${hidden}`],
    ['one length, twice', `${hello}Content-Length: 5\r\nContent-Length: 5\r\n\r\n12345${hidden}`],
    ['a blank before the colon', `${hello}Content-Length : 5\r\n\r\n12345${hidden}`],
    ['a folded line', `${hello}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['bare line feeds', `${hello.replaceAll('\r\n', '\n')}Content-Length: 5\n\n12345${hidden}`],
    ['a bare carriage return', `${hello}X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['a NUL in a value', `${hello}X: \0\r\n\r\n${hidden}`],
    ['a chunk extension with a line feed', `${hello}Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n${hidden}`],
    ['a chunk size with a sign', `${hello}Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n${hidden}`],
    ['a chunk size with 0x', `${hello}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n${hidden}`],
    ['a chunk size that wraps around', `${hello}Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n${hidden}`],
    ['chunks of HTTP/1.0', `${hello.replace('1.1', '1.0')}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['a head of 1 MB', `${hello}${'X: y\r\n'.repeat(170_000)}\r\n${hidden}`],
    ['HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`],
  ])('smuggling: %s is refused, and the connection ends', async (_, bytes) => {
    const { text, closed } = await talk(target.gateway, bytes, { quietMs: 5000 });
    expect(statusesIn(text).filter((status) => status !== 100)).toEqual([
      expect.toSatisfy((status: number) => [400, 431, 505].includes(status)),
    ]);
    expect(text).toMatch(/"error":\{"code":"(Invalid|TooLarge)"/);
    expect(closed).toBe(true);
  });

  test('a thousand clients that never finish what they say, and half-open connections', async () => {
    const starts = [
      '',
      'GET /function/hello.friends HT',
      `${hello}X-`,
      `${hello}Content-Length: 100\r\n\r\nhalf`,
      `${hello}Transfer-Encoding: chunked\r\n\r\n5\r\nhe`,
    ];
    const sockets = Array.from({ length: 1000 }, (_, index) => {
      const socket = open(target.gateway);
      socket.write(starts[index % starts.length] as string, 'latin1');
      if (index % 7 === 0) socket.end();
      return socket;
    });
    try {
      // Meanwhile others are served.
      for (let i = 0; i < 50; i++)
        expect(await (await target.platform.fetch('/function/hello.friends', { method: 'POST', body: 'abc' })).text()).toBe('hello 3');
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

describe('the platform API', () => {
  const asked = (line: string, body: Buffer | string, more = ''): Buffer =>
    Buffer.concat([
      Buffer.from(
        `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${target.platformApi.token}\r\nConnection: close\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
      ),
      Buffer.from(body),
    ]);

  /** A tar of one file, with fields broken on request. */
  function tar(name: string, content: Buffer, { size = content.length, type = '0' } = {}): Buffer {
    const header = Buffer.alloc(512);
    header.write(name, 0, 'utf8');
    header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    header.write(type, 156);
    header.write('ustar\0', 257);
    const sum = header.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
  }
  const end = Buffer.alloc(1024);
  const handler = tar('handler.mjs', Buffer.from('export default () => 1'));
  const manifest = (text: string): Buffer => tar('tsumugi.json', Buffer.from(text));
  const good = '{"formatVersion":1,"exports":["default"]}';

  test.each<readonly [string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['random bytes', Buffer.from('x'.repeat(5000))],
    ['a gzip of much', gzipSync(Buffer.alloc(20 << 20))],
    ['a path that leaves', Buffer.concat([tar('../../etc/cron.d/x', Buffer.from('x')), handler, manifest(good), end])],
    ['an absolute path', Buffer.concat([tar('/etc/x', Buffer.from('x')), handler, manifest(good), end])],
    ['a link', Buffer.concat([tar('x', Buffer.alloc(0), { type: '2' }), handler, manifest(good), end])],
    ['a size of 8 GB', Buffer.concat([tar('x', Buffer.from('x'), { size: 8 ** 11 - 1 }), handler, manifest(good), end])],
    ['no end', Buffer.concat([handler, manifest(good)])],
    ['no handler', Buffer.concat([manifest(good), end])],
    ['a manifest that is null', Buffer.concat([handler, manifest('null'), end])],
    ['a manifest that nests deep', Buffer.concat([handler, manifest('['.repeat(100_000)), end])],
    ['exports that are no names', Buffer.concat([handler, manifest('{"formatVersion":1,"exports":[{"__proto__":1}]}'), end])],
    ['a file named __proto__ alone', Buffer.concat([tar('__proto__', Buffer.from('x')), end])],
  ])('a package of %s is refused', async (_, bytes) => {
    const { text } = await talk(target.platformApi.at, asked('PUT /v1/packages', bytes), { secure: true });
    expect(text).toMatch(/^HTTP\/1\.1 400 .*"code":"Invalid"/s);
  });

  test('garbage on its socket and its port is refused, and who has no token learns nothing', async () => {
    const odd: readonly (readonly [string, string])[] = [
      ['POST /v1/activate', '[]'],
      ['POST /v1/activate', '{"revisionUid":{"__proto__":1}}'],
      ['POST /v1/activate', '{"revisionUid":"x","namespace":"x","revision":"x","known":[null]}'],
      ['POST /v1/instances/x/failed', 'null'],
      ['POST /v1/instances/x/failed', '{"reason":1}'],
      ['GET /v1/packages/%2e%2e%2f%2e%2e%2fapi.db', ''],
      ['GET /v1/packages/sha256:..', ''],
      ['GET /v1/packages/%', ''],
      ['GET /v1/namespaces/%ff/functions/%00/logs', ''],
      ['GET /v1/namespaces/default/functions/hello/logs?tail=-1', ''],
      ['GET //v1/projection/..', ''],
      ['GET *', ''],
      ['GET http://[', ''],
    ];
    for (const [line, body] of odd)
      for (const where of [{ path: target.platformApi.socket }, target.platformApi.at]) {
        const { text } = await talk(where, asked(line, body), { secure: 'port' in where, quietMs: 2000 });
        expect(`${line}: ${text}`).toMatch(/: HTTP\/1\.1 4\d\d .*"error":\{"code":"\w+"/s);
      }
    for (const bytes of ['\0\0\0\0', 'x'.repeat(70_000), 'GET / HTTP/1.1\nHost: x\n\n'])
      await talk({ path: target.platformApi.socket }, bytes);
    const { text } = await talk(target.platformApi.at, 'GET /v1/projection HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', {
      secure: true,
    });
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('a pod', () => {
  test('that is sent garbage instead of frames cuts it off, and serves on', async () => {
    const frame = (length: number, version: number, type: number, payload = ''): Buffer => {
      const header = Buffer.alloc(12);
      header.writeUInt32BE(length >>> 0, 0);
      header[4] = version;
      header[5] = type;
      return Buffer.concat([header, Buffer.from(payload)]);
    };
    const random = new Random(seed);
    const all = [
      frame(0xff_ff_ff_ff, 1, 1),
      frame(10, 99, 1, '0123456789'),
      frame(2, 1, 1, '{}'),
      frame(4, 1, 1, 'null'),
      frame(15, 1, 1, '{"token":"none"}'),
      frame(30, 1, 1, '{"signature":{"__proto__":"x"}}'),
      frame(0, 1, 200),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      ...Array.from({ length: portion(500) }, () => Buffer.from(Array.from({ length: random.int(64) }, () => random.int(256)))),
    ];
    const sockets = target.podSockets();
    expect(sockets.length).toBeGreaterThan(0);
    const wrong = await each(all, 20, async (bytes, index) => {
      const { text } = await talk({ path: sockets[index % sockets.length] as string }, bytes, { quietMs: 100 });
      return text === '' ? undefined : `it said ${JSON.stringify(text)}`;
    });
    expect(wrong).toEqual([]);
  });

  test('whose code writes garbage into its own connections harms itself alone', async () => {
    const source = `
      import { Socket } from 'node:net';
      export default (request: Request) => {
        if (!request.url.includes('attack')) return 'fine';
        const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
        for (const handle of handles) if (handle instanceof Socket) handle.write(Buffer.alloc(64, 0xee));
        return 'written';
      };`;
    await target.platform.deploy('villain', source, '-n', 'friends');
    expect(await (await target.platform.fetch('/function/villain.friends')).text()).toBe('fine');
    for (let i = 0; i < 3; i++) {
      const answer = await target.platform.fetch('/function/villain.friends/attack');
      expect([200, 502]).toContain(answer.status);
      await answer.text();
      await eventually(
        'another instance answers',
        async () => (await (await target.platform.fetch('/function/villain.friends')).text()) === 'fine',
      );
    }
  });
});
