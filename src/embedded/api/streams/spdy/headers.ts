/** Header blocks: names and values with their lengths, in one zlib stream for the whole connection. */
import { createInflate } from 'node:zlib';
import type { Inflate } from 'node:zlib';
import { dictionary } from './dictionary.ts';
import { SpdyError } from './frames.ts';

/** A block that grows beyond this when it is inflated is an attack. */
const maxBlock = 16 * 1024;

export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary });
  #pieces: Buffer[] = [];
  #size = 0;

  constructor() {
    this.#inflate.on('error', () => {});
    this.#inflate.on('data', (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#size += piece.length;
      if (this.#size > maxBlock) this.#inflate.destroy(new SpdyError('too many headers'));
    });
  }

  /** One at a time, in the order of the frames. Rejects with SpdyError. */
  async read(block: Buffer): Promise<ReadonlyMap<string, string>> {
    this.#pieces = [];
    this.#size = 0;
    await new Promise<void>((resolve, reject) => {
      const fail = (error?: Error | null): void => reject(new SpdyError(`headers that cannot be read: ${error?.message ?? 'closed'}`));
      this.#inflate.once('error', fail);
      this.#inflate.write(block, (error) => {
        this.#inflate.off('error', fail);
        if (error) fail(error);
        else resolve();
      });
    });
    if (this.#inflate.destroyed) throw new SpdyError('too many headers');
    return parse(Buffer.concat(this.#pieces));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function parse(bytes: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 0;
  const text = (): string => {
    const length = number();
    if (at + length > bytes.length) throw new SpdyError('headers that end too early');
    at += length;
    return bytes.toString('latin1', at - length, at);
  };
  const number = (): number => {
    if (at + 4 > bytes.length) throw new SpdyError('headers that end too early');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  for (let left = number(); left > 0; left -= 1) headers.set(text().toLowerCase(), text());
  return headers;
}

/**
 * Blocks without a header, which is all that this side says: zlib's head, then each time a stored piece of four
 * zero bytes, and an empty one, without which Go's reader waits for more.
 */
export class EmptyHeaders {
  #begun = false;

  next(): Buffer {
    const head = this.#begun ? [] : [0x78, 0x01];
    this.#begun = true;
    return Buffer.from([...head, 0x00, 0x04, 0x00, 0xfb, 0xff, 0, 0, 0, 0, 0x00, 0, 0, 0xff, 0xff]);
  }
}
