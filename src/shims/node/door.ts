import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { readUint32 } from '../../wire/frames.ts';
import { FrameType, HEADER_BYTES, MAX_HELLO, VERSION } from '../../wire/protocol.ts';
import type { Instance } from './instance.ts';

/** Who has come: a gateway, with the instance's token, or an activator, with the platform's signature for this pod. */
export type Role = 'gateway' | 'activator';

/** How long somebody unknown may stand at the door (ms). */
const PATIENCE = 5000;

/**
 * How many unknown may stand there at once. One more, and the oldest has to go: whoever belongs here says so with its first packet and is
 * inside before so many others have come; a flood drops itself. If the newest were refused, a flood would keep everybody out.
 */
const CROWD = 128;

/** How long a gateway may be ahead of the claim that makes this pod its instance (ms). */
const CLAIM_WAIT = 1000;

interface Limits {
  readonly patience?: number;
  readonly claimWait?: number;
  readonly crowd?: number;
}

/** The one door of an instance: give it every new connection. */
export function doorOf(instance: Instance, admit: (role: Role, socket: Socket) => void, limits: Limits = {}): (socket: Socket) => void {
  const { crowd = CROWD } = limits;
  const unknown = new Set<Socket>();
  return (socket) => {
    const [oldest] = unknown;
    if (oldest && unknown.size >= crowd) {
      unknown.delete(oldest);
      oldest.destroy();
    }
    unknown.add(socket);
    openDoor(socket, instance, { known: () => unknown.delete(socket), admit: (role) => admit(role, socket) }, limits);
  };
}

/**
 * Reads one HELLO from a new connection and nothing more; calls `admit` once it is known that it may be served, with the socket paused
 * behind HELLO. Everybody else is cut off without a word, because every pod of the cluster can reach this port. `known` is called when
 * it is known who it is, or it has gone.
 */
function openDoor(
  socket: Socket,
  instance: Instance,
  { known, admit }: { readonly known: () => void; readonly admit: (role: Role) => void },
  { patience = PATIENCE, claimWait = CLAIM_WAIT }: Limits,
): void {
  let held: Buffer | undefined;
  let unwatch: (() => void) | undefined;
  let timer = setTimeout(() => socket.destroy(), patience).unref();

  const leave = (): void => {
    clearTimeout(timer);
    unwatch?.();
    known();
  };

  const enter = (role: Role): void => {
    leave();
    if (socket.destroyed) return;
    socket.off('error', ignore).off('close', leave);
    admit(role);
    socket.resume();
  };

  const read = (chunk: Buffer): void => {
    held = held ? Buffer.concat([held, chunk]) : chunk;
    if (held.length < HEADER_BYTES) return;
    const end = HEADER_BYTES + readUint32(held, 0);
    if (held[4] !== VERSION || held[5] !== FrameType.HELLO || end > MAX_HELLO) return void socket.destroy();
    if (held.length < end) return;
    socket.off('data', read).pause();
    if (held.length > end) socket.unshift(held.subarray(end));
    const { token, signature } = credentials(held.subarray(HEADER_BYTES, end));
    if (typeof token === 'string') awaitGateway(token);
    else if (typeof signature === 'string' && instance.isPlatforms(signature)) enter('activator');
    else socket.destroy();
  };

  /** It may come while the code is still being loaded, or a moment before the claim: it is let in when it can be served. */
  const awaitGateway = (token: string): void => {
    let isKnown = false;
    const look = (): void => {
      const { claim } = instance;
      if (!claim) return;
      if (instance.failed || !same(token, claim.token)) return void socket.destroy();
      if (instance.loaded) return enter('gateway');
      if (isKnown) return;
      isKnown = true;
      clearTimeout(timer);
      known();
    };
    if (!instance.claim) {
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), claimWait).unref();
    }
    unwatch = instance.watch(look);
    look();
  };

  socket.on('error', ignore).on('close', leave).on('data', read);
}

const ignore = (): void => {};

function credentials(payload: Buffer): { token?: unknown; signature?: unknown } {
  try {
    return (JSON.parse(payload.toString()) as object | null) ?? {};
  } catch {
    return {};
  }
}

function same(shown: string, known: string): boolean {
  const [a, b] = [Buffer.from(shown), Buffer.from(known)];
  return known !== '' && a.length === b.length && timingSafeEqual(a, b);
}
