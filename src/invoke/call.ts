import { TsumugiError } from '../base/errors.ts';
import type { FrameConnection } from '../wire/connection.ts';
import { Flag, FrameType, INITIAL_CREDIT, MAX_DATA } from '../wire/protocol.ts';
import type { Invocation, InvokeRequest, ResponseSink } from './invoker.ts';

const EMPTY = Buffer.alloc(0);
/** The credit for an answer is given back in portions of this many bytes. */
const CREDIT_STEP = 64 * 1024;

/** Where a call waits: its function's queue. */
export interface CallOwner {
  /** It is given up while it waits. */
  left(call: Call): void;
  /** No instance accepted it. */
  returned(call: Call, busy: boolean): void;
}

/** What a call's stream runs on: an instance. */
export interface CallCarrier {
  readonly connection: FrameConnection;
  /** Streams up to this one were accepted. */
  readonly acceptedUpTo: number;
  /** Calls whose body waits for the socket. */
  readonly blockedBodies: Set<Call>;
  cancel(call: Call, code: 'Cancelled' | 'Timeout'): void;
}

/**
 * One request under way: waits in its function's queue, then lives on a stream of an instance, perhaps of another one after that.
 *
 * The body's first part is kept until an instance has accepted the request, so that it can be sent elsewhere. That is never
 * more than INITIAL_CREDIT, because an instance gives no further credit before it has accepted.
 */
export class Call implements Invocation {
  readonly request: InvokeRequest;
  readonly sink: ResponseSink;
  readonly pool: CallOwner;
  /** In the queue of its function. */
  waiting = false;
  queued = false;
  done = false;
  sentAt = 0;
  /** When its time on the instance is up, in `performance.now()`. */
  deadline = 0;
  /** When waiting in the queue makes no sense any more. */
  giveUpAt: number;
  /** How often an instance went away with it before accepting it. */
  attempts = 0;
  instance: CallCarrier | undefined;
  stream = 0;
  responded = false;

  /** Body chunks from the first that may have to be sent again. */
  #body: Buffer[] | undefined;
  #bodyEnded = false;
  #endSent = false;
  /** The next to send: chunk, and offset in it. */
  #next = 0;
  #offset = 0;
  #credit = INITIAL_CREDIT;
  #owesDrain = false;
  #taken = 0;

  constructor(pool: CallOwner, request: InvokeRequest, sink: ResponseSink, giveUpAt: number) {
    this.pool = pool;
    this.request = request;
    this.sink = sink;
    this.giveUpAt = giveUpAt;
  }

  /** Its REQUEST has just been written on a fresh stream; the body follows. */
  started(instance: CallCarrier, stream: number, now: number, deadline: number): void {
    this.instance = instance;
    this.stream = stream;
    this.sentAt = now;
    this.deadline = deadline;
    if (!this.request.hasBody) return;
    this.#next = 0;
    this.#offset = 0;
    this.#credit = INITIAL_CREDIT;
    this.#endSent = false;
    this.pumpBody();
  }

  /** True once it must not be sent to another instance. */
  get accepted(): boolean {
    return this.responded || (this.instance !== undefined && this.instance.acceptedUpTo >= this.stream);
  }

  write(chunk: Buffer): boolean {
    if (this.done || chunk.length === 0) return true;
    (this.#body ??= []).push(chunk);
    this.pumpBody();
    if (this.#body.length === this.#next) return true;
    this.#owesDrain = true;
    return false;
  }

  end(): void {
    if (this.done || this.#bodyEnded) return;
    this.#bodyEnded = true;
    this.pumpBody();
  }

  /** Sends what credit and socket allow. */
  pumpBody(): void {
    const { instance } = this;
    if (!instance || this.done || this.#endSent) return;
    const body = (this.#body ??= []);
    let roomy = true;
    while (this.#next < body.length && this.#credit > 0 && roomy) {
      const chunk = body[this.#next]!;
      const size = Math.min(chunk.length - this.#offset, this.#credit, MAX_DATA);
      const end = this.#offset + size === chunk.length;
      const last = end && this.#bodyEnded && this.#next === body.length - 1;
      roomy = instance.connection.send(FrameType.DATA, last ? Flag.END : 0, this.stream, chunk.subarray(this.#offset, this.#offset + size));
      this.#credit -= size;
      this.#offset += size;
      if (last) this.#endSent = true;
      if (end) {
        this.#next++;
        this.#offset = 0;
      }
    }
    if (this.#bodyEnded && !this.#endSent && this.#next === body.length) {
      this.#endSent = true;
      instance.connection.send(FrameType.DATA, Flag.END, this.stream);
    }
    if (this.#next > 0 && this.accepted) {
      // Never sent again: what went out can be forgotten.
      body.splice(0, this.#next);
      this.#next = 0;
    }
    if (!roomy) instance.blockedBodies.add(this);
    if (this.#owesDrain && this.#next === body.length && !this.#bodyEnded) {
      this.#owesDrain = false;
      this.sink.drained();
    }
  }

  /** The instance can take this many more bytes of the body. */
  credit(bytes: number): void {
    this.#credit += bytes;
    this.pumpBody();
  }

  consumed(bytes: number): void {
    if (this.done) return;
    this.#taken += bytes;
    if (this.#taken < CREDIT_STEP || !this.instance) return;
    this.instance.connection.sendNumber(FrameType.CREDIT, this.stream, this.#taken);
    this.#taken = 0;
  }

  abort(): void {
    if (this.done) return;
    this.done = true;
    if (this.waiting) this.pool.left(this);
    else this.instance?.cancel(this, 'Cancelled');
  }

  fail(error: TsumugiError): void {
    if (this.done) return;
    this.done = true;
    this.sink.failed(error);
  }

  respond(head: string, body: Buffer | undefined, end: boolean): void {
    if (this.responded) throw new TsumugiError('Internal', 'a second response on one stream');
    this.responded = true;
    if (end) this.done = true;
    this.sink.response(head, body, end);
  }

  data(chunk: Buffer, end: boolean): void {
    if (!this.responded) throw new TsumugiError('Internal', 'a body before its head');
    if (end) this.done = true;
    this.sink.data(chunk.length === 0 ? EMPTY : chunk, end);
  }
}
