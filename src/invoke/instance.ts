import { connect, type NetConnectOpts } from 'node:net';
import { errorTable, TsumugiError, type ErrorCode } from '../base/errors.ts';
import { FrameConnection } from '../wire/connection.ts';
import { decodeAbort, encodeAbort, readHead, readUint32 } from '../wire/frames.ts';
import { Flag, FrameType } from '../wire/protocol.ts';
import { StreamTable } from '../wire/streams.ts';
import type { Call, CallCarrier } from './call.ts';
import type { InstanceEntry } from './projection.ts';

/** What an instance tells the table that owns it. */
export interface InstanceOwner {
  /** It has greeted back. */
  welcomed(instance: Instance): void;
  /** A lease came free, or the instance came up. */
  freed(instance: Instance): void;
  /** A call that no instance has accepted needs another one. `busy`: the instance had no room. */
  returned(call: Call, busy: boolean): void;
  /** No more calls here: draining, or the connection is lost. */
  lost(instance: Instance): void;
  /** What to tell those whose calls it had accepted when its connection broke. */
  ending(instance: Instance): Promise<TsumugiError>;
}

/** How long an instance that said BUSY is left alone, unless a lease on it comes free before; ms. */
const BUSY_PAUSE = 20;
/** How long an event loop may be silent after a request's time is up; ms. */
const PONG_GRACE = 2_000;
/** How long a request may go without ACCEPTED before the instance is asked whether its event loop turns; ms. */
const SILENCE = 200;
/** How long connecting may take; ms. A node that is gone answers nothing, and the kernel would go on asking for two minutes. One lost packet is sent again after 1 s. */
const CONNECT = 2_000;

/**
 * The connection to one instance of a revision, and the calls on it.
 *
 * Calls may be sent as soon as it exists: they queue behind HELLO until the socket is connected. If that fails none of them was
 * accepted, so they go elsewhere.
 */
export class Instance implements CallCarrier {
  readonly entry: InstanceEntry;
  connection!: FrameConnection;
  /** `opening`: not greeted back yet, and calls wait elsewhere for that; `up`: takes calls; `draining`: finishes what it has; `down`: not connected, or given up as blocked. */
  state: 'opening' | 'up' | 'draining' | 'down' = 'down';
  active = 0;
  acceptedUpTo = 0;
  busyUntil = 0;
  /** Since when an answer to PING is owed, in `performance.now()`; 0: not asked. Until it comes, no calls are sent here. */
  pingedAt = 0;
  /** Since when a call's time has been up without a sign of life; 0: not. */
  #overdueAt = 0;
  /** When the present wait for ACCEPTED was first seen; 0: nothing waits for it. */
  #unacceptedAt = 0;
  #seenAccepted = 0;
  /** Calls whose body waits for room in the socket. */
  readonly blockedBodies = new Set<Call>();
  readonly #owner: InstanceOwner;
  readonly #streams = new StreamTable<Call>();
  #lastStream = 0;
  #retired = false;
  /** It took one request, and that is over: nothing more is taken there, and it will not come back. */
  isSpent = false;

  /** `reserved`: its code is still being loaded. */
  constructor(entry: InstanceEntry, owner: InstanceOwner, reserved = false) {
    this.entry = entry;
    this.#owner = owner;
    this.connect();
    if (reserved) this.state = 'opening';
  }

  connect(): void {
    this.state = 'up';
    this.acceptedUpTo = 0;
    this.#lastStream = 0;
    this.pingedAt = this.#overdueAt = this.#unacceptedAt = 0;
    const socket = connect(addressOptions(this.entry.address));
    const connection = new FrameConnection(socket, {
      frame: (type, flags, stream, buffer, start, end) => this.#frame(type, flags, stream, buffer, start, end),
      drained: () => this.#drained(),
      closed: () => this.#closed(connection),
    });
    const late = setTimeout(() => connection.destroy(new Error(`not connected within ${CONNECT} ms`)), CONNECT).unref();
    socket.once('connect', () => clearTimeout(late)).once('close', () => clearTimeout(late));
    this.connection = connection;
    connection.send(FrameType.HELLO, 0, 0, Buffer.from(JSON.stringify({ token: this.entry.token })));
  }

  /** Sends the call on a stream of its own; `timeout` in ms. */
  send(call: Call, now: number, timeout: number): void {
    const stream = ++this.#lastStream;
    this.#streams.set(stream, call);
    this.active++;
    const { request } = call;
    const head = `${request.method}\0${request.target}\0${request.requestId}\0${request.traceparent}\0${timeout}\0${request.export}\0${request.origin}${request.headers}`;
    this.connection.sendHead(FrameType.REQUEST, request.hasBody ? 0 : Flag.END, stream, head);
    call.started(this, stream, now, now + timeout);
  }

