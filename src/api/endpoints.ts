/** The little of HTTP that the platform API needs, on node:http. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

import { diskIsFull, isDiskFull } from '../base/disk.ts';
import { toError, TsumugiError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { ApiError } from '../resources/object.ts';

/** What a request is answered with; nothing: 204. Lines are streamed as NDJSON; bytes are a package where no type is said. */
export type Reply =
  | { readonly status?: number; readonly json: unknown }
  | { readonly bytes: Uint8Array; readonly type?: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly lines: AsyncIterable<string> }
  | undefined;

export interface Call {
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Aborted when the client goes away or the platform stops. */
  readonly signal: AbortSignal;
  /** The body; rejects with TooLarge. */
  readonly body: (maxBytes: number) => Promise<Buffer>;
}

export interface Endpoint {
  readonly method: string;
  readonly path: RegExp;
  /** Gets the groups of `path`, decoded. */
  readonly handle: (groups: readonly string[], call: Call) => Promise<Reply> | Reply;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A handler for node:http and node:https servers. What it throws is answered as `{error: {code, message, hint}}`; paths that no endpoint has are `other`'s. */
export function serveEndpoints(endpoints: readonly Endpoint[], log: Log, stopped: AbortSignal, other?: Handler): Handler {
  return (request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    if (other && !endpoints.some((endpoint) => endpoint.path.test(path))) return other(request, response);
    void answer(endpoints, request, response, stopped).catch((thrown: unknown) => {
      const error = asTsumugiError(thrown);
      if (error.code === 'Internal') log.error({ url: request.url, error: toError(thrown).stack }, 'a request to the platform API failed');
      if (response.headersSent) response.destroy();
      else send(response, error.status, errorBody(error));
    });
  };
}

async function answer(
  endpoints: readonly Endpoint[],
  request: IncomingMessage,
  response: ServerResponse,
  stopped: AbortSignal,
): Promise<void> {
  const url = URL.parse(request.url ?? '/', 'http://platform');
  if (!url) throw new TsumugiError('Invalid', 'the path cannot be read');
  const there = endpoints.filter(({ path }) => path.test(url.pathname));
  if (there.length === 0) throw new TsumugiError('NotFound', `the platform API has no ${url.pathname}`);
  const endpoint = there.find(({ method }) => method === request.method);
  if (!endpoint)
    throw new TsumugiError(
      'MethodNotAllowed',
      `${url.pathname} takes ${there.map(({ method }) => method).join(', ')}, not ${request.method}`,
    );

  const gone = new AbortController();
  const leave = (): void => gone.abort(new TsumugiError('Unavailable', 'the platform is stopping'));
  response.once('close', leave);
  stopped.addEventListener('abort', leave, { once: true });
  if (stopped.aborted) leave();
  try {
    const groups = (endpoint.path.exec(url.pathname) ?? []).slice(1).map(decoded);
    const reply = await endpoint.handle(groups, {
      query: url.searchParams,
      headers: request.headers,
      signal: gone.signal,
      body: (maxBytes) => readBody(request, maxBytes),
    });
    if (reply === undefined) response.writeHead(204).end();
    else if ('lines' in reply) await stream(response, reply.lines, gone.signal);
    else if ('bytes' in reply)
      response
        .writeHead(200, { 'content-type': reply.type ?? 'application/x-tar', 'content-length': reply.bytes.length, ...reply.headers })
        .end(reply.bytes);
    else send(response, reply.status ?? 200, reply.json);
  } finally {
    stopped.removeEventListener('abort', leave);
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new TsumugiError('Invalid', `${JSON.stringify(part)} is no part of a path`);
  }
}

function send(response: ServerResponse, status: number, json: unknown): void {
  const text = `${JSON.stringify(json)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}

/** As `{"error": …}`. */
export function errorBody(error: TsumugiError): { error: { code: string; message: string; hint?: string; retryAfterSeconds?: number } } {
  const { code, message, hint, retryAfterSeconds } = error;
  return { error: { code, message, ...(hint !== undefined && { hint }), ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) } };
}

export function asTsumugiError(thrown: unknown): TsumugiError {
  if (thrown instanceof TsumugiError) return thrown;
  if (thrown instanceof ApiError) {
    if (thrown.code === 404) return new TsumugiError('NotFound', thrown.message, { cause: thrown });
    if (thrown.code >= 500) return new TsumugiError('Unavailable', thrown.message, { cause: thrown, retryAfterSeconds: 1 });
  }
  if (isDiskFull(thrown)) return new TsumugiError('Unavailable', diskIsFull, { cause: thrown });
  return new TsumugiError('Internal', toError(thrown).message, { cause: thrown });
}

async function stream(response: ServerResponse, lines: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  for await (const line of lines) {
    if (signal.aborted) break;
    if (!response.write(line)) {
      await new Promise<void>((resolve) => {
        response.once('drain', resolve).once('close', resolve);
      });
    }
  }
  response.end();
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) throw new TsumugiError('TooLarge', `the body is larger than ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
