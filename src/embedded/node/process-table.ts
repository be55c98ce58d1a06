/** What runs on the host, for waiting: lines of a process's life-line as JSON, and its end. */
import type { ProcessEvent, ProcessExit, ProcessHost, ProcessSpec } from './process-host.ts';

interface Watched {
  heard: readonly string[];
  waiting: { readonly word: string; resolve(heard: boolean): void }[];
  readonly ended: (exit: ProcessExit) => void;
}

export class ProcessTable {
  readonly #host: ProcessHost;
  readonly #watched = new Map<string, Watched>();
  readonly #stop: () => void;
  /** Until the survivors of an earlier control plane are adopted: ends of processes that nobody watches yet. */
  #early: Map<string, ProcessExit> | undefined = new Map();

  constructor(host: ProcessHost) {
    this.#host = host;
    this.#stop = host.subscribe((event) => this.#on(event));
  }

  /** `ended` is called once, when it has ended; how is kept by the host until `forget`, for a control plane that comes after this one. */
  async start(spec: ProcessSpec, ended: (exit: ProcessExit) => void): Promise<{ readonly pid: number; readonly startedAt: number }> {
    this.watch(spec.id, ended);
    try {
      return await this.#host.start(spec);
    } catch (error) {
      this.#watched.delete(spec.id);
      throw error;
    }
  }

  /** The same for one that runs already. */
  watch(id: string, ended: (exit: ProcessExit) => void): void {
    this.#watched.set(id, { heard: [], waiting: [], ended });
    const exit = this.#early?.get(id);
    if (exit) queueMicrotask(() => this.#on({ type: 'exit', id, ...exit }));
  }

  /** How it ended is stored, or nobody asks: the host may drop it. */
  forget(id: string): void {
    this.#host.forget(id);
  }

  /** All that survived is watched now. */
  adopted(): void {
    this.#early = undefined;
  }

  /** When its shim has said `{"<word>":true}`; false when it ends without. */
  hears(id: string, word: 'ready' | 'listening'): Promise<boolean> {
    const watched = this.#watched.get(id);
    if (!watched) return Promise.resolve(false);
    if (watched.heard.includes(word)) return Promise.resolve(true);
    return new Promise((resolve) => watched.waiting.push({ word, resolve }));
  }

  send(id: string, message: object): void {
    this.#host.send(id, JSON.stringify(message));
  }

  signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#host.signal(id, signal);
  }

  attach(id: string): Promise<string> {
    return this.#host.attach(id);
  }

  isRunning(id: string): boolean {
    return this.#watched.has(id);
  }

  /** Hears nothing more; what runs goes on. */
  close(): void {
    this.#stop();
    for (const { waiting } of this.#watched.values()) for (const waiter of waiting) waiter.resolve(false);
    this.#watched.clear();
  }

  #on(event: ProcessEvent): void {
    const watched = this.#watched.get(event.id);
    if (!watched) {
      if (event.type === 'exit') this.#early?.set(event.id, { code: event.code, signal: event.signal, at: event.at });
      return;
    }
    if (event.type === 'exit') {
      this.#watched.delete(event.id);
      for (const waiter of watched.waiting) waiter.resolve(false);
      watched.ended({ code: event.code, signal: event.signal, at: event.at });
      return;
    }
    for (const word of ['ready', 'listening']) {
      if (watched.heard.includes(word) || !says(event.line, word)) continue;
      watched.heard = [...watched.heard, word];
      for (const waiter of watched.waiting) if (waiter.word === word) waiter.resolve(true);
      watched.waiting = watched.waiting.filter((waiter) => waiter.word !== word);
    }
  }
}

/** A pod may write anything on its life-line. */
function says(line: string, word: string): boolean {
  try {
    return (JSON.parse(line) as Record<string, unknown> | null)?.[word] === true;
  } catch {
    return false;
  }
}
