import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type BodyReader, ChunkedBody, SizedBody } from './body.ts';
import { type HeadFields, readFields, readRequestLine, type RequestLine } from './head.ts';
import { Malformed } from './malformed.ts';

/** What happens to one request; told in order: body bytes, the end, or that the client has gone. */
export interface RequestSink {
  body(bytes: Buffer): void;
  bodyEnd(): void;
  /** The connection broke before the answer was given whole. Nothing follows. */
  gone(): void;
}

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  /** Lines with their CRLF, without hop-by-hop headers. */
  readonly fields: string;
  /** What the fields give as content-length. */
  readonly length: string | undefined;
  /** The fields have a date. */
  readonly dated: boolean;
}

/** The time, looked up now and then for all connections. */
export interface Clock {
  /** In `performance.now()`. */
  readonly now: number;
  /** As header line. */
  readonly date: string;
}

/** Takes requests: puts a sink on the connection, and answers at once or later. */
export type RequestHandler = (connection: HttpConnection, line: RequestLine, fields: HeadFields) => void;

/** Bytes of a head that are read; then 431. */
const MAX_HEAD = 16 * 1024;
/** Bodies up to this size go out in one piece with their head. */
const JOINED = 16 * 1024;
/** How long a head may take from its first byte, ms. */
const HEAD_TIMEOUT = 15_000;
/** Longer than the idle time-out of the usual load balancers (60 s), so that they close first; s. */
const KEEP_ALIVE = 65;
/** How long what a client still sends is read and thrown away after the last answer: closing at once could destroy the answer on its way; ms. */
const LINGER = 2_000;

const CLOSE = 'Connection: close\r\n';
const KEEP = `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE}\r\n`;

/**
 * HTTP/1.1 (and 1.0) on one socket, the server's side: reads requests one after the other, hands each to the handler, writes its answer.
 *
 * node's own server does the same and more; on the path of every request it is half of what the gateway costs. This one makes no object for what
 * nobody asks: heads are read from one string, and fields that a client repeats on its connection are read once.
 */
export class HttpConnection {
  readonly socket: Socket;
  /** A kept connection carries the next request. Set to false before the answer, it is told to the client. */
  keep = true;
  /** The answer's head is written. */
  answered = false;
  /** Of the last answer. */
  status = 0;
  /** Who hears of the present request; nobody once it is answered. */
  sink: RequestSink | undefined;
  readonly #handler: RequestHandler;
  readonly #clock: Clock;
  #body: BodyReader | undefined;
  /** Read, and not yet looked at: a part of a head, or what came before its turn. */
  #rest: Buffer | undefined;
  #reading = false;
  /** Nothing is read: who takes the body asked for it. */
  #paused = false;
  #modern = true;
  #head = false;
  /** How the answer's body is written. */
  #framing: 'none' | 'plain' | 'chunked' = 'none';
  #fieldsText = '';
  #fields: HeadFields | undefined;
  /** Since when it waits: for a head's end, for the next request, or for the client to close. */
  #state: 'idle' | 'head' | 'busy' | 'closing' = 'idle';
  #since: number;

  constructor(socket: Socket, handler: RequestHandler, clock: Clock) {
    this.socket = socket;
    this.#handler = handler;
    this.#clock = clock;
    this.#since = clock.now;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // A client that ends its half has gone: there is no other sign of it while its answer is being made.
    socket.on('end', () => this.destroy());
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.#gone());
  }

  /** The request's body has been read to its end. */
  get bodyComplete(): boolean {
    return this.#body === undefined;
  }

