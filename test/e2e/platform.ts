/** A whole platform for a test: `tsumugi up` as a user starts it, on free ports and a data folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const bin = resolve('bin/tsumugi.js');

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of `up`'s log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

export interface TestPlatform {
  readonly data: string;
  readonly pid: number;
  readonly gateway: string;
  readonly api: string;
  readonly metrics: string;
  readonly kubeconfig: string;
  /** What `up` wrote to stdout so far. */
  readonly lines: readonly LogLine[];
  /** Everything the processes wrote to stderr. */
  stderr(): string;
  /** A tsumugi command against this platform. */
  tsumugi(...args: string[]): Promise<Run>;
  /** Writes the source to a file of that name and deploys it; throws where that fails. */
  deploy(name: string, source: string, ...flags: string[]): Promise<void>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** pids of the supervisor's children by what they are; pods under `pods`. */
  processes(): { readonly controlPlane: number; readonly gateways: readonly number[] };
  /** SIGTERM; answers the exit code. Removes nothing. */
  stop(): Promise<number | null>;
  /** SIGKILL of the supervisor alone. */
  kill(): Promise<void>;
  exited(): boolean;
}

export interface StartOptions {
  readonly dir?: string;
  /** Default: a new one, removed by `cleanUp`. */
  readonly data?: string;
  readonly args?: readonly string[];
}

const folders: string[] = [];
const running = new Set<ChildProcess>();

/** A folder that `cleanUp` removes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-e2e-'));
  folders.push(folder);
  return folder;
}

/** Ends what still runs and removes the folders: for afterAll. */
export async function cleanUp(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const ended = new Promise((done) => child.once('close', done));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    }),
  );
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** The environment of a user who has no platform yet: nothing of ours, no kubeconfig. */
export function cleanEnv(): NodeJS.ProcessEnv {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('TSUMUGI_') && !name.startsWith('VITEST') && name !== 'NODE_OPTIONS' && name !== 'KUBECONFIG',
    ),
  );
  return { ...env, NO_COLOR: '1' };
}

/** Runs a tsumugi command to its end. */
export function tsumugi(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {}): Promise<Run> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: options.cwd, env: { ...cleanEnv(), ...options.env }, stdio: 'pipe' });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  return new Promise((done) => {
    child.once('close', (code) => {
      running.delete(child);
      done({ code, stdout, stderr });
    });
  });
}

/** Starts a platform and waits until it says that it is ready; throws with its output when it ends before. */
export async function startPlatform(options: StartOptions = {}): Promise<TestPlatform> {
  const data = options.data ?? join(temporaryFolder(), 'data');
  const ports = ['--port', '0', '--api-port', '0', '--platform-port', '0', '--metrics-port', '0'];
  const child = spawn(
    process.execPath,
    [bin, 'up', ...(options.dir === undefined ? [] : [options.dir]), '--data', data, ...ports, ...(options.args ?? [])],
    {
      env: cleanEnv(),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  running.add(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const lines: LogLine[] = [];
  const closed = new Promise<number | null>((done) => {
    child.once('close', (code) => {
      running.delete(child);
      done(code);
    });
  });
  const ready = await new Promise<LogLine>((found, failed) => {
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line: LogLine = text.startsWith('{') ? (JSON.parse(text) as LogLine) : { msg: text };
      lines.push(line);
      if (line.msg === 'ready') found(line);
    });
    void closed.then((code) =>
      failed(new Error(`up ended with ${code} before it was ready:\n${lines.map((line) => JSON.stringify(line)).join('\n')}\n${errors}`)),
    );
  });
  const gateway = String(ready['gateway']);
  const run = (...args: string[]): Promise<Run> => tsumugi(args, { env: { TSUMUGI_DATA: data } });
  const sources = temporaryFolder();
  return {
    data,
    pid: child.pid ?? 0,
    gateway,
    api: String(ready['api']),
    metrics: String(ready['metrics']),
    kubeconfig: String(ready['kubeconfig']),
    lines,
    stderr: () => errors,
    tsumugi: run,
    deploy: async (name, source, ...flags) => {
      const file = join(sources, `${name}.ts`);
      writeFileSync(file, source);
      const result = await run('deploy', file, ...flags);
      if (result.code !== 0) throw new Error(`deploy ${name}: ${result.stderr}`);
    },
    fetch: (path, init) =>
      fetch(gateway + path, { ...init, headers: { connection: 'close', ...(init?.headers as Record<string, string> | undefined) } }),
    processes: () => childrenOf(child.pid ?? 0),
    stop: () => {
      child.kill('SIGTERM');
      return closed;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
    exited: () => child.exitCode !== null || child.signalCode !== null,
  };
}

interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All processes of the machine, from /proc. Zombies are no processes. */
export function allProcesses(): readonly ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return state === 'Z'
          ? []
          : [{ pid: Number(name), parent: Number(parent), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') }];
      } catch {
        return [];
      }
    });
}

function childrenOf(pid: number): { controlPlane: number; gateways: number[] } {
  const children = allProcesses().filter((each) => each.parent === pid);
  const find = (role: string): number[] => children.filter((each) => each.command.includes(`processes/${role}.`)).map((each) => each.pid);
  return { controlPlane: find('control-plane')[0] ?? 0, gateways: find('gateway') };
}

/** A process and all beneath it. */
export function descendantsOf(pid: number): readonly ProcessInfo[] {
  const all = allProcesses();
  const found = all.filter((each) => each.pid === pid);
  for (const { pid: parent } of found) found.push(...all.filter((each) => each.parent === parent));
  return found;
}

/** Those that still live with the command they had: a recycled pid is another process. */
export function survivors(processes: readonly ProcessInfo[]): readonly ProcessInfo[] {
  const now = new Map(allProcesses().map((each) => [each.pid, each.command]));
  return processes.filter((each) => now.get(each.pid) === each.command);
}

/** Asks again until the answer is true; throws with `what` after `seconds`. */
export async function eventually(what: string, check: () => unknown, seconds = 15): Promise<void> {
  const end = performance.now() + seconds * 1000;
  let last: unknown;
  while (performance.now() < end) {
    try {
      if (await check()) return;
    } catch (error) {
      last = error;
    }
    await sleep(25);
  }
  throw new Error(`not within ${seconds} s: ${what}`, { cause: last });
}
