/** A real pod for tests: the bundled shim as a child process, and a client that speaks frames to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { build } from 'esbuild';
import type { Specialize, Specialized, Welcome } from '../../../wire/protocol.ts';
import { digestOf, generateSigningKey, prepareSealing, sealSpecialize, signHello } from '../../../wire/seal.ts';
import { Client } from './client.ts';
import { bundleHandler, makeTar } from './package.ts';

export const platform = generateSigningKey();

let bundled: Promise<string> | undefined;

/** The shim as it is shipped: one file. Built once per test file. */
export function bundleShim(): Promise<string> {
  bundled ??= (async () => {
    const outfile = join(mkdtempSync(join(tmpdir(), 'tsumugi-shim-')), 'node.cjs');
    await build({
      entryPoints: [join(import.meta.dirname, '../main.ts')],
      outfile,
      bundle: true,
      format: 'cjs',
      platform: 'node',
      target: 'node24',
      minifySyntax: true,
    });
    return outfile;
  })();
  return bundled;
}

/** Removes the bundle; the next `bundleShim` makes a new one. */
export async function removeShim(): Promise<void> {
  const file = await bundled;
  bundled = undefined;
  if (file) rmSync(dirname(file), { recursive: true, force: true });
}

export interface Pod {
  readonly child: ChildProcess;
  readonly lifeline: Duplex;
  readonly folder: string;
  readonly work: string;
  readonly uid: string;
  readonly address: string;
  /** Everything written to stdout so far. */
  log(): string;
  /** Resolves when the log matches. */
  logged(pattern: RegExp): Promise<string>;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** With a token as a gateway, else as the platform's activator. */
  connect(credentials?: string | Buffer): Promise<{ client: Client; welcome: Welcome }>;
  /** Specialises the pod with a bundle of this source and connects as a gateway. */
  specialize(source: string, options?: Partial<Specialize>): Promise<{ answer: Specialized; client: Client; activator: Client }>;
  stop(): Promise<void>;
}

let counter = 0;

/** Starts a blank shim and assigns it. Stop it in `afterEach`. */
export async function startPod(): Promise<Pod> {
  const shim = await bundleShim();
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-pod-'));
  const work = join(folder, 'work');
  mkdirSync(work);
  const uid = `pod-${++counter}`;
  const path = join(folder, 's');
  const child = spawn(process.execPath, [shim], {
    cwd: work,
    env: { PATH: process.env['PATH'], TSUMUGI_LIFELINE: '3', LEFT_OVER: 'x' },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const lifeline = child.stdio[3] as Duplex;
  let log = '';
  const watchers = new Set<() => void>();
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
    for (const look of watchers) look();
  });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  lifeline.on('error', () => {});
  const messages = lines(lifeline);
  await messages();
  lifeline.write(
    `${JSON.stringify({ assign: { pod: uid, namespace: 'default', name: uid, listen: `unix:${path}`, publicKey: platform.publicKey } })}\n`,
  );
  await messages();

  const clients: Client[] = [];
  const pod: Pod = {
    child,
    lifeline,
    folder,
    work,
    uid,
    address: path,
    log: () => log,
    logged: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!pattern.test(log)) return;
          watchers.delete(look);
          resolve(log);
        };
        watchers.add(look);
        look();
      }),
    exited,
    async connect(credentials = signHello(uid, platform)) {
      const client = new Client(connect(path));
      clients.push(client);
      return { client, welcome: await client.hello(credentials) };
    },
    async specialize(source, options = {}) {
      const { client: activator, welcome } = await pod.connect();
      const head = claim(uid, options);
      const answer = await activator.specialize(seal(head, makeTar(await bundleHandler(source)), welcome));
      const { client } = await pod.connect(head.token);
      return { answer, client, activator };
    },
    async stop() {
      for (const client of clients) client.close();
      lifeline.destroy();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return pod;
}

/** Payload of SPECIALIZE for the pod of this WELCOME. */
export function seal(head: Specialize, tar: Uint8Array, { key }: Welcome, signing = platform): Buffer {
  return sealSpecialize({ ...head, package: digestOf(tar) }, tar, prepareSealing(key), signing);
}

/** A claim for tests; anything of it can be changed. */
export function claim(pod: string, options: Partial<Specialize> = {}): Specialize {
  return {
    pod,
    revisionUid: 'revision-1',
    epoch: 1,
    namespace: 'default',
    function: 'hello',
    revision: 'hello-00001',
    package: '',
    handler: '',
    env: {},
    concurrency: 100,
    timeoutSeconds: 60,
    token: `token-of-${pod}`,
    gatewayUrl: 'http://localhost:8080',
    image: 'tsumugi/node',
    ...options,
  };
}

/** Lines of a stream, one per call. */
function lines(stream: Duplex): () => Promise<string> {
  const ready: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const parts = text.split('\n');
    text = parts.pop()!;
    for (const part of parts) {
      const next = waiting.shift();
      if (next) next(part);
      else ready.push(part);
    }
  });
  return () => new Promise((resolve) => (ready.length > 0 ? resolve(ready.shift()!) : waiting.push(resolve)));
}
