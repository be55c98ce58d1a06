import type { Socket } from 'node:net';
import { FrameDecoder, ProtocolError, writeHeader, writeUint32 } from './frames.ts';
import { FrameType, HEADER_BYTES } from './protocol.ts';

/** What a FrameConnection tells its owner. An error thrown by `frame` or `chunk` ends the connection, nothing else. */
export interface FrameHandler {
  /** One frame; payload `buffer[start..end)`, which may be kept: nobody writes to it again. */
  frame(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): void;
  /** All frames that came in one read have been told: the moment to answer them together. */
  chunk?(): void;
  /** After a `send` that answered false: the kernel has taken what was waiting. */
  drained?(): void;
  /** Once, last. Without error: an orderly end of either side. */
  closed(error?: Error): void;
}

const SLAB = 64 * 1024;
/** A payload from this size on is handed to the socket as it is, instead of being copied. */
const COPY_LIMIT = 8 * 1024;
/** Bytes waiting in the process above which `send` asks for a pause. */
const HIGH_WATER = 512 * 1024;

/**
 * Frames over a stream socket (unix or TCP), the same on both sides.
 *
 * Writes are collected in one slab of 64 KiB and flushed once per turn of the event loop, which is what makes many small
 * invocations cheap; `flushNow` writes at once. A payload given to `send` must not be changed afterwards.
 *
 * @example
 * const connection = new FrameConnection(net.connect(path), { frame: (type) => …, closed: (error) => … });
 * connection.send(FrameType.HELLO, 0, 0, Buffer.from(JSON.stringify({ token })));
 */
export class FrameConnection {
  readonly socket: Socket;
  /** False once ended or broken: nothing more is sent or told. */
  open = true;
  readonly #handler: FrameHandler;
  readonly #decoder = new FrameDecoder();
  #slab = Buffer.allocUnsafeSlow(SLAB);
  #from = 0;
  #used = 0;
  #queue: Buffer[] = [];
  #queued = 0;
  #scheduled = false;
  #wantsDrain = false;
  #error: Error | undefined;

  constructor(socket: Socket, handler: FrameHandler) {
    this.socket = socket;
    this.#handler = handler;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', (error) => (this.#error ??= error));
    socket.on('end', () => this.end());
    socket.on('close', () => {
      this.open = false;
      this.#handler.closed(this.#error);
    });
  }

  /** Sends a frame with the next flush. Answers false when much is waiting: then hold back DATA until `drained`. */
  send(type: number, flags: number, stream: number, payload?: Uint8Array): boolean {
    const length = payload?.length ?? 0;
    const copied = length < COPY_LIMIT;
    if (!this.open) return true;
    const at = this.#reserve(HEADER_BYTES + (copied ? length : 0));
    writeHeader(this.#slab, at, length, type, flags, stream);
    if (payload && copied) this.#slab.set(payload, at + HEADER_BYTES);
    else if (payload) this.#enqueue(payload);
    return this.#roomy();
  }

  /** Sends a frame whose payload is a u32: CREDIT, ACCEPTED. */
  sendNumber(type: number, stream: number, value: number): void {
    if (!this.open) return;
    const at = this.#reserve(HEADER_BYTES + 4);
    writeHeader(this.#slab, at, 4, type, 0, stream);
    writeUint32(this.#slab, at + HEADER_BYTES, value);
  }

  /** Sends a REQUEST or RESPONSE: a head (fields joined by `\0`, latin1) and the body's first bytes. */
  sendHead(type: number, flags: number, stream: number, head: string, body?: Uint8Array): boolean {
    if (!this.open) return true;
    const bodyLength = body?.length ?? 0;
    const copied = bodyLength < COPY_LIMIT;
    const fixed = HEADER_BYTES + 4 + head.length;
    const at = this.#reserve(fixed + (copied ? bodyLength : 0));
    const slab = this.#slab;
    writeHeader(slab, at, 4 + head.length + bodyLength, type, flags, stream);
    writeUint32(slab, at + HEADER_BYTES, head.length);
    slab.write(head, at + HEADER_BYTES + 4, 'latin1');
    if (body && copied) slab.set(body, at + fixed);
    else if (body) this.#enqueue(body);
    return this.#roomy();
  }

  /** Hands everything collected to the kernel now, instead of at the end of this turn. */
  flushNow(): void {
    if (!this.open) return;
    const { socket } = this;
    if (this.#queue.length === 0) {
      if (this.#used === this.#from) return;
      socket.write(this.#slab.subarray(this.#from, this.#used));
    } else {
      this.#cut();
      socket.cork();
      for (const buffer of this.#queue) socket.write(buffer);
      socket.uncork();
      this.#queue = [];
      this.#queued = 0;
    }
    // What the kernel took whole leaves the slab free again; else the socket still reads from it.
    if (socket.writableLength === 0) this.#from = this.#used = 0;
    else this.#from = this.#used;
  }

  /** Flushes, then closes; `closed` follows. */
  end(): void {
    if (!this.open) return;
    this.flushNow();
    this.open = false;
    this.socket.end();
    // A peer that never closes its half must not keep us: an orderly end needs no answer.
    this.socket.destroySoon();
  }

  /** Closes at once; `closed` follows with the error, if any. */
  destroy(error?: Error): void {
    if (error) this.#error ??= error;
    this.open = false;
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (!this.open) return;
    try {
      this.#decoder.push(chunk, this.#sink);
      if (this.open) this.#handler.chunk?.();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  readonly #sink = (type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): boolean => {
    this.#handler.frame(type, flags, stream, buffer, start, end);
    return this.open;
  };

  #fail(error: Error): void {
    this.#error ??= error;
    if (error instanceof ProtocolError) this.send(FrameType.GOAWAY, 0, 0, Buffer.from(error.reason));
    this.end();
  }

  /** Where `size` bytes may be written in the slab. */
  #reserve(size: number): number {
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
    if (this.#used + size > this.#slab.length) {
      this.#cut();
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB, size));
      this.#from = this.#used = 0;
    }
    const at = this.#used;
    this.#used = at + size;
    return at;
  }

  /** Closes the slab's current piece, so that something else can follow it. */
  #cut(): void {
    if (this.#used === this.#from) return;
    this.#queue.push(this.#slab.subarray(this.#from, this.#used));
    this.#queued += this.#used - this.#from;
    this.#from = this.#used;
  }

  #enqueue(payload: Uint8Array): void {
    this.#cut();
    this.#queue.push(Buffer.from(payload.buffer, payload.byteOffset, payload.length));
    this.#queued += payload.length;
  }

  #roomy(): boolean {
    if (this.#queued + this.socket.writableLength < HIGH_WATER) return true;
    this.#wantsDrain = true;
    return false;
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flushNow();
    // The kernel took it all at once, so no 'drain' will come from the socket.
    if (this.#wantsDrain && this.socket.writableLength === 0) this.#drained();
  };

  #drained(): void {
    if (!this.#wantsDrain || !this.open) return;
    this.#wantsDrain = false;
    this.#handler.drained?.();
  }
}
