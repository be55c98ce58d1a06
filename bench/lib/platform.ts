/** A whole platform as a user starts it (`tsumugi up`), on free ports and a fresh data folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { commandOf, family, freePort, pssMegabytes } from './processes.ts';

const bin = new URL('../../bin/tsumugi.js', import.meta.url).pathname;
const functions = new URL('../functions', import.meta.url).pathname;

export interface Platform {
  /** `http://127.0.0.1:PORT`. */
  readonly gateway: string;
  readonly port: number;
  readonly pid: number;
  /** The data folder. */
  readonly data: string;
  /** Supervisor, control plane and gateways, without pods. */
  own(): number[];
  /** All, pods included. */
  all(): number[];
  /** The Kubernetes API; parsed JSON. Throws unless 2xx. */
  api<T = unknown>(method: string, path: string, body?: object): Promise<T>;
  /** Raw bytes of an answer of the Kubernetes API, not parsed. */
  apiRaw(path: string): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a platform; with the benchmark's functions if `deploy`. */
export async function startPlatform(deploy: boolean): Promise<Platform> {
  const data = mkdtempSync(join(tmpdir(), 'tsumugi-bench-'));
  const ports = await Promise.all(Array.from({ length: 4 }, freePort));
  const child = spawn(process.execPath, [bin, 'up', ...(deploy ? [functions] : [])], {
    cwd: data,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      TSUMUGI_DATA: join(data, 'd'),
      TSUMUGI_PORT: String(ports[0]),
      TSUMUGI_API_PORT: String(ports[1]),
      TSUMUGI_PLATFORM_PORT: String(ports[2]),
      TSUMUGI_METRICS_PORT: String(ports[3]),
    },
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await ready(child);
  const config = parse(readFileSync(join(data, 'd', 'kubeconfig'), 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { token: string } }[];
  };
  const { server, 'certificate-authority-data': ca } = config.clusters[0]!.cluster;
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ca: Buffer.from(ca, 'base64') });
  const send = (method: string, path: string, body?: object): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const outgoing = request(
        server + path,
        {
          method,
          agent,
          headers: {
            authorization: `Bearer ${config.users[0]!.user.token}`,
            ...(text !== undefined && { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const all = Buffer.concat(chunks);
            if (answer.statusCode! < 300) resolve(all);
            else reject(new Error(`${method} ${path}: ${answer.statusCode} ${all.toString().slice(0, 300)}`));
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  return {
    gateway: `http://127.0.0.1:${ports[0]}`,
    port: ports[0]!,
    pid: child.pid!,
    data: join(data, 'd'),
    own: () => family(child.pid!).filter((pid) => pid === child.pid || /src\/processes\/|dist\/processes\//.test(commandOf(pid))),
    all: () => family(child.pid!),
    api: async <T>(method: string, path: string, body?: object) => JSON.parse((await send(method, path, body)).toString()) as T,
    apiRaw: async (path) => (await send('GET', path)).length,
    async stop() {
      agent.destroy();
      child.kill('SIGTERM');
      await exited;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (chunk: Buffer): void => {
      text += chunk.toString();
      if (text.includes('"msg":"ready"')) resolve();
    };
    child.stdout!.on('data', look);
    child.stderr!.on('data', look);
    child.once('close', (code) => reject(new Error(`tsumugi up ended with ${code}:\n${text}`)));
  });
}

/** PSS of the platform without pods, MB. */
export function memory(platform: Platform): { total: number; text: string } {
  const parts = platform.own().map((pid) => ({ name: /processes\/([\w-]+)\./.exec(commandOf(pid))?.[1] ?? 'up', mb: pssMegabytes(pid) }));
  return {
    total: parts.reduce((sum, part) => sum + part.mb, 0),
    text: parts.map((part) => `${part.name} ${part.mb.toFixed(0)}`).join(', '),
  };
}

/** Function objects that answer hello, each with its own source. */
export function helloFunction(name: string, changes: object = {}): object {
  return {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Function',
    metadata: { name },
    spec: { source: { inline: `export default () => 'hello from ${name}';\n` }, ...changes },
  };
}

/** Creates functions and waits until all are Ready. */
export async function createFunctions(platform: Platform, names: readonly string[], changes: object = {}): Promise<void> {
  const path = '/apis/tsumugi.dev/v1/namespaces/default/functions';
  await eachLimited(names, 8, (name) => platform.api('POST', path, helloFunction(name, changes)));
  for (;;) {
    const { items } = await platform.api<{
      items: { metadata: { name: string }; status?: { conditions?: { type: string; status: string }[] } }[];
    }>('GET', path);
    const ready = new Set(
      items
        .filter((item) => item.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'))
        .map((item) => item.metadata.name),
    );
    if (names.every((name) => ready.has(name))) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export async function eachLimited<T>(items: readonly T[], limit: number, work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: limit }, async () => {
      while (next < items.length) await work(items[next++]!);
    }),
  );
}