  /** Gives a call up: the instance is told, the lease ends. */
  cancel(call: Call, code: 'Cancelled' | 'Timeout'): void {
    if (this.#streams.get(call.stream) !== call) return;
    this.connection.send(FrameType.ABORT, 0, call.stream, encodeAbort({ code }));
    this.#release(call);
  }

  /** Calls whose time is up. */
  expired(now: number): Call[] {
    return this.active === 0 ? [] : this.#streams.values().filter((call) => call.deadline <= now);
  }

  /** A call's time is up: silence from now on means that the event loop hangs. */
  overdue(now: number): void {
    if (this.state === 'down') return;
    this.#overdueAt ||= now;
    this.#ping(now);
  }

  /** Asks an instance that leaves requests unaccepted: a function may compute for long, but others should not queue behind it. */
  watchSilence(now: number): void {
    if (this.active === 0 || this.acceptedUpTo >= this.#lastStream) this.#unacceptedAt = 0;
    else if (this.#unacceptedAt === 0 || this.acceptedUpTo !== this.#seenAccepted) {
      // Under load something is always on its way: silence is that nothing more is accepted.
      this.#unacceptedAt = now;
      this.#seenAccepted = this.acceptedUpTo;
    } else if (now - this.#unacceptedAt >= SILENCE) this.#ping(now);
  }

  blocked(now: number): boolean {
    return this.#overdueAt > 0 && now - this.#overdueAt > PONG_GRACE;
  }

  #ping(now: number): void {
    if (this.pingedAt > 0 || this.state === 'down') return;
    this.pingedAt = now;
    this.connection.send(FrameType.PING, 0, 0);
  }

  /** Takes no more calls, and goes when the last is done. */
  retire(): void {
    this.#retired = true;
    if (this.state === 'up') this.state = 'draining';
    if (this.active === 0) this.connection.end();
  }

  /** Ends the connection; calls that were not accepted are returned. */
  close(): void {
    this.connection.destroy();
  }

  #frame(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    if (this.pingedAt > 0) this.#alive();
    switch (type) {
      case FrameType.RESPONSE: {
        const call = this.#streams.get(stream);
        if (!call) return;
        const { head, bodyStart } = readHead(buffer, start, end);
        const ended = (flags & Flag.END) !== 0;
        call.respond(head, bodyStart < end ? buffer.subarray(bodyStart, end) : undefined, ended);
        if (ended) this.#release(call);
        return;
      }
      case FrameType.DATA: {
        const call = this.#streams.get(stream);
        if (!call) return;
        const ended = (flags & Flag.END) !== 0;
        call.data(buffer.subarray(start, end), ended);
        if (ended) this.#release(call);
        return;
      }
      case FrameType.ACCEPTED:
        this.acceptedUpTo = readUint32(buffer, start);
        return;
      case FrameType.CREDIT:
        this.#streams.get(stream)?.credit(readUint32(buffer, start));
        return;
      case FrameType.BUSY: {
        const call = this.#streams.get(stream);
        if (!call) return;
        this.#forget(call);
        this.busyUntil = performance.now() + BUSY_PAUSE;
        this.#owner.returned(call, true);
        return;
      }
      case FrameType.ABORT: {
        const call = this.#streams.get(stream);
        if (!call) return;
        const { code, message } = decodeAbort(buffer, start, end);
        const known: ErrorCode = code in errorTable ? (code as ErrorCode) : 'Internal';
        call.fail(new TsumugiError(known, message || errorTable[known].says));
        this.#release(call);
        return;
      }
      case FrameType.GOAWAY:
        if (this.state !== 'up') return;
        this.state = 'draining';
        this.#owner.lost(this);
        return;
      case FrameType.PING:
        this.connection.send(FrameType.PONG, 0, 0);
        return;
      case FrameType.WELCOME:
        this.#owner.welcomed(this);
        if (this.state !== 'opening') return;
        this.state = 'up';
        this.#owner.freed(this);
        return;
      default: // PONG, and what a later version may add.
    }
  }

  /** It turns: calls may be sent here again. */
  #alive(): void {
    this.pingedAt = this.#overdueAt = this.#unacceptedAt = 0;
    this.#owner.freed(this);
  }

  #release(call: Call): void {
    this.#forget(call);
    this.busyUntil = 0;
    // Its GOAWAY may come a moment later.
    if (this.entry.once) {
      this.isSpent = true;
      if (this.state === 'up') this.state = 'draining';
    }
    if (this.#retired && this.active === 0) this.connection.end();
    this.#owner.freed(this);
  }

  #forget(call: Call): void {
    if (this.#streams.delete(call.stream)) this.active--;
    if (this.blockedBodies.size > 0) this.blockedBodies.delete(call);
  }

  #drained(): void {
    const calls = [...this.blockedBodies];
    this.blockedBodies.clear();
    for (const call of calls) call.pumpBody();
  }

  #closed(connection: FrameConnection): void {
    if (connection !== this.connection) return;
    this.state = 'down';
    const calls = this.#streams.values().sort((a, b) => a.stream - b.stream);
    this.#streams.clear();
    this.blockedBodies.clear();
    this.active = 0;
    this.#owner.lost(this);
    const accepted = calls.filter((call) => call.accepted);
    for (const call of calls) {
      if (!call.accepted) this.#owner.returned(call, false);
      // Its stream is gone, and this instance may connect anew: nothing of this call may be sent there.
      else call.instance = undefined;
    }
    if (accepted.length > 0) void this.#failAll(accepted);
  }

  async #failAll(calls: readonly Call[]): Promise<void> {
    const error = await this.#owner.ending(this);
    for (const call of calls) call.fail(error);
  }
}

/** `unix:/path` or `tcp:host:port` as node:net wants it. */
export function addressOptions(address: string): NetConnectOpts {
  if (address.startsWith('unix:')) return { path: address.slice(5) };
  const colon = address.lastIndexOf(':');
  const host = address.slice(address.startsWith('tcp:') ? 4 : 0, colon).replace(/^\[|\]$/g, '');
  return { host, port: Number(address.slice(colon + 1)) };
}
