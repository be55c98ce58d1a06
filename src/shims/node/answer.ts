/** What a handler returned, as what goes over the wire (INTERFACES.md: "What a handler returns"). */
import type { PieceReader } from './web/body.ts';
import { readStream } from './web/body.ts';
import { isForeign } from './web/foreign.ts';
import { Response, responseParts } from './web/response.ts';

export interface Answer {
  readonly status: number;
  /** Name, value, … */
  readonly fields: string[];
  /** Whole, or piece by piece. */
  readonly body: string | Uint8Array | PieceReader | undefined;
}

const TEXT = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';
const JSON_TYPE = 'application/json';
const NDJSON = 'application/x-ndjson';

const of = (type: string, body: Answer['body']): Answer => ({ status: 200, fields: ['content-type', type], body });

function asJson(value: unknown): Answer {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`the function returned a ${typeof value}, which is no answer`);
  return of(JSON_TYPE, text);
}

/** A handler's result. Throws what user code throws: a getter, toJSON, a first element. */
export function toAnswer(value: unknown): Answer | Promise<Answer> {
  if (typeof value === 'string') return of(TEXT, value);
  if (value === undefined) return { status: 204, fields: [], body: undefined };
  if (typeof value !== 'object' || value === null) return asJson(value);
  return objectAnswer(value) ?? asJson(value);
}

/** Promises, and what else `await` would wait for. */
const isThenable = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

/** Converts what comes now or later. A handler that is not async is answered without a single promise. */
export const settled = (value: unknown, convert: (value: unknown) => Answer | Promise<Answer>): Answer | Promise<Answer> =>
  isThenable(value) ? Promise.resolve(value).then(convert) : convert(value);

/** Result of a named export: as a handler's, but text is JSON too. */
export function toCallAnswer(value: unknown): Answer | Promise<Answer> {
  return typeof value === 'string' ? asJson(value) : toAnswer(value);
}

function objectAnswer(value: object): Answer | Promise<Answer> | undefined {
  const parts = responseParts(value);
  if (parts) {
    if (parts.bodyUsed) throw new TypeError('the Response that the function returned has been read already');
    if (parts.status === 0) throw new TypeError('the function returned Response.error()');
    const fields: string[] = [];
    parts.fields((name, text) => fields.push(name, text));
    return { status: parts.status, fields, body: parts.body?.takeNow() ?? parts.body?.reader() };
  }
  if (value instanceof Uint8Array) return of(BYTES, value);
  if (ArrayBuffer.isView(value)) return of(BYTES, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  const prototype = Object.getPrototypeOf(value) as unknown;
  // Most results are plain data: no need to look further.
  if (prototype === Object.prototype || prototype === Array.prototype) {
    return Symbol.asyncIterator in value ? iterableAnswer(value as AsyncIterable<unknown>) : undefined;
  }
  if (isForeign('Response', value)) return foreignAnswer(value as globalThis.Response);
  if (value instanceof ArrayBuffer) return of(BYTES, new Uint8Array(value));
  const tag = Object.prototype.toString.call(value);
  if (tag === '[object ReadableStream]') return of(BYTES, readStream(value as ReadableStream));
  if (Symbol.asyncIterator in value) return iterableAnswer(value as AsyncIterable<unknown>);
  if (tag === '[object Blob]' || tag === '[object File]' || tag === '[object FormData]' || tag === '[object URLSearchParams]') {
    const answer = toAnswer(new Response(value)) as Answer;
    if (answer.fields.length === 0) answer.fields.push('content-type', BYTES);
    return answer;
  }
  return undefined;
}

/** A response of `fetch`, passed on. Its body came decoded, so what its head says about the encoding is no longer true. */
function foreignAnswer(response: globalThis.Response): Answer {
  if (response.bodyUsed || response.body?.locked) throw new TypeError('the Response that the function returned has been read already');
  const decoded = response.headers.has('content-encoding');
  const fields: string[] = [];
  for (const [name, value] of response.headers) {
    if (name === 'connection' || name === 'keep-alive' || name === 'transfer-encoding') continue;
    if (decoded && (name === 'content-encoding' || name === 'content-length')) continue;
    fields.push(name, value);
  }
  return { status: response.status, fields, body: response.body ? readStream(response.body) : undefined };
}

/** The first element decides: text or bytes are text/plain, anything else is NDJSON, one line each. */
async function iterableAnswer(iterable: AsyncIterable<unknown>): Promise<Answer> {
  const iterator = iterable[Symbol.asyncIterator]();
  let step: IteratorResult<unknown> | undefined = await iterator.next();
  const asText = step.done || typeof step.value === 'string' || step.value instanceof Uint8Array;
  const encode = (value: unknown): Uint8Array => {
    if (value instanceof Uint8Array) return value;
    if (asText && typeof value === 'string') return Buffer.from(value);
    return Buffer.from(`${JSON.stringify(value)}\n`);
  };
  return of(asText ? TEXT : NDJSON, {
    async read() {
      const now = step ?? (await iterator.next());
      step = undefined;
      return now.done ? undefined : encode(now.value);
    },
    cancel() {
      Promise.resolve(iterator.return?.()).catch(() => {});
    },
  });
}
