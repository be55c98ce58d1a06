/**
 * A port that the supervisor holds while gateways come and go: it never accepts, the gateway listens on the same socket. Between the end
 * of one gateway and the start of the next, connections wait in the kernel's queue, and none is refused.
 */
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import { TsumugiError } from '../base/errors.ts';

export interface HeldPort {
  /** For the child that is to listen. */
  readonly fd: number;
  /** The port is free again as soon as no gateway listens any more. May be called again. */
  release(): void;
}

/** Undefined where this Node cannot: then the gateway binds the port itself. Rejects with Conflict when the port is taken. */
export async function holdPort(options: {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
}): Promise<HeldPort | undefined> {
  // The oldest Node that we run on has none.
  const { BoundSocket } = net as { readonly BoundSocket?: typeof net.BoundSocket };
  if (BoundSocket === undefined) return undefined;
  const { address: host } = await lookup(options.host);
  const socket = bind(() => new BoundSocket({ ...options, host }), options);
  const fd = socket.fd();
  let isHeld = true;
  const release = (): void => {
    if (isHeld) socket.close();
    isHeld = false;
  };
  if (fd >= 0) return { fd, release };
  release();
  return undefined;
}

function bind<T>(work: () => T, { host, port }: { readonly host: string; readonly port: number }): T {
  try {
    return work();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new TsumugiError('Conflict', `port ${port} on ${host} is taken`, {
      hint: 'stop what listens there, or choose another port',
      cause,
    });
  }
}
