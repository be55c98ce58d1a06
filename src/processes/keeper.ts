/** The supervisor's side: keeps one process of the platform running. */
import { fork, type ChildProcess } from 'node:child_process';
import module from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TsumugiError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { FromSupervisor, ToSupervisor } from './messages.ts';

export interface KeeperOptions {
  /** As in logs and metrics: `control-plane`, `gateway-0`. */
  readonly name: string;
  /** File name without extension, beside this one: sources run as .ts, the published package as .js. */
  readonly module: string;
  readonly settings: object;
  readonly log: Log;
  /** On a terminal the process's log goes through here; elsewhere it writes to our stderr itself. */
  readonly onLine?: (line: string) => void;
  /** A socket that the process inherits, as its file descriptor `inheritedFd`. */
  readonly fd?: number | undefined;
  /** Called with each new process before it says anything: to serve it more than the messages of `messages.ts`. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Where the process finds it: behind its standard streams and the channel. */
export const inheritedFd = 4;

/** Waits this long before a process that died is started again: the first time at once, then longer while it keeps dying. */
const backoffMs = [0, 100, 500, 1000, 2000, 5000];
/** A process that ran so long counts as healthy: the next death starts the backoff anew. */
const healthyMs = 10_000;

/**
 * Bodies pass through a gateway in buffers outside its small heap, and V8 counts them: without room from the start it marks the whole
 * heap once per 10 MB (measured: half of the gateway's CPU). The larger young space spares requests in flight from being copied.
 */
const v8Options: Readonly<Record<string, readonly string[]>> = {
  gateway: ['--initial-old-space-size=64', '--min-semi-space-size=8'],
};

/** Forks a process, starts it again when it dies, and ends it when told to. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #asked = new Map<number, (text: string) => void>();
  #child: ChildProcess | undefined;
  #waitFor: readonly string[] | undefined;
  #deaths = 0;
  #nextId = 1;
  #again: NodeJS.Timeout | undefined;
  #ending = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when the process says that it is ready, with its warnings; rejects with its reason when it cannot start at all. Later deaths are mended. */
  start(): Promise<readonly string[]> {
    return new Promise((resolve, reject) => this.#fork(resolve, reject));
  }

  #fork(onReady: (warnings: readonly string[]) => void, onFailed: (error: Error) => void): void {
    const { name, log, settings, fd, onStart, onLine } = this.#options;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const cache = module.getCompileCacheDir?.();
    const startedAt = Date.now();
    const onTerminal = process.stdout.isTTY && onLine !== undefined;
    const child = fork(
      fileURLToPath(new URL(`./${this.#options.module}.${extension}`, import.meta.url)),
      [JSON.stringify({ ...settings, ...(this.#waitFor ? { waitFor: this.#waitFor } : {}) })],
      {
        execArgv: [...(v8Options[this.#options.module] ?? [])],
        env: {
          ...process.env,
          ...(cache ? { NODE_COMPILE_CACHE: cache } : {}),
          ...(onTerminal ? { TSUMUGI_LOG_LEVEL: process.env['TSUMUGI_LOG_LEVEL'] ?? 'warn' } : {}),
        },
        stdio: ['ignore', 'inherit', onTerminal ? 'pipe' : 'inherit', 'ipc', ...(fd === undefined ? [] : [fd])],
      },
    );
    if (child.stderr && onLine)
      createInterface({ input: child.stderr })
        .on('line', onLine)
        .on('error', () => undefined);
    this.#child = child;
    onStart?.(child);
    let failure: Error | undefined;
    let isReady = false;
    child.on('message', (message: ToSupervisor) => {
      if (message.type === 'ready') {
        isReady = true;
        log.debug({ process: name, pid: child.pid, ms: Date.now() - startedAt }, 'ready');
        onReady(message.warnings);
      } else if (message.type === 'failed') {
        failure = new TsumugiError(message.error.code, message.error.message, message.error.hint ? { hint: message.error.hint } : {});
      } else if (message.type === 'answer') {
        this.#asked.get(message.id)?.(message.text);
        this.#asked.delete(message.id);
      }
    });
    child.on('error', (error) => {
      failure ??= error;
    });
    this.#ended = new Promise((resolve) => {
      // `close`, not `exit`: what it said last has been heard. A process that could not be spawned has no exit.
      child.on('close', (code, signal) => {
        this.#child = undefined;
        for (const answer of this.#asked.values()) answer('');
        this.#asked.clear();
        resolve();
        if (!isReady) onFailed(failure ?? new TsumugiError('Internal', `${name} ended before it was ready (${signal ?? `exit ${code}`})`));
        if (!this.#ending && isReady) this.#restart(Date.now() - startedAt, { code, signal });
      });
    });
  }

  #restart(ranMs: number, exit: { code: number | null; signal: string | null }): void {
    const { name, log } = this.#options;
    if (ranMs > healthyMs) this.#deaths = 0;
    const delayMs = backoffMs[Math.min(this.#deaths, backoffMs.length - 1)] ?? 0;
    this.#deaths += 1;
    log.warn({ process: name, ...exit, delayMs }, `${name} died and is started again`);
    this.#again = setTimeout(() => {
      this.#fork(
        () => log.info({ process: name, pid: this.pid }, `${name} is back`),
        (error) => {
          log.error({ process: name, err: error }, `${name} could not start again`);
          if (!this.#ending) this.#restart(0, { code: 1, signal: null });
        },
      );
    }, delayMs);
  }

  #send(message: FromSupervisor): void {
    // A process that is just dying cannot hear; its end is noticed elsewhere.
    if (this.#child?.connected) this.#child.send(message, () => {});
  }

  /** Tells the control plane which functions `/readyz` waits for: also each that is started later. */
  waitFor(names: readonly string[]): void {
    this.#waitFor = names;
    this.#send({ type: 'waitFor', names });
  }

  /** Its metrics as Prometheus text; '' when it is away. */
  metrics(): Promise<string> {
    if (!this.#child?.connected) return Promise.resolve('');
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id);
        resolve('');
      }, 2000);
      this.#asked.set(id, (text) => {
        clearTimeout(timer);
        resolve(text);
      });
      this.#send({ type: 'metrics', id });
    });
  }

  /** In order; one that has not ended 2 s after its grace is killed. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#ending = true;
    clearTimeout(this.#again);
    if (!this.#child) return;
    this.#send({ type: 'stop', graceMs });
    const timer = setTimeout(() => this.kill(), graceMs + 2000);
    await this.#ended;
    clearTimeout(timer);
  }

  /** At once. */
  kill(): void {
    this.#ending = true;
    clearTimeout(this.#again);
    this.#child?.kill('SIGKILL');
  }
}
