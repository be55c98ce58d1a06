/* oxlint-disable typescript/no-useless-default-assignment -- a default keeps the parameter out of `length`, as the standard has it */
import { inspect } from 'node:util';
import { type Body, consume, extractBody } from './body.ts';
import { guardHeaders, guardOf, Headers, headersFromFlat } from './headers.ts';
import { convertInit, defaults, normalizeMethod, referrerOf, type RequestInitLike, type RequestOptions } from './request-init.ts';
import { makeEnumerable, requireArguments, setTag, usvString } from './webidl.ts';

/** What the server knows of a request: flat, nothing parsed. */
export interface IncomingRequest {
  readonly method: string;
  /** `http://host:port`, as the caller wrote it. */
  readonly origin: string;
  /** Path and query. */
  readonly target: string;
  /** The wire's head; header names and values from `headersAt` on. */
  readonly fields: readonly string[];
  readonly headersAt: number;
  readonly body: Body | undefined;
  /** Made when asked for; the same one each time. */
  signal(): AbortSignal;
}

let fromIncoming: (incoming: IncomingRequest) => Request;
let initFor: (value: unknown) => { url: string; init: Record<string, unknown> } | undefined;

const fromWire = Symbol('from wire');

/** A path and query that URL parsing would leave as it is. */
const PLAIN_TARGET = /^\/(?!\/)(?!.*(?:\/\.|%2e))[A-Za-z0-9\-_~!$&()*+,;=:@/?.%]*$/i;
const PLAIN_ORIGIN = /^https?:\/\/(?:[a-z][a-z-]*(?:\.[a-z][a-z-]*)*|127\.0\.0\.1)(?::[1-9]\d{3,4})?$/;
let lastPlainOrigin = '';

function urlOf({ origin, target }: IncomingRequest): string {
  if (PLAIN_TARGET.test(target) && (origin === lastPlainOrigin || (PLAIN_ORIGIN.test(origin) && new URL(origin).origin === origin))) {
    lastPlainOrigin = origin;
    return origin + target;
  }
  // CONNECT and OPTIONS * name no path.
  const path = target.startsWith('/') ? target : `/${target}`;
  return (URL.parse(origin + path) ?? URL.parse(`http://localhost${path}`) ?? new URL('http://localhost/')).href;
}

/** The standard's Request. Made for an incoming invocation it costs one allocation; URL, headers and signal are made when asked for. */
export class Request {
  #incoming: IncomingRequest | undefined;
  #method: string;
  #url: string | undefined;
  #headers: Headers | undefined;
  #body: Body | undefined;
  #signal: AbortSignal | undefined;
  #followed: AbortSignal | undefined;
  #options: RequestOptions = defaults;

