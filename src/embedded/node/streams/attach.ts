/** The stdio of a container's own program: `kubectl attach`. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import type { PodStreams } from '../../api/pod-access.ts';
import { channel, message, readMessages } from '../host/attachment.ts';
import type { Entry } from '../isolation/isolation.ts';
import { resize } from './resize.ts';

const pieceBytes = 64 * 1024;

export interface AttachTarget {
  /** The unix socket on which the host offers the program's stdio. */
  readonly path: string;
  readonly entry: Entry;
  /** Its stdin ends with that of the first who attaches. */
  readonly stdinOnce: boolean;
}

/** Until the program ends or the client goes. */
export async function attach({ path, entry, stdinOnce }: AttachTarget, streams: PodStreams): Promise<void> {
  const { stdin, stdout, stderr, signal } = streams;
  const socket = connect(path);
  socket.on('error', () => {});
  const leave = (): void => {
    if (stdin && stdinOnce) socket.end(message(channel.closeStdin));
    else socket.end();
    socket.resume();
  };
  signal.addEventListener('abort', leave, { once: true });
  try {
    readMessages(socket, (from, data) => {
      const to = from === channel.stdout ? stdout : stderr;
      // A slow client is waited for, and the program with it as long as the host keeps what it says.
      if (to && !to.write(data) && !socket.isPaused()) {
        socket.pause();
        to.once('drain', () => socket.resume());
      }
    });
    if (stdin) void send(stdin, socket, stdinOnce);
    if (streams.tty) void followSizes(entry, streams);
    if (signal.aborted) leave();
    await finished(socket, { writable: false }).catch(() => {});
  } finally {
    signal.removeEventListener('abort', leave);
    socket.destroy();
  }
}

async function send(stdin: NonNullable<PodStreams['stdin']>, socket: Socket, closes: boolean): Promise<void> {
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const flowing = socket.write(message(channel.stdin, chunk.subarray(at, at + pieceBytes)));
        if (!flowing) await new Promise<void>((resolve) => socket.once('drain', resolve).once('close', resolve));
      }
      if (socket.destroyed) return;
    }
    if (closes && !socket.destroyed) socket.write(message(channel.closeStdin));
  } catch {
    // The client has gone.
  }
}

async function followSizes(entry: Entry, { sizes }: PodStreams): Promise<void> {
  for await (const size of sizes) {
    const terminal = terminalOf(entry.pid);
    if (terminal !== undefined) await resize(entry, terminal, size);
  }
}

/** Where the program that `script` started sits, as it sees it. */
function terminalOf(script: number): string | undefined {
  try {
    const child = readFileSync(`/proc/${script}/task/${script}/children`, 'utf8').split(' ')[0] ?? '';
    const stat = readFileSync(`/proc/${child}/stat`, 'utf8');
    // After the name in brackets: state, parent, group, session, terminal.
    const device = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
    const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
    return device > 0 ? `/dev/pts/${minor}` : undefined;
  } catch {
    return undefined;
  }
}
