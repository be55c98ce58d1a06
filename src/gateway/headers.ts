import type { Socket } from 'node:net';

/** How an incoming header is treated; its lower-case name if it just passes. */
const DROP = 0;
const HOST = 1;
const CONNECTION = 2;
const REQUEST_ID = 3;
const TRACEPARENT = 4;
const FORWARDED_FOR = 5;
const AUTHORIZATION = 6;
const TE = 7;
const CONTENT_LENGTH = 8;
const TRANSFER_ENCODING = 9;
const PLATFORM_AUTHORIZATION = 10;
const special = new Map<string, number>([
  ['host', HOST],
  ['connection', CONNECTION],
  ['x-request-id', REQUEST_ID],
  ['traceparent', TRACEPARENT],
  ['x-forwarded-for', FORWARDED_FOR],
  ['authorization', AUTHORIZATION],
  // What is between us may take `Authorization` for itself, as the API server's proxy does.
  ['tsumugi-authorization', PLATFORM_AUTHORIZATION],
  ['te', TE],
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
]);
const dropped =
  'keep-alive proxy-connection proxy-authenticate proxy-authorization trailer upgrade expect forwarded x-forwarded-host x-forwarded-proto x-forwarded-port';
for (const name of dropped.split(' ')) special.set(name, DROP);

/** Raw header name -> what to do. Clients write the same few names in the same few ways; what a hostile one adds is bounded. */
const known = new Map<string, number | string>();

function treatment(raw: string): number | string {
  let what = known.get(raw);
  if (what !== undefined) return what;
  const name = raw.toLowerCase();
  what = special.get(name) ?? name;
  if (known.size < 2000) known.set(raw, what);
  return what;
}

/** The head of a request, read in one pass over its raw headers. */
export interface IncomingHead {
  /** `\0name\0value…` of what is sent on, without forwarding headers. */
  headers: string;
  /** As the client sent it; undefined if it sent none, or several. */
  host: string | undefined;
  requestId: string | undefined;
  traceparent: string | undefined;
  forwardedFor: string | undefined;
  authorization: string | undefined;
  /** Meant for the platform alone: never sent on. */
  platformAuthorization: string | undefined;
  /** By Content-Length; the parser has made sure that it is one number, and not there beside chunks. */
  bodyLength: number;
  hasBody: boolean;
}

/** Reads the head: hop-by-hop headers go, what the gateway itself sets is put aside. A request with several Host headers has none. */
export function readHead(raw: readonly string[]): IncomingHead {
  const head: IncomingHead = {
    headers: '',
    host: undefined,
    requestId: undefined,
    traceparent: undefined,
    forwardedFor: undefined,
    authorization: undefined,
    platformAuthorization: undefined,
    bodyLength: 0,
    hasBody: false,
  };
  let headers = '';
  let hosts = 0;
  let named: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const what = treatment(raw[i]!);
    const value = raw[i + 1]!;
    if (typeof what === 'string') {
      headers += `\0${what}\0${value}`;
      continue;
    }
    switch (what) {
      case HOST:
        hosts++;
        head.host = value;
        headers += `\0host\0${value}`;
        break;
      case CONNECTION:
        if (!plainConnection(value)) named = named === undefined ? value : `${named},${value}`;
        break;
      case REQUEST_ID:
        head.requestId = value;
        break;
      case TRACEPARENT:
        head.traceparent = value;
        break;
      case FORWARDED_FOR:
        head.forwardedFor = head.forwardedFor === undefined ? value : `${head.forwardedFor}, ${value}`;
        break;
      case CONTENT_LENGTH:
        headers += `\0content-length\0${value}`;
        head.bodyLength = Number(value);
        head.hasBody ||= head.bodyLength > 0;
        break;
      case TRANSFER_ENCODING:
        head.hasBody = true;
        break;
      case AUTHORIZATION:
        head.authorization = value;
        break;
      case PLATFORM_AUTHORIZATION:
        head.platformAuthorization = value;
        break;
      case TE:
        if (value.toLowerCase() === 'trailers') headers += '\0te\0trailers';
        break;
      default:
    }
  }
  if (hosts !== 1) head.host = undefined;
  head.headers = named === undefined ? headers : without(headers, named);
  return head;
}

function plainConnection(value: string): boolean {
  return value === 'keep-alive' || value === 'close' || value === 'Keep-Alive' || value === '';
}

/** Less the headers that `Connection` names: they were meant for us alone. */
function without(headers: string, connection: string): string {
  const drop = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  drop.delete('host');
  const fields = headers.split('\0');
  let kept = '';
  for (let i = 1; i < fields.length; i += 2) if (!drop.has(fields[i]!)) kept += `\0${fields[i]}\0${fields[i + 1]}`;
  return kept;
}

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

/** A RESPONSE head, read. */
export interface ResponseHead {
  readonly status: number;
  /** Names and values as node's writeHead takes them, without hop-by-hop headers. */
  readonly headers: readonly string[];
  /** The content-length that the function gave. */
  readonly length: string | undefined;
}

let lastText = '';
let lastRead: ResponseHead | undefined;

/** Reads `status\0name\0value…`. Functions say mostly the same head again and again, so the last one is kept. */
export function responseHeaders(head: string): ResponseHead {
  if (lastRead === undefined || head !== lastText) {
    lastRead = readResponseHead(head);
    lastText = head;
  }
  return lastRead;
}

function readResponseHead(head: string): ResponseHead {
  const fields = head.split('\0');
  const headers: string[] = [];
  let length: string | undefined;
  for (let i = 1; i + 1 < fields.length; i += 2) {
    const name = fields[i]!;
    const lower = name.toLowerCase();
    if (hop.has(lower)) continue;
    // One of them, as a client refuses two.
    if (lower === 'content-length') {
      if (length !== undefined) continue;
      length = fields[i + 1]!;
    }
    headers.push(name, fields[i + 1]!);
  }
  return { status: Number(fields[0]), headers, length };
}
