import type { IncomingMessage, ServerResponse } from 'node:http';
import { TsumugiError } from '../base/errors.ts';
import type { Invocation, ResponseSink } from '../invoke/invoker.ts';
import { responseHeaders } from './headers.ts';
import type { Target } from './resolver.ts';

/** What an exchange needs of its gateway. */
export interface ExchangeHost {
  /** The answer is out, or its client gone. */
  finished(exchange: Exchange): void;
  fail(exchange: Exchange, error: TsumugiError): void;
  readonly draining: boolean;
}

/** Answers up to this size go out in one piece with their head. */
const JOINED = 16 * 1024;

/** One HTTP request and its answer: a client on one side, an invocation on the other. */
export class Exchange implements ResponseSink {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  /** `performance.now()` at the request's head. */
  readonly arrivedAt: number;
  readonly hasBody: boolean;
  target: Target | undefined;
  invocation: Invocation | undefined;
  /** Bytes of body that may still come; counted only for calls. */
  bodyLeft = Infinity;
  /** The client went away before the end of the answer. */
  aborted = false;
  readonly #host: ExchangeHost;
  #over = false;
  /** Bytes of the answer that its own content-length still promises; NaN without one. */
  #promised = Number.NaN;
  /** Bytes that wait for the client to take them. */
  #stalled = 0;

  constructor(
    host: ExchangeHost,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    requestId: string,
    arrivedAt: number,
    hasBody: boolean,
  ) {
    this.#host = host;
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.requestId = requestId;
    this.arrivedAt = arrivedAt;
    this.hasBody = hasBody;
    // Told once: the answer is out, or the client has gone.
    outgoing.on('close', () => this.#closed());
  }

  /** Passes the request's body on as it comes. */
  pipeBody(): void {
    const { incoming } = this;
    incoming.on('data', (chunk: Buffer) => {
      if (this.#over || !this.invocation) return;
      if ((this.bodyLeft -= chunk.length) < 0) this.#tooLarge();
      else if (!this.invocation.write(chunk)) incoming.pause();
    });
    incoming.on('end', () => this.invocation?.end());
  }

  drained(): void {
    this.incoming.resume();
  }

  response(head: string, body: Buffer | undefined, end: boolean): void {
    if (this.#over) return;
    const { outgoing, invocation } = this;
    const { status, headers: own, length } = responseHeaders(head);
    const now = performance.now();
    const sentAt = invocation?.sentAt || now;
    const headers = [
      ...own,
      'X-Request-Id',
      this.requestId,
      'Server-Timing',
      timing(sentAt - this.arrivedAt, now - sentAt, invocation?.queued === true),
    ];
    const bodiless = this.incoming.method === 'HEAD' || status === 204 || status === 304;
    if (end && length === undefined && !bodiless) headers.push('Content-Length', String(body?.length ?? 0));
    if (length !== undefined && !bodiless) this.#promised = /^\d+$/.test(length) ? Number(length) : -1;
    if (end && !Number.isNaN(this.#promised) && this.#promised !== (body?.length ?? 0)) return this.#wrongLength(body, length!);
    if (this.#host.draining) outgoing.shouldKeepAlive = false;
    try {
      outgoing.writeHead(status, headers);
    } catch (error) {
      invocation?.abort();
      return this.#host.fail(
        this,
        new TsumugiError('HandlerError', `the function's response is not valid HTTP: ${(error as Error).message}`),
      );
    }
    // As one string the head and a small body leave in one write; latin1 keeps each byte as it is.
    if (end && body && body.length <= JOINED) outgoing.end(body.toString('latin1'), 'latin1');
    else if (end) outgoing.end(body);
    else if (body) this.data(body, false);
    else outgoing.flushHeaders();
  }

  data(chunk: Buffer, end: boolean): void {
    if (this.#over) return;
    if (this.#promised < chunk.length || (end && this.#promised > chunk.length)) return this.#cut();
    if (end) this.outgoing.end(chunk.length > 0 ? chunk : undefined);
    else this.#write(chunk);
  }

  failed(error: TsumugiError): void {
    if (this.#over) return;
    if (!this.outgoing.headersSent) this.#host.fail(this, error);
    // The head is out: cutting the connection is the only way left to say that this is not the whole answer.
    else this.outgoing.destroy();
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
    this.outgoing.destroy();
  }

  /** The client takes it at its own speed; the instance may send as much as was taken. */
  #write(chunk: Buffer): void {
    this.#promised -= chunk.length;
    if (this.outgoing.write(chunk)) return this.invocation?.consumed(chunk.length);
    this.#stalled += chunk.length;
    if (this.#stalled > chunk.length) return;
    this.outgoing.once('drain', () => {
      const taken = this.#stalled;
      this.#stalled = 0;
      this.invocation?.consumed(taken);
    });
  }

  #tooLarge(): void {
    this.invocation?.abort();
    this.#host.fail(this, new TsumugiError('TooLarge', 'the arguments of a call may have 32 MB'));
  }

  #closed(): void {
    this.#over = true;
    this.aborted = !this.outgoing.writableFinished;
    if (this.aborted) this.invocation?.abort();
    this.#host.finished(this);
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
