/** The options of `new Request(input, init)`, converted as Web IDL says. */
import { byteString, domString, isToken, oneOf, requireDictionary, usvString } from './webidl.ts';

const policies = ['', 'no-referrer', 'no-referrer-when-downgrade', 'same-origin', 'origin', 'strict-origin', 'origin-when-cross-origin', 'strict-origin-when-cross-origin', 'unsafe-url'] as const; // prettier-ignore
const modes = ['navigate', 'same-origin', 'no-cors', 'cors'] as const;
const credentialModes = ['omit', 'same-origin', 'include'] as const;
const caches = ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'] as const;
const redirects = ['follow', 'manual', 'error'] as const;
const priorities = ['high', 'low', 'auto'] as const;

export interface RequestOptions {
  readonly mode: string;
  readonly credentials: string;
  readonly cache: string;
  readonly redirect: string;
  readonly integrity: string;
  readonly keepalive: boolean;
  readonly referrer: string;
  readonly referrerPolicy: string;
}

/** Of a request that nobody made options for; what comes from the network is as one made from a URL. */
export const defaults: RequestOptions = {
  mode: 'cors',
  credentials: 'same-origin',
  cache: 'default',
  redirect: 'follow',
  integrity: '',
  keepalive: false,
  referrer: 'about:client',
  referrerPolicy: '',
};

export interface RequestInitLike {
  readonly [key: string]: unknown;
}

export interface ConvertedInit {
  readonly method: string | undefined;
  readonly headers: unknown;
  readonly body: unknown;
  readonly duplex: string | undefined;
  readonly referrer: string | undefined;
  /** null: follow none. */
  readonly signal: AbortSignal | null | undefined;
  readonly options: Partial<RequestOptions>;
}

const where = 'Request constructor';

function toSignal(value: unknown): AbortSignal | null | undefined {
  if (value === undefined || value === null) return value;
  if (!(value instanceof AbortSignal)) throw new TypeError(`${where}: signal is no AbortSignal`);
  return value;
}

/** @throws {TypeError} for anything the standard refuses. */
export function convertInit(init: RequestInitLike | null | undefined): ConvertedInit {
  requireDictionary(init, where);
  const given = init ?? {};
  const options: { -readonly [key in keyof RequestOptions]?: RequestOptions[key] } = {};
  const { cache, credentials, integrity, keepalive, mode, redirect, referrer, referrerPolicy, priority, duplex, method } = given;
  if (cache !== undefined) options.cache = oneOf(cache, caches, 'cache');
  if (credentials !== undefined) options.credentials = oneOf(credentials, credentialModes, 'credentials');
  if (integrity !== undefined) options.integrity = domString(integrity, 'integrity');
  if (keepalive !== undefined) options.keepalive = Boolean(keepalive);
  if (mode !== undefined) options.mode = oneOf(mode, modes, 'mode');
  if (priority !== undefined) oneOf(priority, priorities, 'priority');
  if (redirect !== undefined) options.redirect = oneOf(redirect, redirects, 'redirect');
  if (referrerPolicy !== undefined) options.referrerPolicy = oneOf(referrerPolicy, policies, 'referrerPolicy');
  if (given['window'] !== undefined && given['window'] !== null) throw new TypeError("'window' option must be null");
  return {
    method: method === undefined ? undefined : byteString(method, 'method'),
    headers: given['headers'],
    body: given['body'],
    duplex: duplex === undefined ? undefined : oneOf(duplex, ['half'], 'duplex'),
    referrer: referrer === undefined ? undefined : usvString(referrer, 'referrer'),
    signal: toSignal(given['signal']),
    options,
  };
}

const normalized = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);
const forbidden = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** @throws {TypeError} when it is no method, or one that fetch forbids. */
export function normalizeMethod(method: string): string {
  if (normalized.has(method)) return method;
  if (!isToken(method)) throw new TypeError(`'${method}' is not a valid HTTP method.`);
  const upper = method.toUpperCase();
  if (forbidden.has(upper)) throw new TypeError(`'${method}' HTTP method is unsupported.`);
  return normalized.has(upper) ? upper : method;
}

/** The referrer as `request.referrer` shows it. */
export function referrerOf(text: string): string {
  if (text === '') return '';
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new TypeError(`Referrer "${text}" is not a valid URL.`, { cause });
  }
  return url.protocol === 'about:' && url.pathname === 'client' ? 'about:client' : url.href;
}
