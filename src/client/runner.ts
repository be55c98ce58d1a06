/**
 * Functions that run to their end somewhere else, in a pod of their own, with result, log and history kept.
 *
 * @example
 * const runner = await Runner.load();
 * const id = await runner.fizzbuzz(15); // at once
 * await runner.waitFor({ timeout: 180 }); // 'succeeded'
 * await runner.result(); // 'FizzBuzz'
 */
import { randomBytes } from 'node:crypto';
import { TsumugiError } from '../base/errors.ts';
import { ownPlatform, type Platform } from './platform.ts';
import { readManifests } from './manifests.ts';
import { RunnerError, TimeoutError } from './runner-errors.ts';
import { RunnerRequests, type RunnerRecord, type RunnerStatus } from './runner-requests.ts';

/** What the runs of a handle have beside what their functions have. */
export interface RunnerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Names of Secrets, as variables and files. */
  readonly secrets?: readonly string[];
  /** Names of ConfigMaps, as variables and files. */
  readonly configMaps?: readonly string[];
  readonly resources?: {
    readonly limits?: Readonly<Record<string, string | number>>;
    readonly requests?: Readonly<Record<string, string | number>>;
  };
  /** Seconds that a run may take from its start on; absent: as long as it likes. */
  readonly timeout?: number;
  /** Seconds that a run may wait for its turn; absent: as long as it takes. */
  readonly queueTimeout?: number;
  /** Which platform; absent: the program's own. */
  readonly platform?: Platform;
  /** Absent: the program's own. */
  readonly namespace?: string;
}

export interface RunnerQuery extends Pick<RunnerOptions, 'platform' | 'namespace'> {
  readonly status?: RunnerStatus | readonly RunnerStatus[];
  /** Made at this time or later. */
  readonly since?: Date | string;
  /** At most so many, the newest. Default 100. */
  readonly limit?: number;
}

/** Seconds. */
export interface WaitOptions {
  readonly timeout?: number;
}

export interface GuestOptions extends WaitOptions {
  /** Wait for its end. */
  readonly sync?: boolean;
  /** A RemoteCluster of the namespace, in the namespace of its kubeconfig; absent: the platform's own cluster. */
  readonly cluster?: string;
}

/** The functions of a namespace with their types: `tsumugi types` writes them. Without it any name may be called. */
// oxlint-disable-next-line typescript/no-empty-object-type -- merged into by what `tsumugi types` writes
export interface RunnerFunctions {}

// oxlint-disable-next-line typescript/no-explicit-any -- arguments of a function that is not known here
type AnyFunction = (...args: any[]) => unknown;
type WithSensitive<Arguments extends readonly unknown[]> = { [Position in keyof Arguments]: Arguments[Position] | Sensitive };
type Callable = keyof RunnerFunctions extends never ? Record<string, AnyFunction> : RunnerFunctions;

/** One run, and the functions by their names: a call answers the run's id at once. */
export type Runner = RunnerHandle & {
  readonly [Name in Exclude<keyof Callable, keyof RunnerHandle>]: Callable[Name] extends AnyFunction
    ? (...args: WithSensitive<Parameters<Callable[Name]>>) => Promise<string>
    : never;
};

/** An argument that is kept in a Secret alone, and masked in the log. */
export class Sensitive {
  readonly #value: unknown;
  constructor(value: unknown) {
    this.#value = value;
  }
  reveal(): unknown {
    return this.#value;
  }
}

/** @example await runner.login('ada', sensitive(password)) */
export const sensitive = (value: unknown): Sensitive => new Sensitive(value);

const defaultTimeout = 180;

export class RunnerHandle {
  readonly #requests: RunnerRequests;
  readonly #options: RunnerOptions;
  #id: string | undefined;

  /** @internal */
  constructor(requests: RunnerRequests, options: RunnerOptions, id?: string) {
    this.#requests = requests;
    this.#options = options;
    this.#id = id;
  }

