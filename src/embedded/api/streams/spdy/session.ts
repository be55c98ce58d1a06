/**
 * The server's side of one SPDY/3.1 connection: streams that the client opens, data both ways. There is no flow control, as kubectl
 * knows none; a stream whose data nobody takes holds the whole connection up.
 */
import { Duplex } from 'node:stream';
import { controlFrame, dataFrame, flagFin, FrameReader, frameType, resetStatus, SpdyError } from './frames.ts';
import type { Frame } from './frames.ts';
import { EmptyHeaders, HeaderReader } from './headers.ts';

/** kubectl opens two for each connection. */
const maxStreams = 2000;

export interface SpdySessionOptions {
  /** Writes bytes to the client; `sent` once they are on their way. */
  readonly send: (bytes: Buffer, sent: (error?: Error) => void) => void;
  /** The client opened a stream; what this throws resets it. */
  readonly opened: (stream: SpdyStream) => void;
}

export class SpdySession {
  readonly #options: SpdySessionOptions;
  readonly #frames = new FrameReader();
  readonly #headers = new HeaderReader();
  readonly #empty = new EmptyHeaders();
  readonly #streams = new Map<number, SpdyStream>();
  #lastId = 0;

  constructor(options: SpdySessionOptions) {
    this.#options = options;
  }

  /** Resolves when all of it is taken: the next piece is to wait for that. Rejects with SpdyError; then the connection is over. */
  async push(piece: Buffer): Promise<void> {
    for (const frame of this.#frames.push(piece)) {
      if (frame.kind === 'control') await this.#control(frame);
      else if (this.#streams.has(frame.id)) await this.#streams.get(frame.id)?.receive(frame.data, frame.fin);
      else this.#write(controlFrame(frameType.rstStream, frame.id, resetStatus.invalidStream));
    }
  }

  /** Ends all streams. */
  close(): void {
    this.#headers.close();
    for (const stream of this.#streams.values()) stream.destroy();
    this.#streams.clear();
  }

  /** The last word before the connection is cut. */
  goAway(): void {
    this.#write(controlFrame(frameType.goAway, this.#lastId, resetStatus.protocolError));
  }

  async #control({ type, flags, body }: Extract<Frame, { kind: 'control' }>): Promise<void> {
    if (type === frameType.synStream) await this.#open(body, flags);
    else if (type === frameType.rstStream) this.#streams.get(idOf(body))?.reset();
    else if (type === frameType.ping) this.#write(controlFrame(frameType.ping, body));
    // GOAWAY, WINDOW_UPDATE, SETTINGS, HEADERS: nothing to do.
  }

  async #open(body: Buffer, flags: number): Promise<void> {
    const id = idOf(body);
    // The block is read in any case: all share one compression.
    const headers = await this.#headers.read(body.subarray(10));
    if (id <= this.#lastId || id % 2 === 0) throw new SpdyError(`a stream with the number ${id} after ${this.#lastId}`);
    this.#lastId = id;
    if (this.#streams.size >= maxStreams) {
      this.#write(controlFrame(frameType.rstStream, id, resetStatus.refusedStream));
      return;
    }
    const stream = new SpdyStream(id, headers, {
      data: (data, fin, sent) => this.#options.send(dataFrame(id, data, fin), sent),
      reset: () => this.#write(controlFrame(frameType.rstStream, id, resetStatus.cancel)),
      closed: () => this.#streams.delete(id),
    });
    this.#streams.set(id, stream);
    this.#write(controlFrame(frameType.synReply, id, this.#empty.next()));
    try {
      this.#options.opened(stream);
    } catch {
      stream.destroy();
    }
    if ((flags & flagFin) !== 0) await stream.receive(Buffer.alloc(0), true);
  }

  #write(bytes: Buffer): void {
    this.#options.send(bytes, () => {});
  }
}

const idOf = (body: Buffer): number => {
  if (body.length < 4) throw new SpdyError('a frame that is too short');
  return body.readUInt32BE(0) & 0x7fffffff;
};

interface Wire {
  data(data: Buffer, fin: boolean, sent: (error?: Error) => void): void;
  reset(): void;
  closed(): void;
}

export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #wire: Wire;
  #wanted = (): void => {};
  #isReset = false;

  constructor(id: number, headers: ReadonlyMap<string, string>, wire: Wire) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#wire = wire;
    this.on('error', () => {});
  }

  /** From the client; resolves when there is room for more. */
  receive(data: Buffer, fin: boolean): Promise<void> {
    const hasRoom = this.readableEnded || this.destroyed || data.length === 0 || this.push(data);
    if (fin && !this.readableEnded && !this.destroyed) this.push(null);
    if (hasRoom || fin) return Promise.resolve();
    return new Promise((resolve) => (this.#wanted = resolve));
  }

  /** The client wants no more of it. */
  reset(): void {
    this.#isReset = true;
    this.destroy();
  }

  override _read(): void {
    this.#wanted();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#wire.data(chunk, false, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#wire.data(Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#wanted();
    if (!this.#isReset && !(this.readableEnded && this.writableFinished)) this.#wire.reset();
    this.#wire.closed();
    done(error);
  }
}
