/**
 * Blank processes: shims that are loaded and wait to be told which pod they are, so that any pod of a built-in image starts in
 * milliseconds. Invisible in the API. Refilled in the background, at most as many at once as there are cores.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Isolation, Place, Program } from './isolation/isolation.ts';
import type { ProcessTable } from './process-table.ts';
import type { ProcessExit } from './process-host.ts';
import type { Slots } from './slots.ts';

/** A loaded shim without a pod. Its owner hears of its end by `onEnd`. */
export interface Blank {
  /** Of the process and of its place. */
  readonly id: string;
  readonly place: Place;
  readonly pid: number;
  readonly startedAt: number;
  onEnd: (exit: ProcessExit) => void;
}

export interface ShimStarter {
  readonly isolation: Isolation;
  readonly table: ProcessTable;
  readonly slots: Slots;
  readonly maxLogBytes: number;
}

const shimPrefix = 'b-';

/** A place made before its pod was known; other places are named by their pod's uid. */
export function isShimPlace(id: string): boolean {
  return id.startsWith(shimPrefix);
}

/** Starts a shim and waits until it is loaded. */
export function startShim(
  { isolation, table, slots, maxLogBytes }: ShimStarter,
  bundle: string,
  options: {
    readonly weight: 'low' | 'normal';
    /** Somebody waits for it: it warms up later, if it is left alone. */
    readonly hurry?: boolean;
    readonly prepare?: (place: Place) => Promise<Partial<Program>>;
    /** The uid that it must have. */
    readonly owner?: number | undefined;
  },
): Promise<Blank> {
  return slots.run(async () => {
    const id = `${shimPrefix}${randomBytes(5).toString('hex')}`;
    const place = await isolation.open(id, undefined, options.owner);
    let ended: ((exit: ProcessExit) => void) | undefined;
    try {
      place.weight(options.weight);
      const { env, ...program } = (await options.prepare?.(place)) ?? {};
      const launch = await place.launch({
        ...program,
        argv: [place.inside.node, place.inside.bundle(bundle)],
        env: { ...env, TSUMUGI_LIFELINE: '3', ...(options.hurry && { TSUMUGI_HURRY: '1' }) },
        writesConfig: true,
      });
      const { pid, startedAt } = await table.start({ id, ...launch, logFile: join(place.folder, '0.log'), maxLogBytes }, (exit) =>
        ended ? ended(exit) : table.forget(id),
      );
      const blank: Blank = { id, place, pid, startedAt, onEnd: () => table.forget(id) };
      ended = (exit) => blank.onEnd(exit);
      if (!(await table.hears(id, 'ready')))
        throw new Error(`a shim (${bundle}) ended before it was loaded: ${await lastWords(join(place.folder, '0.log'))}`);
      place.weight('normal');
      return blank;
    } catch (error) {
      await place.remove();
      throw error;
    }
  });
}

async function lastWords(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-3).join(' | ') || 'it said nothing';
}

const firstRetryMs = 200;
const maxRetryMs = 30_000;
const refillAfterMs = 30;

export class BlankPool {
  readonly #starter: ShimStarter;
  readonly #bundle: string;
  readonly #size: number;
  readonly #log: Log;
  readonly #ready: Blank[] = [];
  readonly #waiting: { resolve(blank: Blank): void; reject(error: Error): void }[] = [];
  readonly #starting = new Set<Promise<void>>();
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #refill: NodeJS.Timeout | undefined;
  #closed = false;

  /** `size` blanks are kept ready. */
  constructor(starter: ShimStarter, options: { readonly bundle: string; readonly size: number; readonly log: Log }) {
    this.#starter = starter;
    this.#bundle = options.bundle;
    this.#size = options.size;
    this.#log = options.log;
  }

  /** Starts what is missing; for all that wait, more. */
  fill(): void {
    if (this.#closed || this.#retry) return;
    while (this.#ready.length + this.#starting.size < this.#size + this.#waiting.length) {
      const started = this.#startOne().finally(() => {
        this.#starting.delete(started);
        this.fill();
      });
      this.#starting.add(started);
    }
  }

  /**
   * A ready one at once, else the next to be ready. Rejects when none can be started. Who has taken one calls `refill` when his pod
   * listens.
   */
  take(): Promise<Blank> {
    const blank = this.#ready.shift();
    if (blank) return Promise.resolve(blank);
    const taken = new Promise<Blank>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.fill();
    return taken;
  }

  /** Fills a moment later: a process that is started beside a new pod would make those wait who wait for it. */
  refill(): void {
    if (this.#closed) return;
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined;
      this.fill();
    }, refillAfterMs);
  }

  /** Ends those that wait and those that are on their way; resolves when nothing is left of them. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#refill);
    for (const waiter of this.#waiting.splice(0)) waiter.reject(new Error('the node stops'));
    await Promise.all([...this.#ready.splice(0).map((blank) => this.#retire(blank)), ...this.#starting]);
  }

  async #startOne(): Promise<void> {
    try {
      const hurry = this.#waiting.length > 0;
      const blank = await startShim(this.#starter, this.#bundle, { weight: hurry ? 'normal' : 'low', hurry });
      this.#failures = 0;
      await this.#offer(blank);
    } catch (error) {
      this.#fail(toError(error));
    }
  }

  #retire(blank: Blank): Promise<void> {
    return new Promise((resolve) => {
      blank.onEnd = () => {
        this.#starter.table.forget(blank.id);
        resolve(blank.place.remove());
      };
      this.#starter.table.signal(blank.id, 'SIGKILL');
    });
  }

  async #offer(blank: Blank): Promise<void> {
    if (this.#closed) {
      await this.#retire(blank);
      return;
    }
    const next = this.#waiting.shift();
    if (next) {
      next.resolve(blank);
      return;
    }
    blank.onEnd = () => {
      const at = this.#ready.indexOf(blank);
      if (at >= 0) this.#ready.splice(at, 1);
      this.#starter.table.forget(blank.id);
      void blank.place.remove();
      this.#fail(new Error('a blank process ended'));
    };
    this.#ready.push(blank);
  }

  /** Those that wait learn why; the rest is tried again later. */
  #fail(error: Error): void {
    if (this.#closed) return;
    this.#failures += 1;
    this.#log.warn({ error: error.message, failures: this.#failures }, 'no blank process could be kept');
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
    this.#retry ??= setTimeout(
      () => {
        this.#retry = undefined;
        this.fill();
      },
      Math.min(firstRetryMs * 2 ** Math.min(this.#failures - 1, 10), maxRetryMs),
    );
  }
}
