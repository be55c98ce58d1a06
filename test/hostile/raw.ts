/** Bytes to a server as they are, and what comes back. */
import { connect as connectPlain, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';

export interface Heard {
  readonly text: string;
  /** The server ended the connection. */
  readonly closed: boolean;
}

export interface TalkOptions {
  readonly secure?: boolean;
  /** Gives up listening when nothing has come for so long: what a client of half a request does. */
  readonly quietMs?: number;
}

/** Opens a connection; errors of it are nobody's. */
export function open(where: NetConnectOpts, secure = false): Socket {
  const socket = secure ? connectSecure({ ...where, rejectUnauthorized: false }) : connectPlain(where);
  socket.on('error', () => {});
  return socket;
}

/** Sends all, listens until the server closes or is quiet, and leaves. */
export function talk(where: NetConnectOpts, bytes: Buffer | string, { secure = false, quietMs = 400 }: TalkOptions = {}): Promise<Heard> {
  return new Promise((resolve) => {
    const socket = open(where, secure);
    let text = '';
    let quiet: NodeJS.Timeout;
    const done = (closed: boolean): void => {
      clearTimeout(quiet);
      socket.destroy();
      resolve({ text, closed });
    };
    const listen = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(() => done(false), quietMs);
    };
    quiet = setTimeout(() => done(false), 10_000);
    socket.on(secure ? 'secureConnect' : 'connect', () => {
      listen();
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      listen();
    });
    socket.on('close', () => done(true));
  });
}

/** Statuses of all answers in a text; what stands between them is not looked at. */
export const statusesIn = (text: string): number[] => [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
