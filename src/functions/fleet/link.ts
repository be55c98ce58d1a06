/**
 * The control connection to one pod's shim, kept as long as the pod lives: it specialises the pod, hears how busy it is, asks it
 * to stop, and notices at once when it dies.
 */
import { connect, type Socket } from 'node:net';

import { toError, TsumugiError } from '../../base/errors.ts';
import { FrameConnection } from '../../wire/connection.ts';
import { FrameType, type Specialize, type Specialized, type Tokens, VERSION, type Welcome } from '../../wire/protocol.ts';
import { type KeyPair, prepareSealing, type Sealing, sealSpecialize, sealTokens, signDrain, signHello } from '../../wire/seal.ts';

export interface Stats {
  /** Invocations running now. */
  readonly active: number;
  /** Invocations since the pod was specialised. */
  readonly served: number;
  /** How long nothing has been running. */
  readonly idleMs: number;
}

export interface LinkEvents {
  /** The pod says anew whose it is: another activator's claim was taken, its code is there, or cannot be loaded. */
  claimed(welcome: Welcome): void;
  stats(stats: Stats): void;
  /** The pod takes no new work any more. */
  goingAway(reason: string): void;
  /** The last: the connection is over. */
  closed(error: Error | undefined): void;
}

/** Connects and says HELLO to the pod of this uid; resolves with its WELCOME. Rejects with Unavailable when nobody answers so. */
export async function openLink(address: string, uid: string, key: KeyPair, events: LinkEvents, timeoutMs = 5000): Promise<PodLink> {
  const link = new PodLink(openSocket(address), uid, key, events);
  try {
    await within(link.welcomed, timeoutMs, `the pod at ${address} did not answer HELLO`);
    return link;
  } catch (error) {
    link.close();
    throw error;
  }
}

export class PodLink {
  /** Resolves with the answer to HELLO. */
  readonly welcomed: Promise<Welcome>;
  readonly #connection: FrameConnection;
  readonly #key: KeyPair;
  readonly #events: LinkEvents;
  readonly #welcome = Promise.withResolvers<Welcome>();
  #specialized: PromiseWithResolvers<Specialized> | undefined;
  #drained: PromiseWithResolvers<{ drained: boolean }> | undefined;
  #known: Welcome | undefined;
  /** Made when there is time: a quarter of a millisecond that a cold start does not wait for. */
  #sealing: Sealing | undefined;
  /** When a PING was sent that has no PONG yet, `performance.now()`. */
  #unanswered: number | undefined;

  constructor(socket: Socket, uid: string, key: KeyPair, events: LinkEvents) {
    this.#key = key;
    this.#events = events;
    this.welcomed = this.#welcome.promise;
    // Whoever opened it may have given up waiting.
    this.welcomed.catch(() => undefined);
    this.#connection = new FrameConnection(socket, {
      frame: (type, _flags, _stream, buffer, start, end) => this.#frame(type, buffer.subarray(start, end)),
      closed: (error) => this.#closed(error),
    });
    this.#connection.send(FrameType.HELLO, 0, 0, signHello(uid, key));
    this.#connection.flushNow();
  }

  get open(): boolean {
    return this.#connection.open;
  }

  /** Sealed to this pod and signed. The answer may be a refusal; rejects with Unavailable when the pod dies or is silent. */
  async specialize(head: Omit<Specialize, 'pod'>, packageTar: Uint8Array, timeoutMs: number): Promise<Specialized> {
    const { pod, key } = this.#welcomeOrThrow();
    this.#specialized ??= Promise.withResolvers();
    const sealing = this.#sealing ?? prepareSealing(key);
    this.#sealing = undefined;
    this.#connection.send(FrameType.SPECIALIZE, 0, 0, sealSpecialize({ pod, ...head }, packageTar, sealing, this.#key));
    this.#connection.flushNow();
    return within(this.#specialized.promise, timeoutMs, `the pod did not load the function within ${timeoutMs / 1000} s`);
  }

  /** New tokens for the code that runs there. Throws Unavailable when the connection is gone. */
  renew(tokens: Tokens): void {
    const { pod, key } = this.#welcomeOrThrow();
    this.#connection.send(FrameType.CREDENTIALS, 0, 0, sealTokens(tokens, pod, prepareSealing(key), this.#key));
    this.#connection.flushNow();
  }

  /** Asks the pod to stop if it has been idle for so long (0: whatever it does, after what runs). False: it has worked since. */
  async drain(idleMs: number, timeoutMs = 5000): Promise<boolean> {
    const { pod } = this.#welcomeOrThrow();
    if (!this.#drained) {
      this.#drained = Promise.withResolvers();
      this.#connection.send(FrameType.DRAIN, 0, 0, signDrain(pod, idleMs, this.#key));
    }
    return (await within(this.#drained.promise, timeoutMs, 'the pod did not answer DRAIN')).drained;
  }

  /** Milliseconds for which the pod has left a PING unanswered (0: none is open); sends one if none is. */
  ping(): number {
    if (this.#unanswered !== undefined) return performance.now() - this.#unanswered;
    this.#unanswered = performance.now();
    this.#connection.send(FrameType.PING, 0, 0);
    return 0;
  }

  close(): void {
    this.#connection.destroy();
  }

  #frame(type: number, payload: Buffer): void {
    if (type === FrameType.WELCOME) {
      const isFirst = this.#known === undefined;
      this.#known = parse(payload) as Welcome;
      if (this.#known.version !== VERSION)
        throw new TsumugiError('Unavailable', `the pod speaks version ${this.#known.version} of the protocol, not ${VERSION}`);
      if (isFirst) {
        if (!this.#known.claim) this.#sealing = prepareSealing(this.#known.key);
        this.#welcome.resolve(this.#known);
      } else this.#events.claimed(this.#known);
    } else if (type === FrameType.SPECIALIZED) this.#specialized?.resolve(parse(payload) as Specialized);
    else if (type === FrameType.STATS) this.#events.stats(parse(payload) as Stats);
    else if (type === FrameType.PONG) this.#unanswered = undefined;
    else if (type === FrameType.GOAWAY) this.#events.goingAway(payload.toString());
    else if (type === FrameType.DRAINED) {
      this.#drained?.resolve(parse(payload) as { drained: boolean });
      this.#drained = undefined;
    }
  }

  #closed(error: Error | undefined): void {
    const gone = new TsumugiError('Unavailable', `the pod's connection closed${error ? `: ${error.message}` : ''}`, { cause: error });
    for (const waiting of [this.#welcome, this.#specialized, this.#drained]) waiting?.reject(gone);
    this.#events.closed(error);
  }

  #welcomeOrThrow(): Welcome {
    if (!this.#known || !this.open) throw new TsumugiError('Unavailable', 'the pod is not connected');
    return this.#known;
  }
}

/** `unix:/path` or `tcp:host:port`. */
function openSocket(address: string): Socket {
  const unix = /^unix:(.+)$/.exec(address)?.[1];
  if (unix) return connect({ path: unix });
  const [, host, port] = /^tcp:(.+):(\d+)$/.exec(address) ?? [];
  if (!host) throw new TsumugiError('Internal', `"${address}" is no address of a pod`);
  return connect({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
}

function parse(payload: Buffer): unknown {
  return JSON.parse(payload.toString('utf8'));
}

async function within<T>(promise: Promise<T>, ms: number, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TsumugiError('Unavailable', otherwise)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } catch (error) {
    throw toError(error);
  } finally {
    clearTimeout(timer);
  }
}
