/** One attempt of a task: a call of the function, answered with JSON. */
import { toError, TsumugiError } from '../../base/errors.ts';
import type { Invocation, Invoker, InvokeRequest, ResponseSink } from '../../invoke/invoker.ts';

/** `unstarted`: no instance began it, so it was no attempt. */
export type Outcome =
  | { readonly kind: 'succeeded'; readonly result: unknown }
  | { readonly kind: 'failed' | 'unstarted'; readonly error: string };

/** Of a result as JSON: what is larger belongs into a store. */
export const maxResultBytes = 256 * 1024;
const maxErrorLength = 4096;

/** Codes that say that the platform could not, whatever the function would have done. */
const platformCodes = new Set(['Busy', 'NoInstance', 'Unavailable']);

/**
 * Begins it; `over` is called once, never before this returns. `args`: the JSON array of arguments; undefined: none.
 * Answers how to give it up: `over` is not called then.
 */
export function attempt(
  invoker: Invoker,
  request: Omit<InvokeRequest, 'hasBody'>,
  args: Buffer | undefined,
  over: (outcome: Outcome) => void,
): () => void {
  let given = false;
  const sink = new ResultSink((outcome) => queueMicrotask(() => given || over(outcome)));
  try {
    const invocation = invoker.invoke({ ...request, hasBody: args !== undefined }, sink);
    sink.invocation = invocation;
    if (args) {
      invocation.write(args);
      invocation.end();
    }
  } catch (thrown) {
    sink.failed(thrown instanceof TsumugiError ? thrown : new TsumugiError('Internal', toError(thrown).message));
  }
  return () => {
    given = true;
    sink.invocation?.abort();
  };
}

class ResultSink implements ResponseSink {
  invocation: Invocation | undefined;
  readonly #resolve: (outcome: Outcome) => void;
  #status = 0;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(resolve: (outcome: Outcome) => void) {
    this.#resolve = resolve;
  }

  response(head: string, body: Buffer | undefined, end: boolean): void {
    this.#status = Number(head.slice(0, 3));
    if (body) this.data(body, end);
    else if (end) this.#end();
  }

  data(chunk: Buffer, end: boolean): void {
    this.#bytes += chunk.length;
    if (this.#bytes > maxResultBytes) {
      this.invocation?.abort();
      return this.#resolve({ kind: 'failed', error: `TooLarge: the result has more than ${maxResultBytes / 1024} KB; keep it in a store` });
    }
    // The frame's memory is used again.
    this.#chunks.push(end && this.#chunks.length === 0 ? chunk : Buffer.from(chunk));
    if (end) this.#end();
    else this.invocation?.consumed(chunk.length);
  }

  failed({ code, message }: TsumugiError): void {
    this.#resolve({ kind: platformCodes.has(code) ? 'unstarted' : 'failed', error: `${code}: ${message}`.slice(0, maxErrorLength) });
  }

  drained(): void {}

  #end(): void {
    const text = (this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)).toString('utf8');
    if (this.#status >= 400) return this.#resolve({ kind: 'failed', error: `status ${this.#status}: ${text}`.slice(0, maxErrorLength) });
    this.#resolve({ kind: 'succeeded', result: this.#status === 204 ? undefined : parsed(text) });
  }
}

/** What is no JSON (a stream, a Response) is kept as text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
