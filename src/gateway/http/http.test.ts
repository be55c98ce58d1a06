import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ChunkedBody, SizedBody } from './body.ts';
import type { HttpConnection } from './connection.ts';
import { readFields, readRequestLine } from './head.ts';
import { Malformed } from './malformed.ts';
import { HttpServer } from './server.ts';

const fieldsOf = (text: string) => readFields(text, 0, text.length);

test('header names that objects have themselves are names like others', () => {
  const head = fieldsOf('Host: a\r\nConstructor:1\r\n__proto__: 2\t\r\nX-A:  é \r\nContent-Length: 5\r\n');
  expect(head.headers).toBe('\0host\0a\0constructor\x001\0__proto__\x002\0x-a\0é\0content-length\x005');
  expect([head.host, head.bodyLength, head.chunked]).toEqual(['a', 5, false]);
  expect(fieldsOf('Host: a\r\nHost: b\r\n').host).toBeUndefined();
});

test('Connection names what was meant for us alone, and whether it is kept', () => {
  const named = fieldsOf('Host: a\r\nX-Own: 1\r\nConnection: X-Own, Close\r\n');
  expect([named.headers, named.keep]).toEqual(['\0host\0a', false]);
  expect(fieldsOf('Host: a\r\nConnection: Keep-Alive\r\n').keep).toBe(true);
  expect(fieldsOf('Connection: host\r\nHost: a\r\n')).toMatchObject({ headers: '\0host\0a', keep: undefined });
});

test('a head that could be read in two ways is refused', () => {
  const bad = [
    'Host : a',
    ' Host: a',
    'Host',
    ': a',
    'X: a\0b',
    'X: a\rb',
    'X: a\nY: b',
    'X: a\x7f',
    'Ü: a',
    'Content-Length: +5',
    'Content-Length: 5, 5',
    'Content-Length: ',
    'Content-Length: 0x5',
    'Content-Length: 1e3',
    'Content-Length: 9999999999999999',
    'Content-Length: 5\r\nContent-Length: 5',
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: ',
    'Transfer-Encoding: identity',
  ];
  for (const text of bad) expect(() => fieldsOf(`${text}\r\n`), text).toThrow(Malformed);
  for (const line of [
    'GET  / HTTP/1.1',
    'GET /',
    'GET / HTTP/1.1 ',
    'GET / http/1.1',
    'G@T / HTTP/1.1',
    ' / HTTP/1.1',
    'GET /\x01 HTTP/1.1',
    'GET HTTP/1.1',
    '',
  ]) {
    expect(() => readRequestLine(line), line).toThrow(/request line/);
  }
  expect(() => readRequestLine('PRI * HTTP/2.0')).toThrow('HTTP/2.0 is not spoken here');
  expect(readRequestLine('get /a?b=é HTTP/1.0')).toEqual({ method: 'get', target: '/a?b=é', modern: false });
});

test('a body in chunks is the same however it is cut', () => {
  const text = '4\r\nWiki\r\n00005;name="v a"\r\npedia\r\nb \r\n in\r\nchunks\r\n0\r\nTrailer: x\r\n\r\nGET';
  const wire = Buffer.from(text.replace('b \r\n in\r\nchunks', 'c \r\n in\r\n\nchunks'));
  for (let size = 1; size <= wire.length; size++) {
    const body = new ChunkedBody();
    let read = '';
    let at = 0;
    while (at < wire.length && !body.complete) {
      const piece = wire.subarray(at, at + size);
      at += body.read(piece, (bytes) => (read += bytes.toString('latin1')));
    }
    expect([read, wire.toString('latin1', at)], `pieces of ${size}`).toEqual(['Wikipedia in\r\n\nchunks', 'GET']);
  }
});

