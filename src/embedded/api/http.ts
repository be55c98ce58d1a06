import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { toError, TsumugiError } from '../../base/errors.ts';
import { ApiError } from '../../resources/object.ts';
import { errorReply } from './answers.ts';
import type { Reply } from './answers.ts';
import { admin, anonymous } from './authorize.ts';
import type { User } from './authorize.ts';
import { handle } from './handler.ts';
import type { HandlerParts } from './handler.ts';
import type { ApiRequest } from './request.ts';
import { isWebSocket, refuse, StreamServer } from './streams/stream-server.ts';
import { Output } from './output.ts';
import { badRequest, headTooLarge, internal, requestTimeout, tooLarge, unauthorized } from './status.ts';

export interface HttpOptions extends HandlerParts {
  readonly host: string;
  readonly port: number;
  readonly cert: string;
  readonly key: string;
  readonly token: string;
}

/** Largest body, as the Kubernetes API server has it. */
export const maxBody = 3 << 20;
/** Largest head, the query included: as there. */
const maxHead = 1 << 20;
/** How long requests in flight may take after `close` before their connections are cut. */
const drainMs = 5000;

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves the API over HTTPS with HTTP/1.1. Throws Conflict when the port is taken. */
export async function serveHttps(options: HttpOptions): Promise<HttpServer> {
  const isToken = tokenCheck(options.token);
  const authenticate: Authenticate = async (token) => (isToken(token) ? admin : options.server.authenticate(token));
  const ending = new AbortController();
  const server: Server = createServer(
    {
      cert: options.cert,
      key: options.key,
      minVersion: 'TLSv1.2',
      keepAliveTimeout: 65_000,
      requestTimeout: 60_000,
      maxHeaderSize: maxHead,
      // Other upgrades are answered as what they are without: plain requests.
      shouldUpgradeCallback: isWebSocket,
    },
    (request, response) => {
      void answer(options, authenticate, ending.signal, request, response);
    },
  );
  const streams = new StreamServer(options, ending.signal);
  server.on('upgrade', (request, socket, head) => {
    // Nobody listens to the socket until it is known who asks.
    const ignore = (): void => {};
    socket.on('error', ignore);
    void requestOf(authenticate, request, ending.signal).then((asked) => {
      socket.off('error', ignore);
      if ('status' in asked) refuse(socket, asked);
      else void streams.take(asked, request, socket, head);
    });
  });
  server.on('tlsClientError', () => {});
  server.on('clientError', refuseUnread);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new TsumugiError('Conflict', `port ${options.port} on ${options.host} is taken`, {
              hint: 'choose another with --api-port',
              cause: error,
            })
          : error,
      );
    });
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      ending.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection that has carried a watch becomes idle only once the watch has ended.
      const idle = setInterval(() => server.closeIdleConnections(), 20);
      const cut = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}

/** What cannot be read as a request, or takes too long: answered with a Status like all else, and its connection ends. */
function refuseUnread(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const isLong = error.code === 'HPE_HEADER_OVERFLOW';
  const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  refuse(
    socket,
    errorReply(
      isLong ? headTooLarge(maxHead) : isLate ? requestTimeout() : badRequest(`the request is no valid HTTP/1.1: ${error.message}`),
    ),
  );
}

async function answer(
  options: HttpOptions,
  authenticate: Authenticate,
  ending: AbortSignal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  // Of an answer that is whole nobody needs to hear it, and telling costs a third of a GET.
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  response.on('error', () => {});
  try {
    const asked = await requestOf(authenticate, request, AbortSignal.any([gone.signal, ending]));
    const reply = 'status' in asked ? asked : await handle(options, asked);
    if (ending.aborted) response.setHeader('connection', 'close');
    await send(request, response, reply);
  } catch (error) {
    options.log.error({ err: error, method: request.method, path: request.url }, 'an answer could not be sent');
    response.destroy();
  }
}

/** What is asked, or why it cannot be answered. */
async function requestOf(authenticate: Authenticate, request: IncomingMessage, signal: AbortSignal): Promise<ApiRequest | Reply> {
  const { method = 'GET', headers } = request;
  const { path, query } = targetOf(request.url ?? '/');
  let user: User | undefined;
  try {
    user = await userOf(authenticate, request);
  } catch (error) {
    return errorReply(error instanceof ApiError ? error : internal(toError(error).message));
  }
  if (!user) return errorReply(unauthorized());
  return {
    method,
    path,
    query,
    ...(headers.host && { host: headers.host }),
    accept: headers.accept ?? '',
    contentType: headers['content-type'] ?? '',
    userAgent: headers['user-agent'] ?? '',
    ...(headers['if-none-match'] && { ifNoneMatch: headers['if-none-match'] }),
    ...(headers.upgrade && { upgrade: headers.upgrade }),
    user,
    signal,
    body: () => readAll(request),
  };
}

/** As it is written: a URL's reader would tidy up `..`, `//` and backslashes, and make another path of it. */
function targetOf(target: string): { path: string; query: URLSearchParams } {
  const origin = /^https?:\/\/[^/?]*/i.exec(target)?.[0].length ?? 0;
  const asked = target.indexOf('?', origin);
  const path = target.slice(origin, asked === -1 ? undefined : asked);
  return { path: path || '/', query: new URLSearchParams(asked === -1 ? '' : target.slice(asked + 1)) };
}

/** Undefined: a token that is not valid. */
async function userOf(authenticate: Authenticate, request: IncomingMessage): Promise<User | undefined> {
  const { authorization } = request.headers;
  if (authorization === undefined) return anonymous;
  const match = /^Bearer\s+(\S+)$/i.exec(authorization);
  return match ? authenticate(match[1] as string) : undefined;
}

/** Whose token it is; undefined: nobody's. */
type Authenticate = (token: string) => Promise<User | undefined>;

/** Compares digests, so that neither content nor length of the token shows in the time it takes. */
function tokenCheck(token: string): (given: string) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(token);
  return (given) => timingSafeEqual(digest(given), wanted);
}

async function readAll(request: IncomingMessage): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > maxBody) throw tooLarge(maxBody);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBody) throw tooLarge(maxBody);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

async function send(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  const { status, headers, body } = reply;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // A body nobody has read would be taken for the next request's head.
  if (!request.complete && request.method !== 'GET') response.setHeader('connection', 'close');
  response.statusCode = status;
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    response.setHeader('content-length', bytes.length);
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return;
  }
  const output = new Output(response);
  reply.onLive?.(output);
  try {
    for await (const piece of body) {
      if (output.isGone) return;
      output.write([piece]);
      if (output.isFull) await output.drained();
    }
    response.end();
  } catch {
    // The head is out: a cut connection is the only way left to say that the answer is not whole.
    response.destroy();
  }
}
