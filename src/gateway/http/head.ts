/**
 * The head of a request (RFC 9112), read strictly: what could be read in two ways, by us and by what stands before or behind us, is refused.
 * Texts are latin1, one character a byte.
 */
import { Malformed } from './malformed.ts';

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
const EXPECT = 11;
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
  ['expect', EXPECT],
]);
const dropped =
  'keep-alive proxy-connection proxy-authenticate proxy-authorization trailer upgrade forwarded x-forwarded-host x-forwarded-proto x-forwarded-port';
for (const name of dropped.split(' ')) special.set(name, DROP);

/** Raw header name -> what to do. Clients write the same few names in the same few ways; what a hostile one adds is bounded. */
const known = new Map<string, number | string>();

const token = /^[!#$%&'*+.^_`|~\w-]+$/;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const notInValue = /[\0-\x08\x0a-\x1f\x7f]/;
const targetText = /^[\x21-\x7e\x80-\xff]+$/;

function treatment(raw: string): number | string {
  let what = known.get(raw);
  if (what !== undefined) return what;
  if (!token.test(raw)) throw new Malformed(400, 'a header name has characters that it must not have');
  const name = raw.toLowerCase();
  what = special.get(name) ?? name;
  if (known.size < 2000) known.set(raw, what);
  return what;
}

/** The header fields of a request. */
export interface HeadFields {
  /** `\0name\0value…` of what is sent on, without forwarding headers. */
  readonly headers: string;
  /** As the client sent it; undefined if it sent none, or several. */
  readonly host: string | undefined;
  readonly requestId: string | undefined;
  readonly traceparent: string | undefined;
  readonly forwardedFor: string | undefined;
  readonly authorization: string | undefined;
  /** Meant for the platform alone: never sent on. */
  readonly platformAuthorization: string | undefined;
  /** By Content-Length; 0 without one. */
  readonly bodyLength: number;
  readonly chunked: boolean;
  /** The client waits for 100 Continue before it sends the body. */
  readonly expects: boolean;
  /** What `Connection` says of keeping it; undefined: nothing. */
  readonly keep: boolean | undefined;
}

/** Method and target, and whether it is HTTP/1.1 (else 1.0). */
export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly modern: boolean;
}

/** @throws {Malformed} */
export function readRequestLine(line: string): RequestLine {
  const methodEnd = line.indexOf(' ');
  const targetEnd = line.length - 9;
  const version = line.slice(targetEnd);
  if (version !== ' HTTP/1.1' && version !== ' HTTP/1.0') {
    const other = / HTTP\/(\d+(\.\d+)?)$/.exec(line);
    throw other ? new Malformed(505, `HTTP/${other[1]} is not spoken here`) : new Malformed(400, 'its first line is no request line');
  }
  const method = line.slice(0, methodEnd);
  const target = line.slice(methodEnd + 1, targetEnd);
  if (methodEnd >= targetEnd || !token.test(method) || !targetText.test(target))
    throw new Malformed(400, 'its first line is no request line');
  return { method, target, modern: version === ' HTTP/1.1' };
}

/**
 * Reads the lines from `at` to `end`, each with its CRLF: hop-by-hop headers go, what the gateway itself sets is put aside.
 * A request with several Host headers has none.
 *
 * @throws {Malformed}
 */
export function readFields(text: string, at: number, end: number): HeadFields {
  let headers = '';
  let host: string | undefined;
  let hosts = 0;
  let connection: string | undefined;
  let requestId: string | undefined;
  let traceparent: string | undefined;
  let forwardedFor: string | undefined;
  let authorization: string | undefined;
  let platformAuthorization: string | undefined;
  let length: string | undefined;
  let coding: string | undefined;
  let expects = false;
  while (at < end) {
    const lineEnd = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    if (colon === -1 || colon > lineEnd) throw new Malformed(400, 'a header line has no colon');
    const what = treatment(text.slice(at, colon));
    const value = trimmed(text, colon + 1, lineEnd);
    at = lineEnd + 2;
    if (notInValue.test(value)) throw new Malformed(400, 'a header value has control characters');
    if (typeof what === 'string') {
      headers += `\0${what}\0${value}`;
      continue;
    }
    switch (what) {
      case HOST:
        hosts++;
        host = value;
        headers += `\0host\0${value}`;
        break;
      case CONNECTION:
        connection = connection === undefined ? value : `${connection},${value}`;
        break;
      case REQUEST_ID:
        requestId = value;
        break;
      case TRACEPARENT:
        traceparent = value;
        break;
      case FORWARDED_FOR:
        forwardedFor = forwardedFor === undefined ? value : `${forwardedFor}, ${value}`;
        break;
      case CONTENT_LENGTH:
        if (length !== undefined || !/^\d{1,15}$/.test(value)) throw new Malformed(400, 'its Content-Length is not one number');
        length = value;
        headers += `\0content-length\0${value}`;
        break;
      case TRANSFER_ENCODING:
        if (coding !== undefined || value.toLowerCase() !== 'chunked')
          throw new Malformed(400, 'the one transfer coding known here is chunked');
        coding = value;
        break;
      case AUTHORIZATION:
        authorization = value;
        break;
      case PLATFORM_AUTHORIZATION:
        platformAuthorization = value;
        break;
      case TE:
        if (value.toLowerCase() === 'trailers') headers += '\0te\0trailers';
        break;
      case EXPECT:
        if (value.toLowerCase() !== '100-continue') throw new Malformed(417, 'the one expectation known here is 100-continue');
        expects = true;
        break;
      default:
    }
  }
  if (length !== undefined && coding !== undefined) throw new Malformed(400, 'it has both Content-Length and Transfer-Encoding');
  const named = connection?.toLowerCase();
  return {
    headers: named === undefined || named === 'keep-alive' || named === 'close' ? headers : without(headers, named),
    host: hosts === 1 ? host : undefined,
    requestId,
    traceparent,
    forwardedFor,
    authorization,
    platformAuthorization,
    bodyLength: Number(length ?? 0),
    chunked: coding !== undefined,
    expects,
    keep: named === undefined ? undefined : keeps(named),
  };
}

/** A value without the blanks around it; the usual one blank in front is told by a look at two characters. */
function trimmed(text: string, from: number, to: number): string {
  while (from < to && blank(text.charCodeAt(from))) from++;
  while (to > from && blank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

const blank = (code: number): boolean => code === 0x20 || code === 0x09;

function keeps(connection: string): boolean | undefined {
  const options = connection.split(',').map((option) => option.trim());
  return options.includes('close') ? false : options.includes('keep-alive') || undefined;
}

/** Less the headers that `Connection` names: they were meant for us alone. */
function without(headers: string, connection: string): string {
  const drop = new Set(connection.split(',').map((name) => name.trim()));
  drop.delete('host');
  const fields = headers.split('\0');
  let kept = '';
  for (let i = 1; i < fields.length; i += 2) if (!drop.has(fields[i]!)) kept += `\0${fields[i]}\0${fields[i + 1]}`;
  return kept;
}
