import type { Socket } from 'node:net';
import type { PieceReader } from '../node/web/body.ts';

/** So many bytes may wait for whoever reads; then the program has to. */
const maxHeld = 64 * 1024;

/** What a program writes to stdout, read as fast as it is sent on. */
export class Output implements Pick<PieceReader, 'read'> {
  /** Resolves when the last byte has come. */
  readonly over: Promise<void>;
  isOver = false;
  readonly #socket: Socket;
  #pieces: Buffer[] = [];
  #held = 0;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (piece) => {
      this.#pieces.push(piece as Buffer);
      this.#held += piece.length;
      if (this.#held >= maxHeld) socket.pause();
      this.#wake?.();
    });
    socket.on('error', () => {});
    this.over = new Promise((resolve) => {
      socket.once('close', () => {
        this.isOver = true;
        this.#wake?.();
        resolve();
      });
    });
  }

  /** All that was written has been taken, and more is asked for. */
  get isWaiting(): boolean {
    return this.#held === 0 && !this.#socket.isPaused();
  }

  /** Waits until the end, until `bytes` have come, or until `ms` after the first of them. */
  async gather(bytes: number, ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const time = { isUp: false };
    while (!this.isOver && !time.isUp && this.#held < bytes) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#held === 0) return;
        timer ??= setTimeout(() => {
          time.isUp = true;
          this.#wake?.();
        }, ms);
      });
    }
    this.#wake = undefined;
    clearTimeout(timer);
  }

  /** All that is held. */
  take(): Buffer {
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.#held);
    this.#pieces = [];
    this.#held = 0;
    this.#socket.resume();
    return all;
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#held === 0 && !this.isOver) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    return this.#held > 0 ? this.take() : undefined;
  }

  /** Nothing more is read. */
  stop(): void {
    this.#socket.destroy();
  }
}
