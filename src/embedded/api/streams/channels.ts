/**
 * The channels of `exec` and `attach` over a WebSocket: each message begins with the number of its channel. Protocol
 * `v5.channel.k8s.io` adds to v4 that a client can close a channel (255), as the end of stdin.
 */
import { PassThrough, Writable } from 'node:stream';
import type { Readable } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { TerminalSize } from '../pod-access.ts';

export const channelProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
/** A stdin that nobody reads: so much is kept before the client is stopped. */
const stdinBytes = 256 * 1024;
/** While a client is stopped its pings are not heard: this tells it that the connection lives. */
const aliveEveryMs = 5000;

export class Channels {
  readonly stdin: Readable;
  readonly sizes = new LatestSizes();
  readonly #socket: WebSocket;
  readonly #alive: NodeJS.Timeout;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    const stdin = new PassThrough({ highWaterMark: stdinBytes });
    this.stdin = stdin;
    const resume = (): void => socket.resume();
    stdin.on('drain', resume);
    // Nobody reads it any more: what comes is dropped.
    stdin.on('close', resume);
    stdin.on('error', () => {});
    this.#alive = setInterval(() => socket.pong(), aliveEveryMs);
    socket.on('message', (data: RawData) => {
      const message = data as Buffer;
      if (message[0] === channel.stdin && !stdin.writableEnded && !stdin.destroyed) {
        if (message.length > 1 && !stdin.write(message.subarray(1))) socket.pause();
      } else if (message[0] === channel.resize) this.sizes.push(sizeOf(message.subarray(1)));
      else if (message[0] === channel.close && message[1] === channel.stdin) stdin.end();
    });
    socket.on('close', () => {
      clearInterval(this.#alive);
      stdin.end();
      this.sizes.end();
    });
  }

  output(name: 'stdout' | 'stderr'): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#send(channel[name], chunk, done);
      },
    });
  }

  /** The last word, and the end of the connection. */
  finish(status: object): void {
    this.#send(channel.error, Buffer.from(JSON.stringify(status)), () => {});
    this.#socket.close(1000);
    // Else the client's close is not heard.
    this.#socket.resume();
  }

  #send(to: number, bytes: Buffer, done: (error?: Error) => void): void {
    this.#socket.send(Buffer.concat([Buffer.from([to]), bytes]), { binary: true }, (error) => done(error ?? undefined));
  }
}

function sizeOf(message: Buffer): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(message.toString()) as { Width?: unknown; Height?: unknown };
    const isSize = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536;
    return isSize(Width) && isSize(Height) ? { columns: Width, rows: Height } : undefined;
  } catch {
    return undefined;
  }
}

/** To be iterated once; a size that was not asked for yet gives way to a newer one. */
class LatestSizes implements AsyncIterable<TerminalSize> {
  #latest: TerminalSize | undefined;
  #ended = false;
  #wake = (): void => {};

  push(size: TerminalSize | undefined): void {
    if (!size) return;
    this.#latest = size;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TerminalSize, void, void> {
    for (;;) {
      const size = this.#latest;
      this.#latest = undefined;
      if (size) yield size;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
