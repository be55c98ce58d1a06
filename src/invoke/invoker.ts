import type { TsumugiError } from '../base/errors.ts';
import type { FunctionEntry } from './projection.ts';

/**
 * One request to a function, as the layers above hand it to `Invoker.invoke`. All strings are HTTP's latin1.
 */
export interface InvokeRequest {
  /** Key of the function: `namespace/name`. */
  readonly function: string;
  readonly method: string;
  /** Path and query as the function shall see them: `/rest?x=1`. */
  readonly target: string;
  readonly requestId: string;
  readonly traceparent: string;
  /** Which named export to call with the body's JSON arguments (percent-encoded); '' = the handler. */
  readonly export: string;
  /** `scheme://authority` of the caller's URL. */
  readonly origin: string;
  /** `\0name\0value` for each header, names in lower case. */
  readonly headers: string;
  /** False: there is no body, and neither `write` nor `end` will be called. */
  readonly hasBody: boolean;
  /** Instead of the function's own `timeoutSeconds`. */
  readonly timeoutMs?: number;
}

/**
 * Where the answer goes: methods instead of promises and streams, because this is the hot path.
 * Told in order: `response`, `data`*, or at any time `failed`, which is the last. Nothing is told after `abort`, or after an end.
 */
export interface ResponseSink {
  /** `head` is `status\0name\0value…`; body bytes may come with it; `end`: this was all. */
  response(head: string, body: Buffer | undefined, end: boolean): void;
  /** More of the body; the taker answers with `consumed` when it can take more. May be empty at the end. */
  data(chunk: Buffer, end: boolean): void;
  /** The request failed. After `response` the answer is cut off. */
  failed(error: TsumugiError): void;
  /** After `write` answered false: more of the request's body can be given. */
  drained(): void;
}

/** A request under way. */
export interface Invocation {
  /** Gives body bytes, which must not be changed afterwards. False: wait for `drained` before giving more. */
  write(chunk: Buffer): boolean;
  /** The body is complete. */
  end(): void;
  /** This many body bytes of the answer were passed on. */
  consumed(bytes: number): void;
  /** The caller has gone away. */
  abort(): void;
  /** `performance.now()` when it was sent to an instance the last time; 0 while it waits. */
  readonly sentAt: number;
  /** True when it had to wait for an instance to be started or to get free. */
  readonly queued: boolean;
}

/**
 * Sends requests to instances of functions; finds, waits for and starts instances as needed. A request that an instance accepted is never
 * sent to another; one that none accepted is tried again until its time is up. Errors that a sink hears: NotFound (no such function),
 * NoInstance, Busy, LoadError, InstanceExited, Timeout, HandlerError and what else the instance says.
 *
 * @example
 * const invocation = invoker.invoke({ function: 'default/hello', method: 'GET', target: '/', … hasBody: false }, sink);
 * request.on('close', () => invocation.abort());
 */
export interface Invoker {
  invoke(request: InvokeRequest, sink: ResponseSink): Invocation;
  /** What is known of a function: `namespace/name`. */
  lookup(key: string): FunctionEntry | undefined;
  /** For work that is to be spread: begins to start instances until there are so many, or as many as the function may have. */
  spread(key: string, instances: number): void;
}