  /** Closes what has waited for too long. */
  tick(now: number): void {
    const waited = now - this.#since;
    if (this.#state === 'head' && waited >= HEAD_TIMEOUT) this.#refuse(new Malformed(408, 'its head took too long'));
    else if (this.#state === 'idle' && waited >= KEEP_ALIVE * 1000) this.destroy();
    else if (this.#state === 'closing' && waited >= LINGER) this.destroy();
  }

  /** No request after the present one; at once if there is none. */
  closeIdle(): void {
    this.keep = false;
    if (this.#state === 'idle') this.destroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  pause(): void {
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#rest === undefined) this.socket.resume();
  }

  /** The client may send its body. */
  writeContinue(): void {
    this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  /** An answer of this status has no body, whatever its length says. */
  bodiless(status: number): boolean {
    return this.#head || status === 204 || status === 304;
  }

  /** The answer's head, with more fields (lines with their CRLF), and its body if it is there. False: the client is slow, go on after `drain` of the socket. */
  answer({ status, fields, length, dated }: AnswerHead, more: string, body: Buffer | undefined, end: boolean): boolean {
    this.answered = true;
    this.status = status;
    const bodiless = this.bodiless(status);
    let framing = '';
    this.#framing = bodiless ? 'none' : 'plain';
    if (length === undefined && !bodiless) {
      if (end) framing = `Content-Length: ${body?.length ?? 0}\r\n`;
      else if (this.#modern) {
        framing = 'Transfer-Encoding: chunked\r\n';
        this.#framing = 'chunked';
      } else this.keep = false;
    }
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${fields}${more}${framing}${dated ? '' : this.#clock.date}${this.keep ? KEEP : CLOSE}\r\n`;
    let roomy: boolean;
    if (end && body && !bodiless && body.length <= JOINED) {
      // As one string the head and a small body leave in one write; latin1 keeps each byte as it is.
      roomy = this.socket.write(head + body.toString('latin1'), 'latin1');
    } else {
      if (body) this.socket.cork();
      roomy = this.socket.write(head, 'latin1');
      if (body) roomy = this.write(body);
      if (body) this.socket.uncork();
    }
    if (end) this.#finish();
    return roomy;
  }

  /** More of the answer's body. */
  write(bytes: Buffer): boolean {
    const { socket } = this;
    if (this.#framing === 'none' || bytes.length === 0) return true;
    if (this.#framing === 'plain') return socket.write(bytes);
    socket.cork();
    socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    socket.write(bytes);
    const roomy = socket.write('\r\n', 'latin1');
    socket.uncork();
    return roomy;
  }

  /** The answer is whole. */
  end(): void {
    if (this.#framing === 'chunked') this.socket.write('0\r\n\r\n', 'latin1');
    this.#finish();
  }

  #finish(): void {
    this.sink = undefined;
    // Nobody is left who would, and the next request comes on the same socket.
    if (this.#paused) this.resume();
    if (!this.keep) this.#close();
    else if (!this.#body) this.#next();
  }

  /** Answer and body are through. */
  #next(): void {
    this.#state = 'idle';
    this.#since = this.#clock.now;
    if (this.#rest === undefined || this.#reading) return;
    const rest = this.#rest;
    this.#rest = undefined;
    this.socket.resume();
    this.#read(rest);
  }

  /** Ends our half; what still comes is thrown away until the client closes, too. */
  #close(): void {
    this.#state = 'closing';
    this.#since = this.#clock.now;
    this.#rest = undefined;
    this.socket.end();
    this.socket.resume();
  }

  #read(chunk: Buffer): void {
    if (this.#state === 'closing') return;
    let buffer = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    this.#reading = true;
    try {
      while (buffer.length > 0 && (this.#state as string) !== 'closing') {
        let used: number;
        if (this.#body) used = this.#readBody(this.#body, buffer);
        else if (this.#state === 'busy') {
          // The next request, before this one is answered.
          this.#rest = buffer;
          this.socket.pause();
          return;
        } else used = this.#readHead(buffer);
        if (used === 0) {
          this.#rest = buffer;
          return;
        }
        buffer = buffer.subarray(used);
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#refuse(error);
    } finally {
      this.#reading = false;
    }
  }

  #readBody(body: BodyReader, buffer: Buffer): number {
    const used = body.read(buffer, (bytes) => this.sink?.body(bytes));
    if (!body.complete) return used;
    this.#body = undefined;
    if (this.sink) this.sink.bodyEnd();
    else if (this.#state === 'busy') this.#next();
    return used;
  }

  /** Answers how many bytes the head took; 0: it is not there whole. */
  #readHead(buffer: Buffer): number {
    if (this.#state === 'idle') {
      this.#state = 'head';
      this.#since = this.#clock.now;
    }
    const text = buffer.toString('latin1', 0, Math.min(buffer.length, MAX_HEAD));
    // An empty line in front is left over from a careless client's last body.
    let start = 0;
    while (text.startsWith('\r\n', start)) start += 2;
    const headEnd = text.indexOf('\r\n\r\n', start);
    if (headEnd === -1) {
      if (text.length === MAX_HEAD) throw new Malformed(431, `its head has more than ${MAX_HEAD} bytes`);
      if (/[^\r]\n/.test(text)) throw new Malformed(400, 'a line of its head has no proper end');
      return 0;
    }
    const lineEnd = text.indexOf('\r\n', start);
    const line = readRequestLine(text.slice(start, lineEnd));
    const fieldsText = text.slice(lineEnd, headEnd);
    if (this.#fields === undefined || fieldsText !== this.#fieldsText) {
      this.#fields = readFields(text, lineEnd + 2, headEnd + 2);
      this.#fieldsText = fieldsText;
    }
    this.#begin(line, this.#fields);
    return headEnd + 4;
  }

  #begin(line: RequestLine, fields: HeadFields): void {
    if (fields.chunked && !line.modern) throw new Malformed(400, 'HTTP/1.0 has no chunks');
    this.#state = 'busy';
    this.#modern = line.modern;
    this.#head = line.method === 'HEAD';
    this.answered = false;
    if (!(fields.keep ?? line.modern)) this.keep = false;
    this.#body = fields.chunked ? new ChunkedBody() : fields.bodyLength > 0 ? new SizedBody(fields.bodyLength) : undefined;
    this.#handler(this, line, fields);
  }

  /** Says what is wrong, if that can still be said, and ends the connection. */
  #refuse(error: Malformed): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.gone();
    if (this.#state === 'busy' && this.answered) return this.destroy();
    this.socket.write(error.answer());
    this.#close();
  }

  #gone(): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.gone();
  }
}
