import type { Socket } from 'node:net';
import { FrameConnection, type FrameHandler } from '../../wire/connection.ts';
import { decodeAbort, encodeAbort, readHead, readUint32 } from '../../wire/frames.ts';
import { Flag, FrameType } from '../../wire/protocol.ts';
import { StreamTable } from '../../wire/streams.ts';
import { IncomingBody } from './incoming-body.ts';
import type { Instance } from './instance.ts';
import { Invocation } from './invocation.ts';
import { Outgoing } from './outgoing.ts';
import type { Role } from './door.ts';
import { run } from './run.ts';

/** One invocation on its way. */
interface Running {
  readonly invocation: Invocation;
  readonly outgoing: Outgoing;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** One gateway or activator that the door has let in: its connection and the invocations it sent. */
export class Peer implements FrameHandler {
  readonly connection: FrameConnection;
  /** Hears STATS and of the claim; else a gateway, which may send invocations. */
  readonly isActivator: boolean;
  /** Its own claim is being loaded: the answer will tell. */
  #claiming = false;
  readonly #instance: Instance;
  readonly #running = new StreamTable<Running>();
  /** Started when the frames of this read are through. */
  #accepted: Running[] = [];
  readonly #onClosed: (peer: Peer) => void;
  readonly #onDrain: () => void;

  constructor(socket: Socket, instance: Instance, { role, ...events }: { role: Role; closed: (peer: Peer) => void; drain: () => void }) {
    this.isActivator = role === 'activator';
    this.#instance = instance;
    this.#onClosed = events.closed;
    this.#onDrain = events.drain;
    this.connection = new FrameConnection(socket, this);
    this.#welcome();
    this.connection.flushNow();
  }

  /** The claim, or what became of it, is told to activators who do not hear it anyway. */
  claimChanged(): void {
    if (this.isActivator && !this.#claiming) this.#welcome();
  }

  goAway(reason: string): void {
    this.connection.send(FrameType.GOAWAY, 0, 0, Buffer.from(reason));
    this.connection.flushNow();
  }

  frame(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    switch (type) {
      case FrameType.REQUEST:
        return this.#request(flags, stream, buffer, start, end);
      case FrameType.DATA:
        return this.#running.get(stream)?.invocation.incoming?.push(buffer.subarray(start, end), (flags & Flag.END) !== 0);
      case FrameType.CREDIT:
        return this.#running.get(stream)?.outgoing.grant(readUint32(buffer, start));
      case FrameType.ABORT: {
        const { code, message } = decodeAbort(buffer, start, end);
        this.#running.get(stream)?.invocation.abort(code, message);
        return this.#instance.abandoned();
      }
      case FrameType.SPECIALIZE:
        return this.#specialize(stream, buffer.subarray(start, end));
      case FrameType.DRAIN:
        return this.#drain(stream, buffer.subarray(start, end));
      case FrameType.CREDENTIALS:
        return this.#instance.renew(buffer.subarray(start, end));
      case FrameType.PING:
        this.connection.send(FrameType.PONG, 0, stream, buffer.subarray(start, end));
        return undefined;
      default:
        // A newer client may say more than we know; what matters has a version.
        return undefined;
    }
  }

  /** ACCEPTED must be in the kernel's hands before the first handler runs: see protocol.ts. */
  chunk(): void {
    const batch = this.#accepted;
    if (batch.length === 0) return;
    this.#accepted = [];
    this.connection.sendNumber(FrameType.ACCEPTED, 0, batch[batch.length - 1]!.invocation.stream);
    this.connection.flushNow();
    for (const one of batch) this.#start(one);
  }

  drained(): void {
    for (const { outgoing } of this.#running.values()) outgoing.awake();
  }

  closed(): void {
    for (const { invocation } of this.#running.values()) invocation.abort('Cancelled', 'the connection to the gateway was lost');
    if (this.#running.values().length > 0) this.#instance.abandoned();
    this.#onClosed(this);
  }

  #welcome(): void {
    this.connection.send(FrameType.WELCOME, 0, 0, json(this.#instance.welcome()));
  }

  #request(flags: number, stream: number, buffer: Buffer, start: number, end: number): void {
    if (this.isActivator) {
      this.connection.send(
        FrameType.ABORT,
        0,
        stream,
        encodeAbort({ code: 'Unauthorized', message: 'invocations need the token of the instance' }),
      );
      return;
    }
    const { head, bodyStart } = readHead(buffer, start, end);
    if (!this.#instance.start()) {
      this.connection.send(FrameType.BUSY, 0, stream);
      return;
    }
    const ended = (flags & Flag.END) !== 0;
    let incoming: IncomingBody | undefined;
    if (!ended || bodyStart < end) {
      incoming = new IncomingBody((bytes) => this.connection.sendNumber(FrameType.CREDIT, stream, bytes));
      incoming.push(buffer.subarray(bodyStart, end), ended);
    }
    const invocation = new Invocation(stream, head.split('\0'), incoming);
    const running = { invocation, outgoing: new Outgoing(this.connection, invocation) };
    this.#running.set(stream, running);
    this.#accepted.push(running);
  }

  #start({ invocation, outgoing }: Running): void {
    run(invocation, outgoing, this.#instance, (failure) => {
      this.#running.delete(invocation.stream);
      if (failure && !invocation.aborted) this.connection.send(FrameType.ABORT, 0, invocation.stream, encodeAbort(failure));
      invocation.over();
      this.#instance.finished();
    });
  }

  #specialize(stream: number, payload: Buffer): void {
    this.#claiming = true;
    void this.#instance.specialize(payload).then((answer) => {
      this.#claiming = false;
      this.connection.send(FrameType.SPECIALIZED, 0, stream, json(answer));
      this.connection.flushNow();
    });
  }

  #drain(stream: number, payload: Buffer): void {
    const drained = this.#instance.drain(payload);
    this.connection.send(FrameType.DRAINED, 0, stream, json({ drained, active: this.#instance.active }));
    this.connection.flushNow();
    if (drained) this.#onDrain();
  }
}
