/** Takes the connections that become WebSockets: `exec`, `attach` and `port-forward` of pods. */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { toError } from '../../../base/errors.ts';
import { ApiError } from '../../../resources/object.ts';
import { errorReply } from '../answers.ts';
import type { Reply } from '../answers.ts';
import type { Call } from '../core.ts';
import type { HandlerParts } from '../handler.ts';
import { subjectOf } from '../observer.ts';
import type { ApiRequest } from '../request.ts';
import { resourcePath } from '../route.ts';
import { badRequest, internal, noSuchResource } from '../status.ts';
import { channelProtocols } from './channels.ts';
import { isStream, openStream } from './open.ts';
import type { OpenStream } from './open.ts';
import { portForwardProtocol, servePortForward } from './port-forward.ts';
import { serveRemoteCommand } from './remote-command.ts';

/** kubectl sends 32 KiB at most. */
const maxMessage = 1 << 20;
const keepAliveMs = 30_000;
const closeWithinMs = 1000;

export const isWebSocket = ({ headers, method }: IncomingMessage): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';

export class StreamServer {
  readonly #parts: HandlerParts;
  readonly #ending: AbortSignal;
  readonly #sockets: ReadonlyMap<OpenStream['kind'], WebSocketServer>;

  /** `ending`: aborted when the server closes; all streams end with it. */
  constructor(parts: HandlerParts, ending: AbortSignal) {
    this.#parts = parts;
    this.#ending = ending;
    this.#sockets = new Map(Object.entries(protocols).map(([kind, known]) => [kind as OpenStream['kind'], socketServer(known)]));
    ending.addEventListener('abort', () => {
      for (const { clients } of this.#sockets.values()) clients.forEach(end);
    });
  }

  /** Never rejects: what is wrong is said in HTTP. */
  async take(asked: ApiRequest, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { server, observer, log } = this.#parts;
    const from = performance.now();
    const answered = (code: number): void =>
      observer?.answered({ ...subjectOf(asked, server), code, seconds: (performance.now() - from) / 1000 });
    const onError = (): void => {};
    socket.on('error', onError);
    if (socket instanceof Socket) socket.setKeepAlive(true, keepAliveMs);
    try {
      const stream = await this.#open(asked, request);
      this.#sockets.get(stream.kind)?.handleUpgrade(request, socket, head, (webSocket) => {
        answered(101);
        webSocket.on('error', () => {});
        void this.#serve(webSocket, stream);
      });
    } catch (error) {
      if (!(error instanceof ApiError)) log.error({ err: error, path: asked.path }, 'a stream failed unexpectedly');
      const reply = errorReply(error instanceof ApiError ? error : internal(toError(error).message));
      answered(reply.status);
      refuse(socket, reply);
    }
  }

  async #open(asked: ApiRequest, request: IncomingMessage): Promise<OpenStream> {
    const path = resourcePath(asked.path, this.#parts.server);
    if (!path) throw noSuchResource();
    const call: Call = { ...path, user: asked.user, warn: () => {} };
    if (!isStream(call)) throw badRequest('only exec, attach and portforward of pods can be upgraded');
    const stream = await openStream(this.#parts, call, asked);
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    offers.set(request, offered);
    delete request.headers['sec-websocket-protocol'];
    const known = protocols[stream.kind];
    if (!chosen(known, new Set(offered)))
      throw badRequest(`no WebSocket protocol of this server was offered: ${JSON.stringify(offered)}; it speaks ${known.join(', ')}`);
    return stream;
  }

  async #serve(socket: WebSocket, stream: OpenStream): Promise<void> {
    if (stream.kind === 'portforward') servePortForward(socket, stream);
    else await serveRemoteCommand(socket, stream, this.#ending);
  }
}

const protocols: Readonly<Record<OpenStream['kind'], readonly string[]>> = {
  exec: channelProtocols,
  attach: channelProtocols,
  portforward: [portForwardProtocol],
};

/** The server prefers what comes first in its own list, as the real one does. */
const chosen = (known: readonly string[], asked: ReadonlySet<string>): string | undefined => known.find((name) => asked.has(name));

function socketServer(known: readonly string[]): WebSocketServer {
  const server = new WebSocketServer({ noServer: true, clientTracking: true, perMessageDeflate: false, maxPayload: maxMessage });
  // Here and not by `handleProtocols`: that takes no `/` in a protocol's name, and kubectl's has one.
  server.on('headers', (headers, request) => {
    headers.push(`Sec-WebSocket-Protocol: ${chosen(known, offeredBy(request))}`);
  });
  return server;
}

const offeredBy = (request: IncomingMessage): ReadonlySet<string> => new Set(offers.get(request));
/** What a request offered, out of the sight of `ws`. */
const offers = new WeakMap<IncomingMessage, readonly string[]>();

function end(socket: WebSocket): void {
  socket.close(1001);
  const cut = setTimeout(() => socket.terminate(), closeWithinMs);
  socket.once('close', () => clearTimeout(cut));
}

/** An answer instead of an upgrade, on the bare connection. */
export function refuse(socket: Duplex, { status, headers, body }: Reply): void {
  const text = typeof body === 'string' ? body : '';
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`),
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  socket.on('error', () => {});
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`);
}
