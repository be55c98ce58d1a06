import type { Socket } from 'node:net';
import { TsumugiError } from '../base/errors.ts';
import type { AnswerHead } from './http/connection.ts';

interface Forwarding {
  readonly host: string;
  readonly address: string;
  readonly text: string;
}
const forwardings = new WeakMap<Socket, Forwarding>();

/**
 * `X-Forwarded-For|Host|Proto` and `Forwarded`. What the client said of For is kept in front, as proxies do; Host and Proto are what we saw.
 */
export function forwardedHeaders(socket: Socket, host: string, scheme: string, before: string | undefined): string {
  let forwarding = forwardings.get(socket);
  if (forwarding?.host !== host) {
    const address = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
    const node = address.includes(':') ? `"[${address}]"` : address;
    const hostText = /^[\w.-]+$/.test(host) ? host : `"${host.replaceAll(/["\\]/g, '')}"`;
    forwarding = {
      host,
      address,
      text: `\0x-forwarded-host\0${host}\0x-forwarded-proto\0${scheme}\0forwarded\0for=${node};host=${hostText};proto=${scheme}\0x-forwarded-for\0`,
    };
    forwardings.set(socket, forwarding);
  }
  return before === undefined ? forwarding.text + forwarding.address : `${forwarding.text}${before}, ${forwarding.address}`;
}

const hop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-request-id',
]);

let lastText = '';
let lastRead: AnswerHead | undefined;

/**
 * Reads `status\0name\0value…`. Functions say mostly the same head again and again, so the last one is kept.
 *
 * @throws {TsumugiError} HandlerError when it is not what HTTP can say.
 */
export function responseHead(head: string): AnswerHead {
  if (lastRead === undefined || head !== lastText) {
    lastRead = readResponseHead(head);
    lastText = head;
  }
  return lastRead;
}

const token = /^[!#$%&'*+.^_`|~\w-]+$/;
const value = /^[\t\x20-\x7e\x80-\xff]*$/;

function readResponseHead(head: string): AnswerHead {
  const parts = head.split('\0');
  let fields = '';
  let length: string | undefined;
  let dated = false;
  for (let i = 1; i + 1 < parts.length; i += 2) {
    const name = parts[i]!;
    const text = parts[i + 1]!;
    const lower = name.toLowerCase();
    if (hop.has(lower)) continue;
    if (!token.test(name) || !value.test(text)) throw invalid(`the header ${JSON.stringify(name.slice(0, 100))}`);
    // One of them, as a client refuses two.
    if (lower === 'content-length') {
      if (length !== undefined) continue;
      length = text;
    }
    dated ||= lower === 'date';
    fields += `${name}: ${text}\r\n`;
  }
  const status = Number(parts[0]);
  if (!Number.isInteger(status) || status < 200 || status > 999) throw invalid(`the status ${parts[0]}`);
  return { status, fields, length, dated };
}

const invalid = (what: string): TsumugiError => new TsumugiError('HandlerError', `the function's response is not valid HTTP: ${what}`);
