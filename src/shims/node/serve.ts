import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { FrameType } from '../../wire/protocol.ts';
import { doorOf } from './door.ts';
import { type Assignment, Instance } from './instance.ts';
import { Peer } from './peer.ts';

/** STATS go out at most this often (ms). */
const STATS_EVERY = 1000;

export interface Serving {
  readonly instance: Instance;
  /** No new work; calls `stopped` when the last invocation is over and its answer is on its way. */
  drain(reason: string): void;
}

/** Listens for gateways and activators. `stopped` is called once, after a drain. Rejects when the address cannot be taken. */
export async function serve(assignment: Assignment, stopped: () => void): Promise<Serving> {
  const instance = new Instance(assignment);
  const peers = new Set<Peer>();
  let statsTimer: NodeJS.Timeout | undefined;

  const sendStats = (): void => {
    statsTimer = undefined;
    const payload = Buffer.from(JSON.stringify(instance.stats()));
    for (const peer of peers) if (peer.isActivator) peer.connection.send(FrameType.STATS, 0, 0, payload);
  };

  let over = false;
  const stopIfDone = (): void => {
    if (over || !instance.draining || instance.active > 0) return;
    over = true;
    server.close();
    let waiting = peers.size;
    if (waiting === 0) stopped();
    for (const peer of peers) {
      peer.connection.socket.once('close', () => {
        if (--waiting === 0) stopped();
      });
      peer.connection.end();
    }
  };

  const drain = (reason: string): void => {
    if (instance.draining) return;
    instance.draining = true;
    for (const peer of peers) peer.goAway(reason);
    // The answers of this turn go out first.
    setImmediate(stopIfDone);
  };

  instance.onChange = () => {
    statsTimer ??= setTimeout(sendStats, STATS_EVERY).unref();
    if (instance.draining) setImmediate(stopIfDone);
  };

  instance.onSpent = () => drain('it serves one request');
  instance.watch(() => {
    for (const peer of peers) peer.claimChanged();
  });

  const server = createServer(
    doorOf(instance, (role, socket) => {
      peers.add(new Peer(socket, instance, { role, closed: (gone) => peers.delete(gone), drain: () => drain('idle') }));
    }),
  );
  await listen(server, assignment.listen);
  return { instance, drain };
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const ready = (): void => {
      server.off('error', reject);
      resolve();
    };
    if (address.startsWith('unix:')) {
      const path = address.slice('unix:'.length);
      rmSync(path, { force: true });
      server.listen(path, ready);
      return;
    }
    const match = /^tcp:(.*):(\d+)$/.exec(address);
    if (!match) throw new Error(`cannot listen on "${address}": neither unix:/path nor tcp:host:port`);
    server.listen(Number(match[2]), match[1], ready);
  });
}
