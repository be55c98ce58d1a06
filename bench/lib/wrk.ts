import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface WrkResult {
  readonly requests: number;
  readonly perSecond: number;
  /** us. */
  readonly p50: number;
  readonly p99: number;
  /** Status -> count; only with `statuses`. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Connect, read, write and time-out errors of sockets. */
  readonly socketErrors: number;
}

export interface WrkOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Counts statuses, which costs wrk some time. */
  readonly statuses?: boolean;
}

const script = new URL('./statuses.lua', import.meta.url).pathname;

/** Runs wrk (Debian: `apt-get install wrk`) with one thread. */
export async function wrk({ url, connections, seconds, statuses = false }: WrkOptions): Promise<WrkResult> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '60s', '--latency', ...(statuses ? ['-s', script] : []), url];
  const { stdout } = await promisify(execFile)('wrk', args).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error('wrk is not installed: apt-get install wrk') : error;
  });
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout);
  return {
    requests: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50: time(/ 50%\s+(\S+)/.exec(stdout)?.[1]),
    p99: time(/ 99%\s+(\S+)/.exec(stdout)?.[1]),
    statuses: new Map([...stdout.matchAll(/^status (\d+) (\d+)$/gm)].map(([, status, count]) => [Number(status), Number(count)])),
    socketErrors: errors ? errors.slice(1).reduce((sum, text) => sum + Number(text), 0) : 0,
  };
}

function time(text = ''): number {
  const [, value, unit] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? [];
  return Number(value) * (unit === 's' ? 1e6 : unit === 'ms' ? 1e3 : 1);
}
