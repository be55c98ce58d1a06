import type { Socket } from 'node:net';
import { FrameConnection } from '../../../wire/connection.ts';
import { type Abort, decodeAbort, encodeAbort, readHead, readUint32 } from '../../../wire/frames.ts';
import { Flag, FrameType, MAX_DATA, type Specialized, type Welcome } from '../../../wire/protocol.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** How an invocation ended other than by an answer. */
export class Failed extends Error {
  readonly abort: Abort;
  constructor(abort: Abort) {
    super(`${abort.code}: ${abort.message}`);
    this.abort = abort;
  }
}

export interface Options {
  method?: string;
  target?: string;
  export?: string;
  origin?: string;
  requestId?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Do not give credit back: the test does it. */
  holdCredit?: boolean;
}

/** One invocation as the client sees it. */
export class Call {
  readonly stream: number;
  readonly pieces: Buffer[] = [];
  status = 0;
  headers: Record<string, string> = {};
  received = 0;
  credit = 256 * 1024;
  ended = false;
  failed: Abort | 'busy' | 'closed' | undefined;
  readonly #watchers = new Set<() => void>();
  constructor(stream: number) {
    this.stream = stream;
  }
  changed(): void {
    for (const look of this.#watchers) look();
  }
  /** Resolves when the condition holds; it is looked at after each frame. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }
  async reply(): Promise<Reply> {
    await this.until(() => this.ended || this.failed !== undefined);
    if (this.failed === 'busy' || this.failed === 'closed') throw new Error(this.failed);
    if (this.failed) throw new Failed(this.failed);
    return { status: this.status, headers: this.headers, body: Buffer.concat(this.pieces) };
  }
}

/** A gateway or activator of few words. */
export class Client {
  readonly connection: FrameConnection;
  readonly calls = new Map<number, Call>();
  /** Types of frames in the order they came, with the stream. */
  readonly seen: { type: number; stream: number; payload: Buffer }[] = [];
  accepted = 0;
  #next = 1;
  readonly #hold = new Set<number>();
  #watchers = new Set<() => void>();
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    let onClosed: () => void;
    this.closed = new Promise((resolve) => (onClosed = resolve));
    this.connection = new FrameConnection(socket, {
      frame: (type, flags, stream, buffer, start, end) => this.#frame(type, flags, stream, buffer, start, end),
      drained: () => this.#changed(),
      closed: () => {
        for (const call of this.calls.values()) {
          if (!call.ended) call.failed ??= 'closed';
          call.changed();
        }
        this.#changed();
        onClosed();
      },
    });
  }

  /** With an instance's token, or what `signHello` made. */
  async hello(credentials: string | Buffer): Promise<Welcome> {
    const payload = typeof credentials === 'string' ? Buffer.from(JSON.stringify({ token: credentials })) : credentials;
    this.connection.send(FrameType.HELLO, 0, 0, payload);
    return JSON.parse((await this.frame(FrameType.WELCOME)).toString()) as Welcome;
  }

  async specialize(sealed: Uint8Array): Promise<Specialized> {
    const before = this.seen.filter((frame) => frame.type === FrameType.SPECIALIZED).length;
    this.connection.send(FrameType.SPECIALIZE, 0, 0, sealed);
    return JSON.parse((await this.frame(FrameType.SPECIALIZED, before)).toString()) as Specialized;
  }

  async drain(signed: Uint8Array): Promise<{ drained: boolean; active: number }> {
    const before = this.seen.filter((frame) => frame.type === FrameType.DRAINED).length;
    this.connection.send(FrameType.DRAIN, 0, 0, signed);
    return JSON.parse((await this.frame(FrameType.DRAINED, before)).toString()) as { drained: boolean; active: number };
  }

  /** Payload of the next frame of this type after `skip` others. Rejects when the connection closes first. */
  frame(type: number, skip = 0): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.seen.filter((frame) => frame.type === type)[skip];
        if (!found && this.connection.open) return;
        this.#watchers.delete(look);
        if (found) resolve(found.payload);
        else reject(new Error('the connection closed'));
      };
      this.#watchers.add(look);
      look();
    });
  }

  start(options: Options = {}, end = true): Call {
    const call = new Call(this.#next++);
    this.calls.set(call.stream, call);
    if (options.holdCredit) this.#hold.add(call.stream);
    const body = options.body === undefined ? undefined : Buffer.from(options.body as Uint8Array);
    const method = options.method ?? (body || !end ? 'POST' : 'GET');
    const fields = [
      method,
      options.target ?? '/',
      options.requestId ?? `r${call.stream}`,
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    ];
    fields.push('60000', encodeURIComponent(options.export ?? ''), options.origin ?? 'http://localhost:8080');
    for (const [name, value] of Object.entries(options.headers ?? {})) fields.push(name, value);
    this.connection.sendHead(FrameType.REQUEST, end ? Flag.END : 0, call.stream, fields.join('\0'), body);
    return call;
  }

  request(options: Options = {}): Promise<Reply> {
    return this.start(options).reply();
  }

  async text(options: Options = {}): Promise<string> {
    return (await this.request(options)).body.toString();
  }

  /** Sends body bytes as far as credit allows; resolves when all are sent. */
  async send(call: Call, bytes: Uint8Array, end = true): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      await call.until(() => call.credit > 0 || call.failed !== undefined);
      if (call.failed) return;
      const size = Math.min(bytes.length - at, call.credit, MAX_DATA);
      call.credit -= size;
      call.changed();
      this.connection.send(FrameType.DATA, 0, call.stream, bytes.subarray(at, at + size));
      at += size;
    }
    if (end) this.connection.send(FrameType.DATA, Flag.END, call.stream);
  }

  grant(call: Call, bytes: number): void {
    this.connection.sendNumber(FrameType.CREDIT, call.stream, bytes);
  }

  abort(call: Call, code = 'Cancelled'): void {
    this.connection.send(FrameType.ABORT, 0, call.stream, encodeAbort({ code, message: 'given up' }));
  }

  close(): void {
    this.connection.destroy();
  }

  #changed(): void {
    for (const look of this.#watchers) look();
  }

  #frame(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    this.seen.push({ type, stream, payload: buffer.subarray(start, end) });
    const call = this.calls.get(stream);
    if (type === FrameType.ACCEPTED) this.accepted = readUint32(buffer, start);
    else if (type === FrameType.RESPONSE && call) {
      const { head, bodyStart } = readHead(buffer, start, end);
      const [status, ...fields] = head.split('\0');
      call.status = Number(status);
      for (let at = 0; at < fields.length; at += 2) {
        const name = fields[at]!;
        call.headers[name] = call.headers[name] === undefined ? fields[at + 1]! : `${call.headers[name]}|${fields[at + 1]}`;
      }
      this.#data(call, buffer.subarray(bodyStart, end), flags);
    } else if (type === FrameType.DATA && call) this.#data(call, buffer.subarray(start, end), flags);
    else if (type === FrameType.CREDIT && call) call.credit += readUint32(buffer, start);
    else if (type === FrameType.BUSY && call) call.failed = 'busy';
    else if (type === FrameType.ABORT && call) call.failed = decodeAbort(buffer, start, end);
    call?.changed();
    this.#changed();
  }

  #data(call: Call, piece: Buffer, flags: number): void {
    call.pieces.push(piece);
    call.received += piece.length;
    if ((flags & Flag.END) !== 0) call.ended = true;
    else if (piece.length > 0 && !this.#hold.has(call.stream)) this.grant(call, piece.length);
  }
}
