/**
 * A running program's stdin, stdout and stderr for somebody who comes later: over a unix socket, so that whoever reads slowly is
 * waited for. Each message is a number, a length and bytes.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

export const channel = { stdin: 0, stdout: 1, stderr: 2, closeStdin: 3 } as const;

/** Who attaches and does not come within this has gone. */
const comeWithinMs = 10_000;
/** A reader that leaves so much lying is cut off: a program is not held up by somebody who watches it. */
const maxBehind = 4 << 20;
const maxMessage = 1 << 20;
const headBytes = 5;

export interface Attachable {
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** Listens for one connection; answers its path, which only this user may reach if only this user may enter `folder`. */
export async function offerAttachment(folder: string, program: Attachable): Promise<string> {
  const path = join(folder, `a${randomBytes(4).toString('hex')}`);
  const server = createServer((socket) => {
    end();
    serve(socket, program);
  });
  const end = (): void => {
    clearTimeout(timer);
    server.close();
    rmSync(path, { force: true });
  };
  const timer = setTimeout(end, comeWithinMs);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  program.stdout.once('close', end);
  return path;
}

function serve(socket: Socket, { stdin, stdout, stderr }: Attachable): void {
  const pass = (source: Readable, to: number): (() => void) => {
    const onData = (data: Buffer): void => {
      socket.write(message(to, data));
      if (socket.writableLength > maxBehind) socket.destroy();
    };
    source.on('data', onData);
    return () => source.off('data', onData);
  };
  const stop = [pass(stdout, channel.stdout), pass(stderr, channel.stderr)];
  let open = 2;
  const onEnd = (): void => {
    open -= 1;
    if (open === 0) socket.end();
  };
  for (const source of [stdout, stderr]) {
    if (source.readableEnded || source.destroyed) onEnd();
    else source.once('close', onEnd);
  }
  const resume = (): unknown => socket.resume();
  stdin?.on('drain', resume);
  readMessages(socket, (from, data) => {
    if (!stdin || stdin.destroyed || stdin.writableEnded) return;
    if (from === channel.stdin && !stdin.write(data)) socket.pause();
    else if (from === channel.closeStdin) stdin.end();
  });
  socket.on('error', () => {});
  socket.once('close', () => {
    for (const each of stop) each();
    for (const source of [stdout, stderr]) source.off('close', onEnd);
    stdin?.off('drain', resume);
  });
}

export function message(to: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(to);
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
}

/** Calls with each whole message. A length that nobody sends ends the connection. */
export function readMessages(socket: Socket, heard: (from: number, data: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (piece: Buffer) => {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (rest.length >= headBytes) {
      const length = rest.readUInt32BE(1);
      if (length > maxMessage) {
        socket.destroy();
        return;
      }
      if (rest.length < headBytes + length) return;
      const [from, data] = [rest.readUInt8(0), rest.subarray(headBytes, headBytes + length)];
      rest = rest.subarray(headBytes + length);
      heard(from, data);
    }
  });
}
