/** A connection to a port of a pod. Pods share the host's network, so what listens there may be anybody's: only the pod's own counts. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** @param pids of the pod's programs, as the host tells them. Rejects with why there is no connection. */
export async function connectToPod(pids: readonly number[], port: number): Promise<Socket> {
  const inodes = await listening(port);
  if (inodes && !(await isHeldBy(inodes, pids)))
    throw new Error(`failed to connect to localhost:${port} inside the pod: connection refused: nothing in it listens on that port`);
  try {
    return await connected('127.0.0.1', port);
  } catch (first) {
    return connected('::1', port).catch(() => {
      throw new Error(`failed to connect to localhost:${port} inside the pod: ${(first as Error).message}`, { cause: first });
    });
  }
}

function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Inodes of the sockets that listen on the port, on an address that is reached as localhost; undefined where the system does not tell. */
async function listening(port: number): Promise<ReadonlySet<string> | undefined> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => undefined)));
  if (tables.every((table) => table === undefined)) return undefined;
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = tables.flatMap((table) => (table ?? '').trimEnd().split('\n').slice(1));
  // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode; 0A is LISTEN.
  const fields = rows.map((row) => row.trim().split(/\s+/));
  return new Set(fields.filter(([, local, , state]) => state === '0A' && local?.endsWith(wanted)).map((field) => field[9] ?? ''));
}

async function isHeldBy(inodes: ReadonlySet<string>, pids: readonly number[]): Promise<boolean> {
  if (inodes.size === 0) return false;
  for (const pid of await withDescendants(pids)) {
    const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const name of names) {
      const target = await readlink(`/proc/${pid}/fd/${name}`).catch(() => '');
      if (inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')) return true;
    }
  }
  return false;
}

async function withDescendants(pids: readonly number[]): Promise<ReadonlySet<number>> {
  const found = new Set(pids);
  const all = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(parentOf));
  // A set that grows while it is walked: children of children come too.
  for (const pid of found) for (const [child, parent] of all) if (parent === pid) found.add(child);
  return found;
}

async function parentOf(name: string): Promise<readonly [pid: number, parent: number]> {
  const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
  return [Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0)];
}