test('chunks that could be read in two ways are refused; no line grows without end', () => {
  for (const text of [
    '\r\n',
    'x\r\n',
    '-1\r\n',
    '0x5\r\n',
    '5 5\r\n',
    '4\nWiki\r\n',
    '4\r\nWikis\n',
    '4;\x01\r\n',
    '4\r\r\n',
    '10000000000000\r\n',
    '4\r\nWiki\n',
  ]) {
    expect(() => new ChunkedBody().read(Buffer.from(text), () => {}), JSON.stringify(text)).toThrow(Malformed);
  }
  const long = new ChunkedBody();
  expect(() => long.read(Buffer.from(`4;${'x'.repeat(5000)}`), () => {})).toThrow('too long');
  const trailers = new ChunkedBody();
  trailers.read(Buffer.from('0\r\n'), () => {});
  expect(() => trailers.read(Buffer.from(`a: ${'x'.repeat(3000)}\r\n`.repeat(10)), () => {})).toThrow('trailers are too long');
  const sized = new SizedBody(3);
  expect([sized.read(Buffer.from('abcd'), () => {}), sized.complete]).toEqual([3, true]);
});

/** A server that hands each request to the test, and clients on bare sockets. */
let server: HttpServer | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.closeAllConnections();
  await server?.close();
  server = undefined;
});

interface Seen {
  connection: HttpConnection;
  target: string;
  body: string;
  ended: boolean;
  gone: boolean;
}

async function start(
  answer: (seen: Seen) => void,
): Promise<{ seen: Seen[]; client: () => { socket: Socket; text: () => string; closed: Promise<void> } }> {
  const seen: Seen[] = [];
  const own = (server = new HttpServer((connection, line) => {
    const one: Seen = { connection, target: line.target, body: '', ended: false, gone: false };
    seen.push(one);
    connection.sink = { body: (bytes) => (one.body += bytes), bodyEnd: () => (one.ended = true), gone: () => (one.gone = true) };
    answer(one);
  }));
  const port = await own.listen({ port: 0, host: '127.0.0.1' });
  const client = () => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => {});
    return { socket, text: () => text, closed: new Promise<void>((resolve) => socket.once('close', () => resolve())) };
  };
  return { seen, client };
}

const ok = { status: 200, fields: '', length: undefined, dated: true };
const hello = (one: Seen): boolean => one.connection.answer(ok, '', Buffer.from(`[${one.target}]`), true);

