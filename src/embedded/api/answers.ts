/** The bodies of answers: stored text is joined, never parsed. */
import { createHash } from 'node:crypto';

import type { KindDefinition } from '../../resources/kind.ts';
import type { ApiError } from '../../resources/object.ts';
import type { Status } from '../../resources/object.ts';
import { apiVersionOf } from './core.ts';
import type { Page } from './reading.ts';
import type { Output } from './output.ts';
import type { Batch, Bookmark, Offer } from './watching.ts';
import { watchError } from './watching.ts';
import type { StoredRow, Texts } from '../storage/store.ts';
import type { WatchItem } from './watch-hub.ts';

export type Body = string | Uint8Array | AsyncIterable<string | Uint8Array>;

/** All of it. */
export async function textOf(body: Body): Promise<string> {
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString('utf8');
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Body;
  /** Goes on for as long as the client wants. */
  readonly endless?: true;
  /** Of a body that is read as it comes: who waits for the next piece is written to at once, in the turn in which there is one. */
  readonly onLive?: (output: Output) => void;
}

/** How one kind's objects are shown: as they are, or as rows of a Table. */
export interface Shape {
  /** The answer to a request for one object. */
  one(row: StoredRow): string;
  /** The start and end of a list around its items. */
  list(page: Page): { readonly head: string; readonly items: (page: Page, from: number, to: number) => string; readonly tail: string };
  /** Items are the stored texts; `{` stands in the place of so many of their first bytes. */
  readonly cut?: number;
  event(item: WatchItem): Uint8Array;
  bookmark(item: Bookmark): string;
}

const json = { 'content-type': 'application/json' } as const;

export const jsonReply = (status: number, text: string): Reply => ({ status, headers: json, body: text });
export const statusReply = (status: Status): Reply => jsonReply(status.code ?? 200, JSON.stringify(status));

export function errorReply(error: ApiError): Reply {
  const retry = error.status.details?.retryAfterSeconds;
  return { ...statusReply(error.status), headers: { ...json, ...(retry && { 'retry-after': String(retry) }) } };
}

/** What may be different the next time. */
export const changing = { 'cache-control': 'no-cache, private' } as const;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex').toUpperCase();

/** A body with its ETag; 304 and nothing for a client that has it. */
export function cached(headers: Reply['headers'], body: string, ifNoneMatch: string | undefined, etag = `"${sha256(body)}"`): Reply {
  const own = { ...changing, ...headers, etag };
  if (ifNoneMatch !== etag) return { status: 200, headers: own, body };
  const { 'content-type': _, ...known } = own as Record<string, string>;
  return { status: 304, headers: known, body: '' };
}

/** Rows of one piece of a list's body. */
const piece = 500;

export function listReply(shape: Shape, page: Page): Reply {
  const { head, items, tail } = shape.list(page);
  if (page.rows.length <= piece) return jsonReply(200, head + items(page, 0, page.rows.length) + tail);
  return { status: 200, headers: json, body: pieces() };

  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let from = 0; from < page.rows.length; from += piece) {
      const text = items(page, from, Math.min(from + piece, page.rows.length));
      yield Buffer.from((from === 0 ? head : ',') + text + (from + piece >= page.rows.length ? tail : ''));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A list of which this process has made no objects. */
export function textsReply(shape: Shape, { revision, first, rest }: Texts): Reply {
  const { head, tail } = shape.list({ rows: [], revision });
  const begin = first === '' ? head : `${head}{${first}`;
  if (!rest) return jsonReply(200, begin + tail);
  return { status: 200, headers: json, body: pieces(rest) };

  async function* pieces(others: AsyncIterable<string>): AsyncGenerator<string> {
    yield begin;
    yield* others;
    yield tail;
  }
}

/** `kind`: of the items, where the list is of their own kind: of custom kinds, it names the next page even where there is none. */
export function listMetadata(page: Page, kind?: KindDefinition): string {
  const { revision, continue: token, remaining } = page;
  return JSON.stringify({
    resourceVersion: String(revision),
    ...(token ? { continue: token } : kind?.origin === 'custom' && { continue: '' }),
    ...(remaining !== undefined && { remainingItemCount: remaining }),
  });
}

/** Objects as they are stored. */
export function objectShape(kind: KindDefinition): Shape {
  // What the list says of its kind, items of a built-in one do not repeat.
  const cut = kind.origin === 'builtin' ? `{"apiVersion":"${apiVersionOf(kind)}","kind":"${kind.kind}",`.length : 1;
  const item = (row: StoredRow): string => `{${row.text.slice(cut)}`;
  return {
    cut,
    one: (row) => row.text,
    list: (page) => ({
      head: `{"kind":"${kind.kind}List","apiVersion":"${apiVersionOf(kind)}","metadata":${listMetadata(page, kind)},"items":[`,
      items: ({ rows }, from, to) => {
        let text = '';
        for (let at = from; at < to; at++) text += (at > from ? ',' : '') + item(rows[at] as StoredRow);
        return text;
      },
      tail: ']}\n',
    }),
    event: (item) => item.encoded,
    bookmark: (item) => {
      const metadata = {
        resourceVersion: String(item.revision),
        ...(item.initial && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
      };
      return JSON.stringify({ kind: kind.kind, apiVersion: apiVersionOf(kind), metadata });
    },
  };
}

export function watchReply(shape: Shape, watch: (offer: Offer) => AsyncIterable<Batch>): Reply {
  let output: Output | undefined;
  const batches = watch((batch) => {
    if (!output || output.isFull) return false;
    output.write(batch.map(encode));
    return true;
  });
  return { status: 200, headers: { ...json, ...changing }, body: lines(), endless: true, onLive: (given) => void (output = given) };

  function encode(item: WatchItem | Bookmark): Uint8Array {
    return item.type === 'BOOKMARK' ? Buffer.from(`{"type":"BOOKMARK","object":${shape.bookmark(item)}}\n`) : shape.event(item);
  }

  async function* lines(): AsyncGenerator<Uint8Array> {
    try {
      for await (const batch of batches) yield batch.length === 1 ? encode(batch[0]!) : Buffer.concat(batch.map(encode));
    } catch (error) {
      yield Buffer.from(`${JSON.stringify({ type: 'ERROR', object: watchError(error).status })}\n`);
    }
  }
}
