/** An instance whose every move the test decides: it speaks the frame protocol over a real unix socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FrameConnection } from '../../wire/connection.ts';
import { decodeAbort, readHead } from '../../wire/frames.ts';
import { Flag, FrameType } from '../../wire/protocol.ts';
import type { InstanceEntry } from '../projection.ts';

/** A REQUEST that arrived, and what the instance may do with it. */
export interface Arrived {
  readonly instance: TestInstance;
  readonly stream: number;
  readonly fields: readonly string[];
  readonly requestId: string;
  /** Body bytes so far. */
  body: Buffer;
  ended: boolean;
  aborted: string | undefined;
  accept(): void;
  /** Accepts and answers. */
  respond(body?: string, status?: number): void;
  busy(): void;
  send(type: number, flags: number, payload?: Buffer): void;
  credit(bytes: number): void;
}

export class TestInstance {
  readonly entry: InstanceEntry;
  readonly arrived: Arrived[] = [];
  /** Credit that the client gave back, in all. */
  credited = 0;
  answersPing = true;
  /** Until `greet`, HELLO is left without an answer. */
  greets = true;
  pings = 0;
  /** Called for each REQUEST. */
  onRequest: (request: Arrived) => void = () => {};
  readonly #folder = mkdtempSync(join(tmpdir(), 'inst-'));
  readonly #server = createServer((socket) => this.#accept(socket));
  readonly #connections = new Set<FrameConnection>();
  readonly #watchers = new Set<() => void>();

  constructor(id: string, changes: Partial<InstanceEntry> = {}) {
    this.entry = {
      kind: 'instance',
      id,
      pod: id,
      revisionUid: 'rev-1',
      address: `unix:${join(this.#folder, 's')}`,
      token: `t-${id}`,
      concurrency: 10,
      ...changes,
    };
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.entry.address.slice(5), resolve));
    return this;
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

  get connected(): number {
    return this.#connections.size;
  }

  /** As if the process had been killed: the kernel closes its sockets. */
  breakConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  greet(): void {
    this.greets = true;
    for (const connection of this.#connections) connection.send(FrameType.WELCOME, 0, 0, Buffer.from('{}'));
  }

  goAway(): void {
    for (const connection of this.#connections) connection.send(FrameType.GOAWAY, 0, 0, Buffer.from('draining'));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.breakConnections();
    });
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #accept(socket: Socket): void {
    const running = new Map<number, Arrived>();
    const connection: FrameConnection = new FrameConnection(socket, {
      frame: (type, flags, stream, buffer, start, end) => {
        const ended = (flags & Flag.END) !== 0;
        const request = running.get(stream);
        if (type === FrameType.REQUEST) {
          const { head, bodyStart } = readHead(buffer, start, end);
          const one = this.#arrivedOn(connection, stream, head.split('\0'), buffer.subarray(bodyStart, end), ended);
          running.set(stream, one);
          this.arrived.push(one);
          this.onRequest(one);
        } else if (type === FrameType.DATA && request) {
          request.body = Buffer.concat([request.body, buffer.subarray(start, end)]);
          request.ended ||= ended;
        } else if (type === FrameType.ABORT && request) request.aborted = decodeAbort(buffer, start, end).code;
        else if (type === FrameType.CREDIT) this.credited += buffer.readUInt32BE(start);
        else if (type === FrameType.HELLO && this.greets) connection.send(FrameType.WELCOME, 0, 0, Buffer.from('{}'));
        else if (type === FrameType.PING) {
          this.pings++;
          if (this.answersPing) connection.send(FrameType.PONG, 0, 0);
        }
      },
      chunk: () => this.#look(),
      closed: () => {
        this.#connections.delete(connection);
        this.#look();
      },
    });
    this.#connections.add(connection);
  }

  #arrivedOn(connection: FrameConnection, stream: number, fields: string[], body: Buffer, ended: boolean): Arrived {
    const request: Arrived = {
      instance: this,
      stream,
      fields,
      requestId: fields[2]!,
      body,
      ended,
      aborted: undefined,
      accept: () => {
        connection.sendNumber(FrameType.ACCEPTED, 0, stream);
        connection.flushNow();
      },
      respond(text = '', status = 200) {
        request.accept();
        connection.sendHead(FrameType.RESPONSE, Flag.END, stream, `${status}\0content-type\0text/plain`, Buffer.from(text));
      },
      busy: () => void connection.send(FrameType.BUSY, 0, stream),
      send: (type, flags, payload) => void connection.send(type, flags, stream, payload),
      credit: (bytes) => connection.sendNumber(FrameType.CREDIT, stream, bytes),
    };
    return request;
  }

  #look(): void {
    for (const look of this.#watchers) look();
  }
}
