/** What is said to the platform API about runners. A platform that is just being started again is waited for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TsumugiError } from '../base/errors.ts';
import type { RequestOptions } from './http.ts';
import type { Platform } from './platform.ts';

export type RunnerStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'forceDeleted' | 'cancelled';

/** What the platform knows of a run. Times are RFC 3339. */
export interface RunnerRecord {
  readonly id: string;
  readonly namespace: string;
  readonly kind: 'runner' | 'guest';
  readonly function?: string;
  /** The RemoteCluster that a guest runs in; absent: the platform's own cluster. */
  readonly cluster?: string;
  readonly status: RunnerStatus;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly result?: {
    readonly value?: unknown;
    readonly error?: { readonly name: string; readonly message: string; readonly stack: string };
  };
}

/** The longest that one request waits for the end of a run: proxies do not like longer ones. */
const maxWaitMs = 20_000;
const retryEveryMs = 200;
/** A control plane that was killed is back after a second or two. */
const retryForMs = 15_000;

export class RunnerRequests {
  readonly #platform: Platform;
  readonly #path: string;

  constructor(platform: Platform, namespace: string) {
    this.#platform = platform;
    this.#path = `/v1/namespaces/${encodeURIComponent(namespace)}/runners`;
  }

  /** To ask again with the same id changes nothing. */
  async start(request: { readonly id: string } & Readonly<Record<string, unknown>>): Promise<RunnerRecord> {
    return (await this.#ask('', { method: 'POST', body: JSON.stringify(request) })) as RunnerRecord;
  }

  async guest(request: { readonly id: string; readonly manifests: readonly unknown[]; readonly cluster?: string }): Promise<RunnerRecord> {
    return (await this.#ask('/guests', { method: 'POST', body: JSON.stringify(request) })) as RunnerRecord;
  }

  /** As it is, or as soon as it has ended, `ms` at most. */
  async get(id: string, ms = 0): Promise<RunnerRecord> {
    const wait = Math.min(maxWaitMs, Math.ceil(ms));
    return (await this.#ask(`/${encodeURIComponent(id)}${wait > 0 ? `?waitMs=${wait}` : ''}`)) as RunnerRecord;
  }

  async list({ status, since, limit }: { status?: readonly string[]; since?: string; limit: number }): Promise<readonly RunnerRecord[]> {
    const items: RunnerRecord[] = [];
    let before: number | undefined;
    do {
      const query = new URLSearchParams({ limit: String(Math.min(1000, limit - items.length)) });
      if (status) query.set('status', status.join(','));
      if (since !== undefined) query.set('since', since);
      if (before !== undefined) query.set('before', String(before));
      const page = (await this.#ask(`?${query.toString()}`)) as { readonly items: readonly RunnerRecord[]; readonly next?: number };
      items.push(...page.items);
      before = page.next;
    } while (before !== undefined && items.length < limit);
    return items;
  }

  async logs(id: string): Promise<Record<string, string[]>> {
    return (await this.#ask(`/${encodeURIComponent(id)}/logs`)) as Record<string, string[]>;
  }

  async cancel(id: string): Promise<void> {
    await this.#ask(`/${encodeURIComponent(id)}/cancel`, { method: 'POST' });
  }

  async #ask(path: string, options: RequestOptions = {}): Promise<unknown> {
    const end = performance.now() + retryForMs;
    for (;;) {
      try {
        return JSON.parse(await this.#platform.platform(this.#path + path, options)) as unknown;
      } catch (error) {
        if (!isAway(error) || performance.now() > end) throw error;
        await sleep(retryEveryMs);
      }
    }
  }
}

/** Nobody answered, or the answer broke off. */
const isAway = (error: unknown): boolean =>
  (error instanceof TsumugiError && error.code === 'Unavailable') || (error as NodeJS.ErrnoException).code === 'ECONNRESET';
