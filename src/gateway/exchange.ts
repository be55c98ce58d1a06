import { TsumugiError } from '../base/errors.ts';
import type { Invocation, ResponseSink } from '../invoke/invoker.ts';
import { responseHead } from './headers.ts';
import type { AnswerHead, HttpConnection, RequestSink } from './http/connection.ts';
import type { Target } from './resolver.ts';

/** What an exchange needs of its gateway. */
export interface ExchangeHost {
  /** The answer is out, or its client gone. */
  finished(exchange: Exchange): void;
  fail(exchange: Exchange, error: TsumugiError): void;
  readonly draining: boolean;
}

/** One HTTP request and its answer: a client on one side, an invocation on the other. */
export class Exchange implements ResponseSink, RequestSink {
  readonly connection: HttpConnection;
  readonly requestId: string;
  /** `performance.now()` at the request's head. */
  readonly arrivedAt: number;
  target: Target | undefined;
  invocation: Invocation | undefined;
  /** Bytes of body that may still come; counted only for calls. */
  bodyLeft = Infinity;
  /** The client went away before the end of the answer. */
  aborted = false;
  readonly #host: ExchangeHost;
  #over = false;
  /** Body that came before it was known whether it is invoked. */
  #held: Buffer[] | undefined;
  /** All of the body has come. */
  #ended = false;
  /** Bytes of the answer that its own content-length still promises; NaN without one. */
  #promised = Number.NaN;
  /** Bytes that wait for the client to take them. */
  #stalled = 0;

  constructor(host: ExchangeHost, connection: HttpConnection, requestId: string, arrivedAt: number) {
    this.#host = host;
    this.connection = connection;
    this.requestId = requestId;
    this.arrivedAt = arrivedAt;
    connection.sink = this;
  }

  /** It is not known yet whether it is invoked at all: what comes of its body waits, and soon no more of it is read. */
  hold(): void {
    this.#held ??= [];
  }

  /** It is invoked: what was held goes first. */
  begin(invocation: Invocation): void {
    this.invocation = invocation;
    const held = this.#held;
    if (!held) return;
    this.#held = undefined;
    this.connection.resume();
    for (const bytes of held) this.body(bytes);
    if (this.#ended) this.bodyEnd();
  }

  /** Passes the request's body on as it comes. */
  body(bytes: Buffer): void {
    if (this.#over) return;
    if (this.#held) {
      this.#held.push(Buffer.from(bytes));
      this.connection.pause();
      return;
    }
    if (!this.invocation) return;
    if ((this.bodyLeft -= bytes.length) < 0) this.#tooLarge();
    else if (!this.invocation.write(bytes)) this.connection.pause();
  }

  bodyEnd(): void {
    if (this.#over) return;
    this.#ended = true;
    this.invocation?.end();
  }

  gone(): void {
    if (this.#over) return;
    this.aborted = true;
    this.invocation?.abort();
    this.over();
  }

  /** The answer is out, or nobody waits for it. */
  over(): void {
    if (this.#over) return;
    this.#over = true;
    this.#host.finished(this);
  }

  drained(): void {
    this.connection.resume();
  }

  response(text: string, body: Buffer | undefined, end: boolean): void {
    if (this.#over) return;
    const { connection, invocation } = this;
    let head: AnswerHead;
    try {
      head = responseHead(text);
    } catch (error) {
      invocation?.abort();
      return this.#host.fail(this, error as TsumugiError);
    }
    const now = performance.now();
    const sentAt = invocation?.sentAt || now;
    const { length, status } = head;
    if (length !== undefined && !connection.bodiless(status)) {
      this.#promised = /^\d+$/.test(length) ? Number(length) : -1;
      if (end && this.#promised !== (body?.length ?? 0)) return this.#wrongLength(body, length);
    }
    if (this.#host.draining) connection.keep = false;
    const more = `X-Request-Id: ${this.requestId}\r\nServer-Timing: ${timing(sentAt - this.arrivedAt, now - sentAt, invocation?.queued === true)}\r\n`;
    if (end) {
      connection.answer(head, more, body, true);
      return this.over();
    }
    connection.answer(head, more, undefined, false);
    if (body) this.data(body, false);
  }

  data(chunk: Buffer, end: boolean): void {
    if (this.#over) return;
    if (this.#promised < chunk.length || (end && this.#promised > chunk.length)) return this.#cut();
    this.#write(chunk);
    if (!end) return;
    this.connection.end();
    this.over();
  }

  failed(error: TsumugiError): void {
    if (this.#over) return;
    if (!this.connection.answered) this.#host.fail(this, error);
    // The head is out: cutting the connection is the only way left to say that this is not the whole answer.
    else this.connection.destroy();
  }

  #wrongLength(body: Buffer | undefined, said: string): void {
    this.#host.fail(
      this,
      new TsumugiError('HandlerError', `the function's response has ${body?.length ?? 0} bytes, its content-length says ${said}`),
    );
  }

  /** More bytes than promised would be taken for the next answer, fewer would be waited for. */
  #cut(): void {
    this.invocation?.abort();
    this.connection.destroy();
  }

  /** The client takes it at its own speed; the instance may send as much as was taken. */
  #write(chunk: Buffer): void {
    this.#promised -= chunk.length;
    if (this.connection.write(chunk)) return this.invocation?.consumed(chunk.length);
    this.#stalled += chunk.length;
    if (this.#stalled > chunk.length) return;
    this.connection.socket.once('drain', () => {
      const taken = this.#stalled;
      this.#stalled = 0;
      this.invocation?.consumed(taken);
    });
  }

  #tooLarge(): void {
    this.invocation?.abort();
    this.#host.fail(this, new TsumugiError('TooLarge', 'the arguments of a call may have 32 MB'));
  }
}

/** Where the time went. */
function timing(before: number, inside: number, queued: boolean): string {
  return `${queued ? 'wait' : 'gateway'};dur=${twoDecimals(before)}, function;dur=${twoDecimals(inside)}`;
}

/** Put together from whole numbers: V8 writes those from a table, but works on a fraction's digits each time. */
function twoDecimals(value: number): string {
  const hundredths = Math.round(value * 100);
  const rest = hundredths % 100;
  return `${(hundredths - rest) / 100}.${rest < 10 ? '0' : ''}${rest}`;
}
