/** The body of an answer that comes in pieces. */
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';

/** How long a reader may take nothing of what there is for it. */
const stuckMs = 60_000;

/** Chunks of HTTP/1.1, made once for all who are sent the same bytes. */
const frames = new WeakMap<Uint8Array, Buffer>();

/**
 * Bytes go to the connection itself: Node's ServerResponse would frame each piece anew, and keep it back until the turn of the event loop is
 * over, so that the first of many watchers would wait for the last.
 */
export class Output {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.flushHeaders();
  }

  get isGone(): boolean {
    return this.#response.destroyed;
  }

  /** The reader has not taken what was written: see `drained`. */
  get isFull(): boolean {
    return this.#wire.writableNeedDrain;
  }

  write(pieces: readonly (string | Uint8Array)[]): void {
    const wire = this.#wire;
    if (pieces.length > 1) wire.cork();
    for (const piece of pieces) {
      // Node encodes a string together with its frame.
      if (wire === this.#response || typeof piece === 'string') this.#response.write(piece);
      // An empty chunk would end the body.
      else if (piece.length > 0) wire.write(framed(piece));
    }
    if (pieces.length > 1) wire.uncork();
  }

  /** Until the reader has taken what was written; one who takes nothing for long is cut off. */
  drained(): Promise<void> {
    const wire = this.#wire;
    return new Promise((resolve) => {
      const stuck = setTimeout(() => wire.destroy(), stuckMs);
      const done = (): void => {
        clearTimeout(stuck);
        wire.off('drain', done);
        wire.off('close', done);
        resolve();
      };
      wire.once('drain', done);
      wire.once('close', done);
      if (wire.destroyed) done();
    });
  }

  /** HTTP/1.0 has no chunks; and behind an answer to an earlier request there is no connection yet. */
  get #wire(): Writable {
    const { chunkedEncoding, socket } = this.#response;
    return (chunkedEncoding && socket) || this.#response;
  }
}

function framed(piece: Uint8Array): Buffer {
  let frame = frames.get(piece);
  if (!frame) frames.set(piece, (frame = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])));
  return frame;
}
