/** The body of a request as it comes: by its length, or in chunks (RFC 9112, section 7.1). */
import { Malformed } from './malformed.ts';

/** Takes the body's bytes. */
export type BodySink = (bytes: Buffer) => void;

/** Reads one body. */
export interface BodyReader {
  readonly complete: boolean;
  /**
   * Gives the sink what of `buffer` belongs to the body; answers where the rest begins.
   *
   * @throws {Malformed}
   */
  read(buffer: Buffer, sink: BodySink): number;
}

export class SizedBody implements BodyReader {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get complete(): boolean {
    return this.#left === 0;
  }

  read(buffer: Buffer, sink: BodySink): number {
    const size = Math.min(buffer.length, this.#left);
    this.#left -= size;
    if (size > 0) sink(size === buffer.length ? buffer : buffer.subarray(0, size));
    return size;
  }
}

/** What a chunk's first line and all trailers together may have: bytes. */
const MAX_LINE = 4 * 1024;
const MAX_TRAILERS = 16 * 1024;

export class ChunkedBody implements BodyReader {
  complete = false;
  /** What is read now: the line of a size, a chunk's bytes, the line end behind them, or trailers. */
  #state: 'size' | 'bytes' | 'end' | 'trailers' = 'size';
  /** Of a line that came in pieces. */
  #line = '';
  #left = 0;
  #trailers = 0;

  read(buffer: Buffer, sink: BodySink): number {
    let at = 0;
    while (at < buffer.length && !this.complete) {
      if (this.#state === 'bytes') {
        const to = Math.min(buffer.length, at + this.#left);
        this.#left -= to - at;
        sink(buffer.subarray(at, to));
        at = to;
        if (this.#left === 0) this.#state = 'end';
        continue;
      }
      const lineFeed = buffer.indexOf(0x0a, at);
      const to = lineFeed === -1 ? buffer.length : lineFeed + 1;
      if (this.#line.length + to - at > MAX_LINE) throw new Malformed(400, 'a line between chunks is too long');
      this.#line += buffer.toString('latin1', at, to);
      at = to;
      if (lineFeed === -1) break;
      const line = this.#line;
      this.#line = '';
      if (!line.endsWith('\r\n') || line.indexOf('\r') !== line.length - 2)
        throw new Malformed(400, 'a line between chunks has no proper end');
      this.#lineRead(line.slice(0, -2));
    }
    return at;
  }

  #lineRead(line: string): void {
    if (this.#state === 'end') {
      if (line !== '') throw new Malformed(400, 'a chunk is longer than its size says');
      this.#state = 'size';
    } else if (this.#state === 'trailers') {
      // Nobody asks for trailers, so they go no further.
      if (line === '') this.complete = true;
      else if ((this.#trailers += line.length) > MAX_TRAILERS) throw new Malformed(431, 'its trailers are too long');
    } else {
      const size = /^([\da-f]{1,13})[ \t]*(;[\t\x20-\x7e\x80-\xff]*)?$/i.exec(line)?.[1];
      if (size === undefined) throw new Malformed(400, 'the size of a chunk is no hexadecimal number');
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? 'trailers' : 'bytes';
    }
  }
}
