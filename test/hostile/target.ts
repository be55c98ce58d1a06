/** A whole platform under attack, with friends that must notice nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'node:http';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { eventually, startPlatform, type TestPlatform } from '../e2e/platform.ts';
import { apiTarget, exchange, type Target } from './http.ts';

export interface Hostiles {
  readonly platform: TestPlatform;
  readonly api: Target;
  readonly gateway: { readonly host: string; readonly port: number };
  readonly apiAt: { readonly host: string; readonly port: number };
  readonly platformApi: { readonly at: { readonly host: string; readonly port: number }; readonly socket: string; readonly token: string };
  /** Paths of the frame sockets of all pods. */
  podSockets(): string[];
  /** After the next warm call: what was answered since the last time, if it was not what it should be. */
  warm(): Promise<readonly string[]>;
  /** Throws unless the same processes run, with no more descriptors than at the start. */
  unharmed(): Promise<void>;
  stop(): Promise<void>;
}

const fds = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Starts it, with a function `hello` that answers its body's length, called all the time. */
export async function startTarget(): Promise<Hostiles> {
  const platform = await startPlatform();
  const connection = await loadConnection({ path: platform.kubeconfig });
  const { token = '' } = await connection.credentials();
  const api = apiTarget(connection.server, { ...(connection.ca && { ca: connection.ca }) }, token);
  // Cases delete all that is in `default`.
  const namespace = { method: 'POST', path: '/api/v1/namespaces', headers: { 'content-type': 'application/json' } };
  await exchange(api, { ...namespace, body: Buffer.from('{"metadata":{"name":"friends"}}') });
  await platform.deploy('hello', 'export default async (request: Request) => `hello ${(await request.text()).length}`;', '-n', 'friends');
  const url = new URL(platform.gateway);
  const agent = new Agent({ keepAlive: true });
  let calls = 0;
  let wrong: string[] = [];
  const stopping = new AbortController();
  const call = (): Promise<string> =>
    new Promise((resolve) => {
      const asked = request({ host: url.hostname, port: url.port, path: '/function/hello.friends', method: 'POST', agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', (error) => resolve(String(error))).on('end', () => resolve(`${response.statusCode} ${text}`));
      });
      asked.on('error', (error) => resolve(String(error)));
      asked.end('12345');
    });
  const first = await call();
  if (first !== '200 hello 5') throw new Error(`the function answers ${first}`);
  const calling = (async () => {
    while (!stopping.signal.aborted) {
      const said = await call();
      calls += 1;
      if (said !== '200 hello 5') wrong.push(said);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const { platform: platformUrl, socket } = JSON.parse(readFileSync(join(platform.data, 'run', 'platform.json'), 'utf8')) as {
    platform: string;
    socket: string;
  };
  const at = (text: string): { host: string; port: number } => ({ host: new URL(text).hostname, port: Number(new URL(text).port) });
  const processes = platform.processes();
  const pids = [processes.controlPlane, ...processes.gateways];
  const atStart = pids.map(fds);
  return {
    platform,
    api,
    gateway: at(platform.gateway),
    apiAt: at(connection.server),
    platformApi: { at: at(platformUrl), socket, token },
    podSockets: () => {
      const folder = join(platform.data, 'run', 'p');
      return readdirSync(folder).map((name) => join(folder, name, 'socket'));
    },
    warm: async () => {
      const before = calls;
      await eventually('a warm call is answered', () => calls > before);
      const said = wrong;
      wrong = [];
      return said;
    },
    unharmed: async () => {
      const now = platform.processes();
      if (JSON.stringify(now) !== JSON.stringify(processes)) throw new Error(`other processes run: ${platform.stderr()}`);
      api.agent.destroy();
      // Connections between the parts come and go; hundreds that stay would be a leak.
      await eventually('descriptors are given back', () => pids.every((pid, index) => fds(pid) <= (atStart[index] as number) + 20), 30);
    },
    stop: async () => {
      stopping.abort();
      await calling;
      agent.destroy();
      api.agent.destroy();
      const code = await platform.stop();
      if (code !== 0) throw new Error(`up ended with ${code}: ${platform.stderr()}`);
    },
  };
}