  constructor(input: unknown, init: RequestInitLike | null | undefined = undefined) {
    if (init === (fromWire as unknown)) {
      const incoming = input as IncomingRequest;
      this.#incoming = incoming;
      this.#method = incoming.method;
      this.#body = incoming.body;
      return;
    }
    requireArguments(arguments.length, 1, 'Request constructor');
    const from = typeof input === 'object' && input !== null && #incoming in input ? input : undefined;
    const text = from ? '' : usvString(input, 'Request constructor');
    const given = convertInit(init);
    this.#url = from ? from.url : parseUrl(text);
    this.#method = given.method === undefined ? (from ? from.#method : 'GET') : normalizeMethod(given.method);
    this.#options = {
      ...(from ? from.#options : { ...defaults, mode: 'cors' }),
      ...given.options,
      ...(given.referrer === undefined ? {} : { referrer: referrerOf(given.referrer) }),
    };
    this.#checkOptions(given.options.mode);
    this.#followed = given.signal === undefined ? from?.signal : (given.signal ?? undefined);
    this.#headers = new Headers(given.headers === undefined ? from?.headers : given.headers);
    this.#setBody(given.body, given.duplex, from);
    guardHeaders(this.#headers, this.#options.mode === 'no-cors' ? 'request-no-cors' : 'request');
  }

  get method(): string {
    return this.#method;
  }
  get url(): string {
    return (this.#url ??= urlOf(this.#incoming!));
  }
  get headers(): Headers {
    if (this.#headers) return this.#headers;
    const { fields, headersAt } = this.#incoming!;
    return (this.#headers = headersFromFlat({ fields, start: headersAt }));
  }
  get body(): ReadableStream | null {
    return this.#body ? this.#body.stream : null;
  }
  get bodyUsed(): boolean {
    return this.#body?.used ?? false;
  }
  /** Follows the signal it was made with. */
  get signal(): AbortSignal {
    if (this.#signal) return this.#signal;
    if (this.#incoming) this.#signal = this.#incoming.signal();
    else if (this.#followed) this.#signal = AbortSignal.any([this.#followed]);
    else this.#signal = new AbortController().signal;
    return this.#signal;
  }
  get destination(): string {
    void this.#method;
    return '';
  }
  get referrer(): string {
    return this.#options.referrer;
  }
  get referrerPolicy(): string {
    return this.#options.referrerPolicy;
  }
  get mode(): string {
    return this.#options.mode;
  }
  get credentials(): string {
    return this.#options.credentials;
  }
  get cache(): string {
    return this.#options.cache;
  }
  get redirect(): string {
    return this.#options.redirect;
  }
  get integrity(): string {
    return this.#options.integrity;
  }
  get keepalive(): boolean {
    return this.#options.keepalive;
  }
  get isReloadNavigation(): boolean {
    void this.#method;
    return false;
  }
  get isHistoryNavigation(): boolean {
    void this.#method;
    return false;
  }
  get duplex(): string {
    void this.#method;
    return 'half';
  }

  clone(): Request {
    if (this.#body?.unusable) throw new TypeError('unusable');
    const clone = new Request(this.url, { method: this.#method });
    clone.#options = this.#options;
    clone.#headers = new Headers(this.headers);
    guardHeaders(clone.#headers, guardOf(this.headers));
    clone.#body = this.#body?.clone();
    clone.#followed = this.signal;
    return clone;
  }

  async text(): Promise<string> {
    return consume.text(this.#body);
  }
  async json(): Promise<unknown> {
    return consume.json(this.#body);
  }
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return consume.bytes(this.#body);
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return consume.arrayBuffer(this.#body);
  }
  async blob(): Promise<Blob> {
    return consume.blob(this.#body, this.headers.get('content-type'));
  }
  async formData(): Promise<FormData> {
    return consume.formData(this.#body, this.headers.get('content-type'));
  }

  [inspect.custom](_depth: number, options: object): string {
    const {
      method,
      url,
      headers,
      destination,
      referrer,
      referrerPolicy,
      mode,
      credentials,
      cache,
      redirect,
      integrity,
      keepalive,
      signal,
    } = this;
    return `Request ${inspect({ method, url, headers, destination, referrer, referrerPolicy, mode, credentials, cache, redirect, integrity, keepalive, signal }, options)}`;
  }

  static {
    fromIncoming = (incoming) => new Request(incoming, fromWire as never);
    initFor = (value) => {
      if (typeof value !== 'object' || value === null || !(#incoming in value)) return undefined;
      const request: Request = value;
      if (request.#body?.unusable) throw new TypeError('Cannot construct a Request with a Request object that has already been used.');
      const options = request.#options;
      const body = request.#body?.transfer();
      return {
        url: request.url,
        init: {
          ...options,
          method: request.#method,
          headers: request.headers,
          signal: request.signal,
          ...(body ? { body: body.stream, duplex: 'half' } : {}),
        },
      };
    };
  }

  #checkOptions(mode: string | undefined): void {
    const options = this.#options;
    if (mode === 'navigate') throw new TypeError('Request constructor: invalid request mode navigate.');
    if (options.cache === 'only-if-cached' && options.mode !== 'same-origin') {
      throw new TypeError("'only-if-cached' can be set only with 'same-origin' mode");
    }
    if (mode === 'no-cors' && this.#method !== 'GET' && this.#method !== 'HEAD' && this.#method !== 'POST') {
      throw new TypeError(`'${this.#method} is unsupported in no-cors mode.`);
    }
  }

  #setBody(value: unknown, duplex: string | undefined, from: Request | undefined): void {
    const given = value !== undefined && value !== null;
    const inherited = from ? from.#body : undefined;
    if ((given || inherited) && (this.#method === 'GET' || this.#method === 'HEAD')) {
      throw new TypeError('Request with GET/HEAD method cannot have body.');
    }
    if (given) {
      const { body, type } = extractBody(value, this.#options.keepalive);
      if (type !== undefined && !this.#headers!.has('content-type')) this.#headers!.append('content-type', type);
      if (!body.fromValue) {
        if (duplex === undefined) throw new TypeError('RequestInit: duplex option is required when sending a body.');
        this.#checkStreamMode();
      }
      this.#body = body;
    } else if (inherited) {
      if (!inherited.fromValue) this.#checkStreamMode();
      if (inherited.unusable) throw new TypeError('Cannot construct a Request with a Request object that has already been used.');
      this.#body = inherited.transfer();
    }
  }

  #checkStreamMode(): void {
    if (this.#options.mode !== 'same-origin' && this.#options.mode !== 'cors') {
      throw new TypeError('If request is made from ReadableStream, mode should be "same-origin" or "cors"');
    }
  }
}

function parseUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new TypeError(`Failed to parse URL from ${text}`, { cause });
  }
  if (url.username || url.password) throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${text}`);
  return url.href;
}

const own = ['method', 'url', 'headers', 'redirect', 'clone', 'signal', 'duplex', 'destination', 'body', 'bodyUsed', 'isHistoryNavigation'];
makeEnumerable(Request.prototype, own);
makeEnumerable(Request.prototype, [
  'isReloadNavigation',
  'keepalive',
  'integrity',
  'cache',
  'credentials',
  'referrerPolicy',
  'referrer',
  'mode',
]);
makeEnumerable(Request.prototype, ['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData']);
setTag(Request.prototype, 'Request');

/** The Request that a handler gets. */
export const incomingRequest = (incoming: IncomingRequest): Request => fromIncoming(incoming);

/** Arguments for Node's `fetch` that say the same as one of our Requests, whose body they take; undefined for anything else. */
export const fetchArguments = (value: unknown): { url: string; init: Record<string, unknown> } | undefined => initFor(value);
