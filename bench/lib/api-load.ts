/** Load on a Kubernetes API server, ours or a real one: the same client for both. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { eachLimited } from './platform.ts';
import { quantile } from './stats.ts';

interface Access {
  readonly server: string;
  readonly ca?: string | undefined;
  readonly token?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

const connections = 16;

export class ApiLoad {
  /** Of the server's process; 0: not known. */
  readonly pid: number;
  readonly #access: Access;
  readonly #agent: Agent;
  readonly #stop: () => Promise<void>;

  constructor(access: Access, pid = 0, stop: () => Promise<void> = async () => {}) {
    const { ca, cert, key } = access;
    this.pid = pid;
    this.#access = access;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
    this.#stop = stop;
  }

  #options(method: string, path: string, agent: Agent): [URL, RequestOptions] {
    const { server, token } = this.#access;
    const headers = { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    return [new URL(path, server), { method, agent, headers }];
  }

  /** The answer's bytes. Throws unless 2xx. */
  send(method: string, path: string, body?: object): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(...this.#options(method, path, this.#agent), (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
        answer.on('end', () => {
          const all = Buffer.concat(chunks);
          if (answer.statusCode! < 300) resolve(all);
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${all.toString('utf8', 0, 300)}`));
        });
      });
      outgoing.on('error', reject);
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      if (body) outgoing.setHeader('content-type', type).end(JSON.stringify(body));
      else outgoing.end();
    });
  }

  /** How many a second, all connections busy. */
  async rate(seconds: number, one: (n: number) => Promise<unknown>): Promise<number> {
    let n = 0;
    const from = performance.now();
    const end = from + seconds * 1000;
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (performance.now() < end) await one(n++);
      }),
    );
    return n / ((performance.now() - from) / 1000);
  }

  /** Creates objects at a path until there are so many. */
  fill(path: string, count: number, make: (n: number) => object): Promise<void> {
    return eachLimited(
      Array.from({ length: count }, (_, n) => n),
      connections,
      (n) => this.send('POST', path, make(n)),
    );
  }

  /**
   * Watchers of a collection, each on a connection of its own, while `write` is called `perSecond` times a second: each time from the
   * write's sending until a watcher has the event, ms. Objects carry the number of their write in the label `n`.
   */
  async fanOut(
    path: string,
    watchers: number,
    { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
    write: (n: number) => Promise<unknown>,
  ): Promise<number[]> {
    const { resourceVersion } = (
      JSON.parse((await this.send('GET', `${path}?limit=1`)).toString()) as { metadata: { resourceVersion: string } }
    ).metadata;
    const sent = new Map<string, number>();
    const times: number[] = [];
    const watching = await Promise.all(
      Array.from({ length: watchers }, () =>
        this.#watch(`${path}?watch=true&resourceVersion=${resourceVersion}`, (n) => {
          const at = sent.get(n);
          if (at !== undefined) times.push(performance.now() - at);
        }),
      ),
    );
    const count = Math.round(perSecond * seconds);
    const from = performance.now();
    const writes: Promise<unknown>[] = [];
    for (let n = 0; n < count; n++) {
      const wait = from + (n * 1000) / perSecond - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      sent.set(String(n), performance.now());
      writes.push(write(n));
    }
    await Promise.all(writes);
    const deadline = performance.now() + 10_000;
    while (times.length < count * watchers && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const socket of watching) socket.destroy();
    if (times.length < count * watchers) throw new Error(`${count * watchers - times.length} of ${count * watchers} events did not come`);
    return times;
  }

  /**
   * A watch on a connection of its own; `seen` gets the label `n` of each event. It parses neither HTTP nor JSON: a hundred such watchers
   * share this process with who writes, and what they do with an event is waited for by the next one's.
   */
  async #watch(path: string, seen: (n: string) => void): Promise<TLSSocket> {
    const { server, token, ca, cert, key } = this.#access;
    const { hostname: host, port } = new URL(server);
    let rest = '';
    const socket = connect({ host, port: Number(port), ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
    socket
      .setEncoding('latin1')
      .write(
        `GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: application/json\r\n${token ? `authorization: Bearer ${token}\r\n` : ''}\r\n`,
      );
    const [head] = (await once(socket, 'data')) as [string];
    if (!head.startsWith('HTTP/1.1 200')) throw new Error(`watch ${path}: ${head.slice(0, 300)}`);
    // It ends by being cut.
    socket.on('error', () => {});
    return socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const n = /"n":"([^"]+)"/.exec(line)?.[1];
        if (n !== undefined) seen(n);
      }
    });
  }

  /** ms until the whole list has come, and its bytes. */
  async list(path: string): Promise<{ ms: number; bytes: number }> {
    const from = performance.now();
    const { length } = await this.send('GET', path);
    return { ms: performance.now() - from, bytes: length };
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.#stop();
  }
}

export const p99 = (times: readonly number[]): number => quantile(times, 0.99);

/** Our API in a process of its own, on a fresh data folder. */
export async function ourApi(durability: 'full' | 'normal'): Promise<ApiLoad> {
  const data = mkdtempSync(join(tmpdir(), 'tsumugi-bench-api-'));
  const child = fork(new URL('api-process.ts', import.meta.url).pathname, [data, durability]);
  const [access] = (await once(child, 'message')) as [Access];
  return new ApiLoad(access, child.pid, async () => {
    child.disconnect();
    await once(child, 'exit');
    rmSync(data, { recursive: true, force: true });
  });
}

/** A real API server that runs. */
export async function realApi(kubeconfig: string): Promise<ApiLoad> {
  const connection = await loadConnection({ path: kubeconfig });
  const { token, certificate: cert, key } = await connection.credentials();
  return new ApiLoad({ server: connection.server, ca: connection.ca, token, cert, key });
}
