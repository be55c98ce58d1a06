/** Lists that are only passed on: SQLite joins the texts itself, and nothing of their objects is made in this process. */
import { setImmediate as turn } from 'node:timers/promises';

import type { TextQuery } from '../store.ts';
import type { Statements } from './statements.ts';

/** Rows of one piece: with objects of 3 MB it still is a string. */
const rows = 128;

interface Joined {
  readonly n: number;
  /** The key of the last row. */
  readonly last: string;
  readonly texts: string;
}

/** Reads one piece after the other; `isLast` once none can follow. */
export class TextScan {
  readonly #query: TextQuery;
  readonly #revision: number;
  #after: readonly [namespace: string, name: string];
  #before = '';
  isLast = false;

  constructor(query: TextQuery, revision: number) {
    const { namespace, after } = query;
    this.#query = query;
    this.#revision = revision;
    const isInside = after && (namespace === undefined || after.namespace === namespace);
    this.#after = isInside ? [after.namespace, after.name] : [namespace ?? '', ''];
  }

  /** `statements`: of the state in which the revision is now. */
  next(statements: Statements['scan']['present']): string {
    const { resource, namespace, cut, between } = this.#query;
    const { texts } = statements[namespace === undefined ? 'all' : 'one'];
    const found = texts.get(resource, this.#revision, ...this.#after, rows, cut + 1, between, this.#before) as unknown as Joined;
    this.isLast = found.n < rows;
    if (found.n === 0) return '';
    const [inNamespace = '', name = ''] = found.last.split('\u0001');
    this.#after = [inNamespace, name];
    this.#before = between;
    return found.texts;
  }
}

/** Reads on, whether or not anybody takes what was read: `over` is called soon, however slow the reader is. */
export function readAhead(read: () => string | undefined, over: () => void): AsyncIterable<string> {
  const waiting: string[] = [];
  let more = Promise.withResolvers<void>();
  let isRead = false;
  const reading = readAll().finally(() => {
    isRead = true;
    over();
    more.resolve();
  });
  // Told to who takes the pieces; it may be that nobody does any more.
  reading.catch(() => {});
  return pieces();

  async function readAll(): Promise<void> {
    await turn();
    for (let piece = read(); piece; piece = read()) {
      waiting.push(piece);
      more.resolve();
      await turn();
    }
  }

  async function* pieces(): AsyncGenerator<string> {
    for (;;) {
      const piece = waiting.shift();
      if (piece) yield piece;
      else if (isRead) return await reading;
      else {
        await more.promise;
        more = Promise.withResolvers();
      }
    }
  }
}
