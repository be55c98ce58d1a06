/**
 * `port-forward` of an open WebSocket: its messages carry a SPDY connection, on which kubectl opens two streams for each connection
 * that it takes: one for data, one for what went wrong.
 */
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RawData, WebSocket } from 'ws';
import { toError } from '../../../base/errors.ts';
import type { OpenStream } from './open.ts';
import { SpdySession } from './spdy/session.ts';
import type { SpdyStream } from './spdy/session.ts';

export const portForwardProtocol = 'SPDY/3.1+portforward.k8s.io';

const protocolErrorCode = 1002;

export function servePortForward(socket: WebSocket, { access, pod }: Extract<OpenStream, { kind: 'portforward' }>): void {
  const waiting = new Map<string, SpdyStream>();
  const session = new SpdySession({
    send: (bytes, sent) => socket.send(bytes, { binary: true }, (error) => sent(error ?? undefined)),
    opened: (stream) => {
      const request = stream.headers.get('requestid') ?? '';
      const port = Number(stream.headers.get('port'));
      const kind = stream.headers.get('streamtype');
      if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`no port: ${stream.headers.get('port')}`);
      if (kind !== 'data' && kind !== 'error') throw new Error(`no type of stream: ${kind}`);
      const other = waiting.get(request);
      waiting.delete(request);
      if (!other) {
        waiting.set(request, stream);
        stream.once('close', () => waiting.delete(request));
      } else if (other.headers.get('streamtype') === kind) throw new Error('twice the same stream');
      else void forward(port, ...(kind === 'data' ? ([stream, other] as const) : ([other, stream] as const)));
    },
  });

  async function forward(port: number, data: SpdyStream, errors: SpdyStream): Promise<void> {
    // The client says nothing there.
    errors.resume();
    try {
      const connection = await access.connect(pod, port);
      await carry(data, connection);
    } catch (error) {
      data.end();
      errors.write(`error forwarding port ${port} to pod ${pod.metadata.name}, uid : ${toError(error).message}`);
    }
    errors.end();
  }

  let taken = Promise.resolve();
  socket.on('message', (message: RawData) => {
    socket.pause();
    taken = taken
      .then(() => session.push(message as Buffer))
      .catch(() => {
        session.goAway();
        socket.close(protocolErrorCode);
      })
      .finally(() => socket.resume());
  });
  socket.on('close', () => session.close());
}

/** Each direction ends for itself, as with TCP. Rejects when the connection breaks; a client that goes breaks it. */
async function carry(data: SpdyStream, connection: Duplex): Promise<void> {
  const up = pipeline(data, connection, { end: true }).catch((error: unknown) => {
    connection.destroy();
    // That the program takes no more is its right.
    if (!isClosed(error)) throw error;
  });
  const down = pipeline(connection, data).catch((error: unknown) => {
    data.destroy();
    if (!isClosed(error)) throw error;
  });
  await Promise.all([up, down]);
}

const isClosed = (error: unknown): boolean =>
  ['ERR_STREAM_PREMATURE_CLOSE', 'EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'].includes((error as NodeJS.ErrnoException).code ?? '');
