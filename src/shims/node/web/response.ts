/* oxlint-disable typescript/no-useless-default-assignment -- a default keeps the parameter out of `length`, as the standard has it */
import { inspect } from 'node:util';
import { Body, consume, extractBody } from './body.ts';
import { instanceOf } from './foreign.ts';
import { forEachField, guardHeaders, guardOf, Headers, setHeader } from './headers.ts';
import { byteString, makeEnumerable, requireArguments, requireDictionary, setTag, unsignedShort, usvString } from './webidl.ts';

// eslint-disable-next-line no-control-regex
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;
const isNullBodyStatus = (status: number): boolean => status === 204 || status === 304 || status === 205 || status === 101;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

interface ResponseInitLike {
  readonly status?: unknown;
  readonly statusText?: unknown;
  readonly headers?: unknown;
}

let partsOf: (value: unknown) => ResponseParts | undefined;

/** What a server needs of a response. */
export interface ResponseParts {
  readonly status: number;
  readonly body: Body | undefined;
  /** Tells every header field; set-cookie one by one. */
  fields(tell: (name: string, value: string) => void): void;
  /** Takes the body; throws when somebody has read it. */
  readonly bodyUsed: boolean;
}

/** The standard's Response, light: text and bytes stay what they are, headers are made when asked for. */
export class Response {
  #status = 200;
  #statusText = '';
  #headers: Headers | undefined;
  #contentType: string | undefined;
  #body: Body | undefined;
  #type: 'default' | 'error' = 'default';

  constructor(body: unknown = null, init: ResponseInitLike | null | undefined = undefined) {
    const extracted = body === null || body === undefined ? undefined : extractBody(body);
    if (init !== undefined && init !== null) this.#initialize(init);
    if (extracted) this.#setBody(extracted.body, extracted.type);
  }

  static error(): Response {
    const response = new Response();
    response.#status = 0;
    response.#type = 'error';
    guardHeaders(response.headers, 'immutable');
    return response;
  }

  static json(data: unknown, init: ResponseInitLike | null | undefined = undefined): Response {
    requireArguments(arguments.length, 1, 'Response.json');
    const text = JSON.stringify(data) as string | undefined;
    if (text === undefined) throw new TypeError('Value is not JSON serializable');
    const response = new Response();
    if (init !== undefined && init !== null) response.#initialize(init);
    response.#setBody(new Body({ kind: 'text', text: text.toWellFormed() }), 'application/json');
    return response;
  }

  static redirect(url: string | URL, status = 302): Response {
    requireArguments(arguments.length, 1, 'Response.redirect');
    const text = usvString(url, 'Response.redirect');
    const code = unsignedShort(status);
    let parsed: URL;
    try {
      parsed = new URL(text);
    } catch (cause) {
      throw new TypeError(`Failed to parse URL from ${text}`, { cause });
    }
    if (!redirectStatuses.has(code)) throw new RangeError(`Invalid status code ${code}`);
    const response = new Response();
    response.#status = code;
    setHeader(response.headers, 'location', parsed.href);
    guardHeaders(response.headers, 'immutable');
    return response;
  }

  get type(): 'default' | 'error' {
    return this.#type;
  }

  get url(): string {
    void this.#status;
    return '';
  }

  get redirected(): boolean {
    void this.#status;
    return false;
  }

  get status(): number {
    return this.#status;
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get headers(): Headers {
    if (this.#headers) return this.#headers;
    const headers = (this.#headers = new Headers());
    guardHeaders(headers, 'response');
    if (this.#contentType !== undefined) setHeader(headers, 'content-type', this.#contentType);
    return headers;
  }

  get body(): ReadableStream | null {
    return this.#body ? this.#body.stream : null;
  }

  get bodyUsed(): boolean {
    return this.#body?.used ?? false;
  }

  clone(): Response {
    if (this.#body?.unusable) throw new TypeError('Response.clone: Body has already been consumed.');
    const clone = new Response();
    clone.#status = this.#status;
    clone.#statusText = this.#statusText;
    clone.#type = this.#type;
    clone.#headers = new Headers(this.headers);
    guardHeaders(clone.#headers, guardOf(this.headers));
    clone.#body = this.#body?.clone();
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
    const { status, statusText, headers, body, bodyUsed, ok, redirected, type, url } = this;
    return `Response ${inspect({ status, statusText, headers, body, bodyUsed, ok, redirected, type, url }, options)}`;
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return instanceOf(this, Response, 'Response', value);
  }

  static {
    partsOf = (value) => {
      if (typeof value !== 'object' || value === null || !(#status in value)) return undefined;
      const response: Response = value;
      return {
        status: response.#status,
        body: response.#body,
        bodyUsed: response.#body?.unusable ?? false,
        fields: (tell) => {
          if (response.#headers) forEachField(response.#headers, tell);
          else if (response.#contentType !== undefined) tell('content-type', response.#contentType);
        },
      };
    };
  }

  #initialize(init: ResponseInitLike): void {
    requireDictionary(init, 'Response constructor');
    const { headers, status, statusText } = init;
    const code = status === undefined ? 200 : unsignedShort(status);
    const phrase = statusText === undefined ? '' : byteString(statusText, 'Response constructor');
    const list = headers === undefined ? undefined : new Headers(headers);
    if (code < 200 || code > 599) throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
    if (!REASON_PHRASE.test(phrase)) throw new TypeError('Invalid statusText');
    this.#status = code;
    this.#statusText = phrase;
    if (list) {
      guardHeaders(list, 'response');
      this.#headers = list;
    }
  }

  #setBody(body: Body, type: string | undefined): void {
    if (isNullBodyStatus(this.#status)) throw new TypeError(`Response constructor: Invalid response status code ${this.#status}`);
    this.#body = body;
    if (type === undefined) return;
    if (!this.#headers) this.#contentType = type;
    else if (!this.#headers.has('content-type')) setHeader(this.#headers, 'content-type', type);
  }
}

makeEnumerable(Response.prototype, ['type', 'url', 'status', 'ok', 'redirected', 'statusText', 'headers', 'clone', 'body', 'bodyUsed']);
makeEnumerable(Response.prototype, ['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData']);
makeEnumerable(Response, ['json', 'redirect', 'error']);
setTag(Response.prototype, 'Response');

/** The parts of one of our responses; undefined for anything else. */
export const responseParts = (value: unknown): ResponseParts | undefined => partsOf(value);
