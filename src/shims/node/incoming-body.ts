import { INITIAL_CREDIT } from '../../wire/protocol.ts';
import { ProtocolError } from '../../wire/frames.ts';
import type { ByteSource } from './web/body.ts';

/** Bytes read before the sender is told that more may come: a quarter of the window keeps it flowing with few frames. */
const CREDIT_STEP = INITIAL_CREDIT / 4;

/** The body of an incoming request: frames on one side, a reader on the other, and credit back for what was read. */
export class IncomingBody implements ByteSource {
  #pieces: Buffer[] = [];
  #held = 0;
  #credit = INITIAL_CREDIT;
  #unsaid = 0;
  #ended = false;
  #error: Error | undefined;
  #waiting: { resolve(piece: Uint8Array | undefined): void; reject(error: Error): void } | undefined;
  readonly #grant: (bytes: number) => void;

  /** `grant` sends CREDIT. */
  constructor(grant: (bytes: number) => void) {
    this.#grant = grant;
  }

  /** @throws {ProtocolError} when the sender went over its credit. */
  push(piece: Buffer, end: boolean): void {
    if (this.#ended || this.#error) return;
    this.#credit -= piece.length;
    if (this.#credit < 0) throw new ProtocolError('protocol', 'more body bytes than credit');
    if (piece.length > 0) {
      this.#pieces.push(piece);
      this.#held += piece.length;
    }
    this.#ended = end;
    this.#serve();
  }

  /** No more will come, and not because it was all. */
  fail(error: Error): void {
    if (this.#ended || this.#error) return;
    this.#error = error;
    this.#serve();
  }

  takeNow(): Uint8Array | undefined {
    if (!this.#ended) return undefined;
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.#held);
    this.#pieces = [];
    this.#held = 0;
    return all;
  }

  read(): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#serve();
    });
  }

  cancel(): void {
    this.#pieces = [];
    this.#held = 0;
    this.#error ??= new Error('the body was cancelled');
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    if (this.#held > 0) {
      const piece = this.#takePiece();
      this.#waiting = undefined;
      waiting.resolve(piece);
    } else if (this.#ended || this.#error) {
      this.#waiting = undefined;
      if (this.#ended) waiting.resolve(undefined);
      else waiting.reject(this.#error!);
    }
  }

  /** The oldest piece; its bytes become credit again. */
  #takePiece(): Buffer {
    const piece = this.#pieces.shift()!;
    this.#held -= piece.length;
    this.#unsaid += piece.length;
    if (this.#unsaid >= CREDIT_STEP && !this.#ended) {
      this.#credit += this.#unsaid;
      this.#grant(this.#unsaid);
      this.#unsaid = 0;
    }
    return piece;
  }
}
