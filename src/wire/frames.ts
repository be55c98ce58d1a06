/**
 * Frames as bytes: writing a header, cutting a byte stream into frames, and the flat heads of REQUEST, RESPONSE and ABORT.
 * The layout is told in `protocol.ts`.
 */
import { Flag, FrameType, HEADER_BYTES, MAX_FRAME, MAX_PAYLOAD, VERSION } from './protocol.ts';

/** What the other side sent is no frame protocol of ours; the connection ends. `reason` is what GOAWAY says. */
export class ProtocolError extends Error {
  readonly reason: 'version' | 'protocol';
  constructor(reason: 'version' | 'protocol', message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.reason = reason;
  }
}

export function writeUint32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}

export function readUint32(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!) >>> 0;
}

/** Writes the 12 bytes of a header; `length` counts the payload only. */
export function writeHeader(buffer: Uint8Array, at: number, length: number, type: number, flags: number, stream: number): void {
  writeUint32(buffer, at, length);
  buffer[at + 4] = VERSION;
  buffer[at + 5] = type;
  buffer[at + 6] = flags;
  buffer[at + 7] = 0;
  writeUint32(buffer, at + 8, stream);
}

/** Called for each whole frame; the payload is `buffer[start..end)`. Answers false to stop. */
export type FrameSink = (type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number) => boolean;

/**
 * Cuts a byte stream into frames, however it was chunked. What lies whole in a chunk is handed over without a copy, and DATA as it
 * comes: one frame of it may be told as several, END with the last. Another frame that spans chunks is put together once. What was
 * handed over is never written again, so a sink may keep views of it.
 */
export class FrameDecoder {
  #parts: Buffer[] = [];
  #held = 0;
  /** Bytes needed before anything can be said: a header, or a whole frame. */
  #needed = HEADER_BYTES;
  /** What is left of a DATA frame that has been told in part. */
  #dataLeft = 0;
  #dataFlags = 0;
  #dataStream = 0;

  /** Bytes that wait for the rest of their frame. */
  get held(): number {
    return this.#held;
  }

  /** @throws {ProtocolError} on another version or an oversized frame; the decoder is of no use afterwards. */
  push(chunk: Buffer, sink: FrameSink): void {
    let buffer = chunk;
    if (this.#held > 0) {
      this.#parts.push(chunk);
      this.#held += chunk.length;
      if (this.#held < this.#needed) return;
      buffer = Buffer.concat(this.#parts, this.#held);
      this.#parts = [];
      this.#held = 0;
    }
    let at = 0;
    const size = buffer.length;
    if (this.#dataLeft > 0) {
      at = Math.min(this.#dataLeft, size);
      if (at === 0) return;
      this.#dataLeft -= at;
      if (!sink(FrameType.DATA, this.#dataLeft > 0 ? this.#dataFlags & ~Flag.END : this.#dataFlags, this.#dataStream, buffer, 0, at))
        return;
    }
    this.#needed = HEADER_BYTES;
    while (size - at >= HEADER_BYTES) {
      const length = readUint32(buffer, at);
      const type = buffer[at + 5]!;
      if (buffer[at + 4] !== VERSION) throw new ProtocolError('version', `frame of version ${buffer[at + 4]}, this side speaks ${VERSION}`);
      if (length > MAX_FRAME && (type !== FrameType.SPECIALIZE || length > MAX_PAYLOAD))
        throw new ProtocolError('protocol', `frame of type ${type} with ${length} bytes`);
      const start = at + HEADER_BYTES;
      const end = start + length;
      const flags = buffer[at + 6]!;
      const stream = readUint32(buffer, at + 8);
      if (end > size) {
        if (type === FrameType.DATA) {
          this.#dataLeft = end - size;
          this.#dataFlags = flags;
          this.#dataStream = stream;
          if (start < size) sink(type, flags & ~Flag.END, stream, buffer, start, size);
          return;
        }
        this.#needed = HEADER_BYTES + length;
        break;
      }
      at = end;
      if (!sink(type, flags, stream, buffer, start, end)) return;
    }
    if (at < size) {
      this.#parts.push(at === 0 ? buffer : buffer.subarray(at));
      this.#held = size - at;
    }
  }
}

/** The flat head of a REQUEST or RESPONSE, and where its first body bytes begin. Heads are latin1, as HTTP's are. */
export function readHead(buffer: Buffer, start: number, end: number): { readonly head: string; readonly bodyStart: number } {
  const bodyStart = start + 4 + (end - start >= 4 ? readUint32(buffer, start) : Infinity);
  if (bodyStart > end) throw new ProtocolError('protocol', 'a head longer than its frame');
  return { head: buffer.toString('latin1', start + 4, bodyStart), bodyStart };
}

/** Why a stream was given up, as ABORT carries it. */
export interface Abort {
  readonly code: string;
  readonly message: string;
  readonly stack: string;
}

export function encodeAbort(abort: { readonly code: string; readonly message?: string; readonly stack?: string }): Buffer {
  // A stack is for the log of the other side; the limit keeps the frame far under MAX_FRAME.
  const clean = (text: string): string => text.replaceAll('\0', '').slice(0, 16_384);
  return Buffer.from([abort.code, abort.message ?? '', abort.stack ?? ''].map(clean).join('\0'));
}

export function decodeAbort(buffer: Buffer, start: number, end: number): Abort {
  const [code, message, stack] = buffer.toString('utf8', start, end).split('\0');
  return { code: code || 'Internal', message: message ?? '', stack: stack ?? '' };
}
