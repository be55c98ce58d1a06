import type { FrameConnection } from '../../wire/connection.ts';
import { Flag, FrameType, INITIAL_CREDIT, MAX_DATA } from '../../wire/protocol.ts';
import type { Answer } from './answer.ts';
import type { Invocation } from './invocation.ts';

/** Bytes of a whole body that go with the head. */
const INLINE = MAX_DATA;

/** Sends one answer: the head at once, the body as far as credit and socket allow. */
export class Outgoing {
  readonly #connection: FrameConnection;
  readonly #invocation: Invocation;
  #credit = INITIAL_CREDIT;
  #wake: (() => void) | undefined;

  constructor(connection: FrameConnection, invocation: Invocation) {
    this.#connection = connection;
    this.#invocation = invocation;
  }

  /** CREDIT of the client. */
  grant(bytes: number): void {
    this.#credit += bytes;
    this.#awake();
  }

  /** The socket takes bytes again, or the client is gone. */
  awake(): void {
    this.#awake();
  }

  /** Undefined when all is sent (the usual case: no promise is made for it); a promise while a body streams. It rejects when the body does. */
  send(answer: Answer): Promise<void> | undefined {
    const { body, status, fields } = answer;
    if (this.#invocation.aborted) {
      if (typeof body === 'object' && !(body instanceof Uint8Array)) body.cancel(undefined);
      return undefined;
    }
    let head = String(status);
    // Names and values were checked when they became headers: bytes, without \0 or line breaks.
    for (const field of fields) head += `\0${field}`;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    if (bytes === undefined || bytes instanceof Uint8Array) {
      if (bytes === undefined || bytes.length <= INLINE) {
        this.#connection.sendHead(FrameType.RESPONSE, Flag.END, this.#invocation.stream, head, bytes);
        return undefined;
      }
      this.#connection.sendHead(FrameType.RESPONSE, 0, this.#invocation.stream, head);
      return this.#data(bytes).then(() => this.#end());
    }
    this.#connection.sendHead(FrameType.RESPONSE, 0, this.#invocation.stream, head);
    return this.#stream(bytes);
  }

  async #stream(body: { read(): Promise<Uint8Array | undefined>; cancel(reason: unknown): void }): Promise<void> {
    this.#invocation.onAbort = (reason) => {
      body.cancel(reason);
      this.#awake();
    };
    while (!this.#invocation.aborted) {
      const piece = await body.read();
      if (piece === undefined) break;
      await this.#data(piece);
    }
    this.#end();
  }

  /** @returns when the last byte is handed to the connection; at once when the client is gone. */
  async #data(bytes: Uint8Array): Promise<void> {
    this.#invocation.onAbort ??= () => this.#awake();
    for (let at = 0; at < bytes.length && !this.#invocation.aborted;) {
      if (this.#credit === 0) {
        await this.#sleep();
        continue;
      }
      const size = Math.min(bytes.length - at, this.#credit, MAX_DATA);
      this.#credit -= size;
      const roomy = this.#connection.send(FrameType.DATA, 0, this.#invocation.stream, bytes.subarray(at, at + size));
      at += size;
      if (!roomy) await this.#sleep();
    }
  }

  #end(): void {
    if (!this.#invocation.aborted) this.#connection.send(FrameType.DATA, Flag.END, this.#invocation.stream);
  }

  #sleep(): Promise<void> {
    if (!this.#connection.open) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #awake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
