/** The frames of SPDY/3.1, as far as port-forwarding needs them. */

export const frameType = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;
export const flagFin = 1;
/** Of RST_STREAM. */
export const resetStatus = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const;

export type Frame =
  | { readonly kind: 'data'; readonly id: number; readonly fin: boolean; readonly data: Buffer }
  | { readonly kind: 'control'; readonly type: number; readonly flags: number; readonly body: Buffer };

/** What the other side sent is not SPDY/3, or more than there is room for. */
export class SpdyError extends Error {}

const headBytes = 8;
/** kubectl sends 32 KiB of data, and headers of some hundred bytes. */
const maxFrame = 1 << 20;
const version = 3;

/** Turns pieces of a byte stream into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are complete with this piece. Throws SpdyError. */
  *push(piece: Buffer): Generator<Frame, void, void> {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (this.#rest.length >= headBytes) {
      const flags = this.#rest.readUInt8(4);
      const length = this.#rest.readUIntBE(5, 3);
      if (length > maxFrame) throw new SpdyError(`a frame of ${length} bytes; at most ${maxFrame} are taken`);
      if (this.#rest.length < headBytes + length) return;
      const word = this.#rest.readUInt32BE(0);
      const body = this.#rest.subarray(headBytes, headBytes + length);
      this.#rest = this.#rest.subarray(headBytes + length);
      if (word < 0x80000000) yield { kind: 'data', id: word, fin: (flags & flagFin) !== 0, data: body };
      else if (((word >>> 16) & 0x7fff) === version) yield { kind: 'control', type: word & 0xffff, flags, body };
      else throw new SpdyError(`version ${(word >>> 16) & 0x7fff} of SPDY; only 3 is known`);
    }
  }
}

export function dataFrame(id: number, data: Buffer, fin: boolean): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(id, 0);
  head.writeUInt8(fin ? flagFin : 0, 4);
  head.writeUIntBE(data.length, 5, 3);
  return Buffer.concat([head, data]);
}

export function controlFrame(type: number, ...body: readonly (number | Buffer)[]): Buffer {
  const parts = body.map((part) => (typeof part === 'number' ? word(part) : part));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE((0x80000000 | (version << 16) | type) >>> 0, 0);
  head.writeUIntBE(length, 5, 3);
  return Buffer.concat([head, ...parts]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
