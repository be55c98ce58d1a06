/** Takes the connections that become WebSockets: `exec` and `attach` of pods. */
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
import { protocols } from './channels.ts';
import { isStream, openStream } from './open.ts';
import type { OpenStream } from './open.ts';
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
  readonly #sockets: WebSocketServer;

  /** `ending`: aborted when the server closes; all streams end with it. */
  constructor(parts: HandlerParts, ending: AbortSignal) {
    this.#parts = parts;
    this.#ending = ending;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: true,
      perMessageDeflate: false,
      maxPayload: maxMessage,
      // The server prefers what comes first in its own list, as the real one does.
      handleProtocols: (asked) => supported(asked) ?? false,
    });
    ending.addEventListener('abort', () => {
      for (const socket of this.#sockets.clients) {
        socket.close(1001);
        const cut = setTimeout(() => socket.terminate(), closeWithinMs);
        socket.once('close', () => clearTimeout(cut));
      }
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
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
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
    if (!supported(new Set(offered))) {
      const known = protocols.join(', ');
      throw badRequest(`no WebSocket protocol of this server was offered: ${JSON.stringify(offered)}; it speaks ${known}`);
    }
    return stream;
  }

  async #serve(socket: WebSocket, stream: OpenStream): Promise<void> {
    if (stream.kind === 'portforward') return;
    await serveRemoteCommand(socket, stream, this.#ending);
  }
}

const supported = (asked: ReadonlySet<string>): string | undefined => protocols.find((name) => asked.has(name));

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