  /** Of its last call. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Calls by name: for functions that are named like something of the handle itself, and `FUNCTION.EXPORT`. */
  async run(name: string, ...args: readonly unknown[]): Promise<string> {
    const { env, secrets, configMaps, resources, timeout, queueTimeout } = this.#options;
    const id = `runner-${randomBytes(16).toString('hex')}`;
    await this.#requests.start({
      id,
      call: name,
      args: args.map((value) => (value instanceof Sensitive ? value.reveal() : value) ?? null),
      sensitive: args.flatMap((value, position) => (value instanceof Sensitive ? [position] : [])),
      ...(env && { env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })) }),
      ...(secrets && { secrets }),
      ...(configMaps && { configMaps }),
      ...(resources && { resources }),
      ...(timeout !== undefined && { timeoutSeconds: timeout }),
      ...(queueTimeout !== undefined && { queueTimeoutSeconds: queueTimeout }),
    });
    this.#id = id;
    return id;
  }

  /**
   * Runs what the manifests say (Jobs, Pods, ConfigMaps, Secrets): they keep their names, are watched over, and go together when their
   * logs are kept. Answers the id at once, with `sync` at the end. `manifests`: YAML, the name of a file, or objects.
   *
   * @throws TsumugiError `Invalid`, `Conflict` or `NotFound` with the reason, before anything is made.
   */
  async guest(
    manifests: string | object | readonly (string | object)[],
    { sync = false, timeout, cluster }: GuestOptions = {},
  ): Promise<string> {
    const id = `guest-runner-${randomBytes(16).toString('hex')}`;
    const { queueTimeout } = this.#options;
    await this.#requests.guest({
      id,
      manifests: await readManifests(manifests),
      ...(cluster !== undefined && { cluster }),
      ...(queueTimeout !== undefined && { queueTimeoutSeconds: queueTimeout }),
    });
    this.#id = id;
    if (sync) await this.waitFor(timeout === undefined ? {} : { timeout });
    return id;
  }

  /** What is known of it by now. */
  describe(): Promise<RunnerRecord> {
    return this.#requests.get(this.#known());
  }

  async status(): Promise<RunnerStatus> {
    return (await this.describe()).status;
  }

  /**
   * Resolves with the status at its end: `succeeded`, `failed`, `forceDeleted`, `cancelled`.
   *
   * @throws TimeoutError when that takes longer (180 s); the run goes on.
   */
  async waitFor({ timeout = defaultTimeout }: WaitOptions = {}): Promise<RunnerStatus> {
    return (await this.#ended(timeout)).status;
  }

  /** `{ "<pod>.<container>": ["line\n"] }`: its id and the call first, result or stack last. */
  logs(): Promise<Record<string, string[]>> {
    return this.#requests.logs(this.#known());
  }

  /**
   * Waits for its end and gives what the function returned.
   *
   * @throws RunnerError with the name, the message and the stack of what it threw, or why there is no result; TimeoutError.
   */
  async result<T = unknown>({ timeout = defaultTimeout }: WaitOptions = {}): Promise<T> {
    const record = await this.#ended(timeout);
    if (record.status !== 'succeeded') throw new RunnerError(record);
    return record.result?.value as T;
  }

  /** Resolves when that is durable; the run ends a moment later, with grace. */
  async cancel(): Promise<void> {
    await this.#requests.cancel(this.#known());
  }

  async #ended(timeout: number): Promise<RunnerRecord> {
    const id = this.#known();
    const end = performance.now() + timeout * 1000;
    for (;;) {
      const left = Math.max(0, end - performance.now());
      const record = await this.#requests.get(id, left);
      if (record.endedAt !== undefined) return record;
      if (performance.now() >= end) throw new TimeoutError(id, record.status, timeout);
    }
  }

  #known(): string {
    if (this.#id === undefined)
      throw new TsumugiError('Invalid', 'this runner has not run anything yet', { hint: 'call a function: await runner.NAME(…)' });
    return this.#id;
  }
}

/** A handle is no thenable, and nothing that the language itself looks for is taken for a function. */
const neverCalled = new Set<PropertyKey>(['then', 'catch', 'finally', 'toJSON', 'constructor', 'prototype', 'inspect', 'nodeType']);

function callable(handle: RunnerHandle): Runner {
  return new Proxy(handle, {
    get(target, name) {
      if (typeof name === 'symbol' || name in target) {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value as AnyFunction).bind(target) : value;
      }
      return neverCalled.has(name) ? undefined : (...args: readonly unknown[]) => target.run(name, ...args);
    },
  }) as unknown as Runner;
}

async function requestsOf({ platform, namespace }: Pick<RunnerOptions, 'platform' | 'namespace'>): Promise<RunnerRequests> {
  const own = platform ?? (await ownPlatform());
  return new RunnerRequests(own, namespace ?? own.namespace);
}

async function load(id?: string, options?: RunnerOptions): Promise<Runner>;
async function load(options: RunnerOptions): Promise<Runner>;
async function load(first?: string | RunnerOptions, second: RunnerOptions = {}): Promise<Runner> {
  const options = typeof first === 'object' ? first : second;
  const requests = await requestsOf(options);
  if (typeof first === 'string') await requests.get(first);
  return callable(new RunnerHandle(requests, options, typeof first === 'string' ? first : undefined));
}

async function list(query: RunnerQuery = {}): Promise<readonly Runner[]> {
  const requests = await requestsOf(query);
  const { status, since, limit = 100 } = query;
  const found = await requests.list({
    limit,
    ...(status !== undefined && { status: [status].flat() }),
    ...(since !== undefined && { since: typeof since === 'string' ? since : since.toISOString() }),
  });
  return found.map(({ id }) => callable(new RunnerHandle(requests, query, id)));
}

export const Runner = {
  /** A new handle; with an id the one of that run, whose functions start new ones. Throws NotFound for an id that nobody knows. */
  load,
  /** The runs of the namespace, the newest first. */
  list,
};
