/**
 * Who ran what: each instance holds a connection to here and writes a line before it does anything for a request. What is written is
 * delivered by the kernel even if the instance is killed the moment after; so a request without a line was not begun, and one with two
 * lines was run twice.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A request was begun by a pod. */
export interface Run {
  readonly pod: string;
  /** `performance.now()` here. */
  readonly at: number;
}

export interface Ledger {
  readonly port: number;
  /** Of a request's id: all that began it. */
  runs(id: string): readonly Run[];
  /** When a pod began its first request. */
  firstRunOf(pod: string): number | undefined;
  close(): Promise<void>;
}

export async function openLedger(host: string): Promise<Ledger> {
  const runs = new Map<string, Run[]>();
  const firstRuns = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    createInterface({ input: socket }).on('line', (line) => {
      const [id = '', pod = ''] = line.split(' ');
      const run = { pod, at: performance.now() };
      if (!firstRuns.has(pod)) firstRuns.set(pod, run.at);
      const known = runs.get(id);
      if (known) known.push(run);
      else runs.set(id, [run]);
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    runs: (id) => runs.get(id) ?? [],
    firstRunOf: (pod) => firstRuns.get(pod),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