test('requests that come together are answered one after the other, in order', async () => {
  const { seen, client } = await start((one) => one.target === '/a' && hello(one));
  const { socket, text } = client();
  socket.write(
    'GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /c HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  await expect.poll(() => seen.map((one) => one.target)).toEqual(['/a', '/slow']);
  hello(seen[1]!);
  await expect.poll(() => seen[2]).toMatchObject({ target: '/b', body: 'hi', ended: true });
  hello(seen[2]!);
  await expect.poll(() => seen[3]?.target).toBe('/c');
  hello(seen[3]!);
  await expect.poll(() => text().match(/\[.*?\]/g)).toEqual(['[/a]', '[/slow]', '[/b]', '[/c]']);
});

test('a connection whose body waited for its turn is read again after the answer', async () => {
  const { seen, client } = await start((one) => one.connection.pause());
  const { socket, text } = client();
  for (const target of ['/a', '/b', '/c']) {
    socket.write(`POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`);
    await expect.poll(() => seen.at(-1)).toMatchObject({ target, body: 'hi', ended: true });
    hello(seen.at(-1)!);
    await expect.poll(text).toContain(`[${target}]`);
  }
});

test('a head may come byte by byte', async () => {
  const { client } = await start(hello);
  const { socket, text } = client();
  for (const char of '\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n') {
    socket.write(char);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(text).toContain('[/x]');
});

test('a body that nobody wants is read past, and the connection goes on', async () => {
  const { client } = await start(hello);
  const { socket, text } = client();
  socket.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
  await expect.poll(text).toContain('[/a]');
  socket.write('x'.repeat(100_000));
  socket.write('GET /b HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(text).toContain('[/b]');
});

test('an answer without a length: chunks for HTTP/1.1, until the end of the connection for 1.0', async () => {
  const { client } = await start(({ connection }) => {
    connection.answer(ok, '', undefined, false);
    connection.write(Buffer.from('abc'));
    connection.write(Buffer.alloc(0));
    connection.write(Buffer.from('d'.repeat(20)));
    connection.end();
  });
  const modern = client();
  modern.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect
    .poll(modern.text)
    .toBe(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\nKeep-Alive: timeout=65\r\n\r\n3\r\nabc\r\n14\r\n${'d'.repeat(20)}\r\n0\r\n\r\n`,
    );
  const old = client();
  old.socket.write('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  await old.closed;
  expect(old.text()).toBe(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc${'d'.repeat(20)}`);
});

test('HEAD, 204 and 304 have no body, and the next answer starts where it should', async () => {
  const { client } = await start(({ connection, target }) => {
    const status = Number(target.slice(1));
    connection.answer({ ...ok, status }, '', Buffer.from('body'), true);
  });
  const { socket, text } = client();
  socket.write(
    'HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /304 HTTP/1.1\r\nHost: a\r\n\r\nGET /200 HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  await expect.poll(text).toMatch(/body$/);
  expect(text().match(/HTTP\/1\.1 \d+|body/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 204', 'HTTP/1.1 304', 'HTTP/1.1 200', 'body']);
});

test('broken chunks: before the answer they are said, after its head the connection is cut; the sink hears of both', async () => {
  const { seen, client } = await start((one) => one.target === '/begun' && one.connection.answer(ok, '', undefined, false));
  const early = client();
  early.socket.write('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n');
  await early.closed;
  expect(early.text()).toMatch(/^HTTP\/1\.1 400 [^]*the size of a chunk/);
  const late = client();
  late.socket.write('POST /begun HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n');
  await late.closed;
  expect(late.text()).toMatch(/^HTTP\/1\.1 200 (?![^]*HTTP)/);
  expect(seen.map((one) => one.gone)).toEqual([true, true]);
});

test('the last answer on a connection arrives although the client still sends', async () => {
  const { client } = await start((one) => {
    one.connection.keep = false;
    hello(one);
  });
  const { socket, text, closed } = client();
  socket.write(`POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(4_000_000)}`);
  await closed;
  expect(text()).toMatch(/Connection: close\r\n\r\n\[\/big\]$/);
});

test('a client that goes is told once, and never after its answer', async () => {
  const { seen, client } = await start((one) => one.target === '/answered' && hello(one));
  const waiting = client();
  waiting.socket.write('GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(() => seen.length).toBe(1);
  waiting.socket.end();
  await expect.poll(() => seen[0]!.gone).toBe(true);
  const answered = client();
  answered.socket.write('GET /answered HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(answered.text).toContain('[/answered]');
  answered.socket.destroy();
  await answered.closed;
  expect(seen[1]!.gone).toBe(false);
});

test('a kept connection that waits for too long is closed without a word', async () => {
  const { seen, client } = await start(hello);
  const idle = client();
  idle.socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(idle.text).toContain('[/1]');
  const { connection } = seen[0]!;
  connection.tick(performance.now() + 60_000);
  expect(connection.socket.destroyed).toBe(false);
  connection.tick(performance.now() + 70_000);
  await idle.closed;
  expect(idle.text()).not.toContain('408');
});

test('a head that takes too long is answered with 408', async () => {
  const { seen, client } = await start(hello);
  const slow = client();
  slow.socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost');
  await expect.poll(slow.text).toContain('[/1]');
  const { connection } = seen[0]!;
  connection.tick(performance.now() + 10_000);
  connection.tick(performance.now() + 20_000);
  await slow.closed;
  expect(slow.text()).toMatch(/HTTP\/1\.1 408 Request Timeout/);
});
