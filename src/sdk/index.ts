/**
 * For authors of functions: types, and the context of the running invocation. No dependencies.
 *
 * @example
 * import type { Handler } from 'tsumugi/sdk';
 * const hello: Handler = (request) => `hello ${new URL(request.url).searchParams.get('name') ?? 'world'}`;
 * export default hello;
 */

import type { Store } from './store.ts';

export { type Store, type StoreEntry, StoreError, type StorePage, type StoreValue, type Versioned } from './store.ts';

/** What a handler may answer: text -> text/plain, bytes or a stream -> octet-stream, an async iterable -> text/plain or NDJSON, undefined -> 204, other values -> JSON. */
export type Answer =
  | Response
  | string
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<unknown>
  | object
  | number
  | boolean
  | null
  | undefined
  | void;

export type Handler = (request: Request, context: Context) => Answer | Promise<Answer>;

/** Writes lines to the function's log, each with the invocation's id. */
export interface Logger {
  debug(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
}

/** Where the invocation stands in the execution that it is a task of. An attempt may be made again from its start: do no harm by that. */
export interface Task {
  readonly execution: string;
  /** The JobDefinition. */
  readonly job: string;
  /** From 0. */
  readonly index: number;
  /** Tasks in all. */
  readonly count: number;
  /** From 0. */
  readonly attempt: number;
  /** The same as variables: `TSUMUGI_EXECUTION`, `TSUMUGI_TASK_INDEX`, and those of Cloud Run (`CLOUD_RUN_TASK_INDEX`, …). */
  readonly env: Readonly<Record<string, string>>;
}

/** The invocation that is running. */
export interface Context {
  readonly requestId: string;
  readonly function: string;
  readonly revision: string;
  readonly namespace: string;
  /** Aborted when the client goes away or the time is up. */
  readonly signal: AbortSignal;
  /** W3C trace context of this invocation, to be sent on. */
  readonly trace: { readonly traceparent: string };
  readonly log: Logger;
  /** The key-value store of the namespace. Needs `permissions: { store: true }` of the function; else all that it is asked rejects with a StoreError `Forbidden`. */
  readonly store: Store;
  /**
   * Headers that show who the function is to Routes with `auth: token` and to private functions of its namespace; for itself or for
   * whoever shall call back through the gateway. They are worth something for at most an hour, there and nowhere else: ask anew for each use.
   * Needs `permissions` of the function, of whatever kind; else it rejects with an error `Forbidden`.
   *
   * @example await fetch(url, { headers: await context.credentials() })
   */
  credentials(): Promise<Record<string, string>>;
  /** Absent where it is no task. Tasks share instances, so this is not in `process.env`. */
  readonly task?: Task | undefined;
}

/** The running invocation's context, for named exports and helpers. Throws outside of one. */
export function getContext(): Context {
  const current = (globalThis as { [key: symbol]: { getStore(): Context | undefined } | undefined })[
    Symbol.for('tsumugi.context')
  ]?.getStore();
  if (!current) throw new Error('getContext() was called outside of an invocation');
  return current;
}
