/** Bytes that are nearly HTTP/1.1 requests, made from good ones by breaking some part. */
import type { Random } from './random.ts';

const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'CONNECT', 'get', 'G\tT', '', 'PRI', 'x'.repeat(300)];
const targets = [
  '/function/hello.friends',
  '/function/hello.friends/a?b=c',
  '/function/hello/../../x',
  '/function/%2e%2e/hello',
  '/function/hello%00',
  '/function/hello%2fx',
  '//function//hello',
  '/function/__proto__',
  '/function/constructor',
  '/function/hello.default.x.y',
  '/function/hello%',
  '/function/%ff%fe',
  '/call/hello/toString',
  '/call/hello.default',
  '/_tsumugi/x',
  '/healthz',
  '/readyz',
  'http://other.example/function/hello',
  '*',
  'function/hello',
  '/function/hello#x',
  `/function/hello?${'a=b&'.repeat(2000)}`,
  `/${'a/'.repeat(3000)}`,
  '/function/hello\x7f',
  '/\xff\xfe',
  '\\function\\hello',
];
const headers = [
  'Host: localhost',
  'Host: a\r\nHost: b',
  'Host:',
  'Host: [::1',
  `Host: ${'a.'.repeat(500)}`,
  'Host: __proto__',
  'Content-Length: 5',
  'Content-Length: +5',
  'Content-Length: -1',
  'Content-Length: 5, 5',
  'Content-Length: 99999999999999999999',
  'Content-Length: 0x5',
  'Content-Length : 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding:\x0bchunked',
  'transfer-encoding: CHUNKED',
  'Connection: close, content-length, host',
  'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13',
  'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'X-A: b\r\n folded',
  'X-A: b\n X-B: c',
  'X-A: \0',
  ': empty',
  'no colon',
  '__proto__: x',
  'constructor: x',
  `X-Long: ${'l'.repeat(9000)}`,
  'X-Request-Id: \xff\xff',
  'Traceparent: 00-0-0-0',
  'Authorization: Bearer x',
  'Tsumugi-Authorization: Bearer x',
  'Content-Encoding: gzip',
  'Cookie: a=b; __Host-x=y',
  'Range: bytes=0-18446744073709551615',
];
const bodies = [
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n',
  '5\nhello\n0\n\n',
  'g\r\nhello\r\n',
  'fffffffffffffffff\r\n',
  '-1\r\nx\r\n',
  '0\r\n\r\nGET /function/hello HTTP/1.1\r\nHost: x\r\n\r\n',
  '5\r\nhelloo\r\n0\r\n\r\n',
  `${'0'.repeat(5000)}5\r\nhello\r\n0\r\n\r\n`,
  `0\r\n${'X: y\r\n'.repeat(4000)}\r\n`,
];
const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/1.10',
  '',
];
const ends = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n'];

/** One connection's bytes. */
export function gatewayCase(random: Random): Buffer {
  const end = random.of(ends);
  const usual = random.once(3) ? [] : ['Host: localhost'];
  const some = Array.from({ length: random.int(5) }, () => random.of(headers));
  if (random.once(40)) for (let i = 0; i < 500; i++) some.push(`X-${i}: ${i}`);
  const line = `${random.once(3) ? random.of(methods) : random.of(methods.slice(0, 7))} ${random.once(2) ? random.of(targets) : '/function/hello.friends'} ${random.of(versions)}`;
  const text = [line, ...usual, ...some, 'Connection: close'].join(end) + end + end + random.of(bodies);
  const bytes = Buffer.from(text, 'latin1');
  if (!random.once(4)) return bytes;
  for (let i = 0; i < 1 + random.int(4); i++) bytes[random.int(bytes.length)] = random.int(256);
  return random.once(2) ? bytes.subarray(0, random.int(bytes.length)) : bytes;
}
