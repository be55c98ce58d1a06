/** What the parts of the contract suite share: a server, a namespace of their own, objects, and waiting. */
import { afterAll, beforeAll, expect } from 'vitest';
import { nameSuffix } from '../../base/ids.ts';
import { ApiError, isNotFound, type KubeObject, type ObjectMeta, type Resource, type Status } from '../../resources/object.ts';
import type { KubeClient, WatchEvent } from '../client.ts';

export interface ContractServer {
  readonly client: KubeClient;
  /** A resourceVersion of ConfigMaps whose history is gone; absent where that cannot be brought about. */
  readonly expiredVersion?: () => Promise<string>;
  /** Kubernetes sends a bookmark before nearly each watch ends, but promises none; ours does. */
  readonly promisesBookmarks?: boolean;
  close(): Promise<void>;
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

export interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export interface Namespace extends KubeObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: string };
}

export interface Pod extends KubeObject {
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly image: string }[];
    readonly nodeName?: string;
    readonly restartPolicy?: string;
    readonly terminationGracePeriodSeconds?: number;
  };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const core = (plural: string, kind: string, namespaced = true): Resource => ({ group: '', version: 'v1', plural, kind, namespaced });
export const configMaps = core('configmaps', 'ConfigMap');
export const secrets = core('secrets', 'Secret');
export const namespaces = core('namespaces', 'Namespace', false);
export const pods = core('pods', 'Pod');

export interface Bench {
  readonly server: ContractServer;
  readonly client: KubeClient;
  /** The suite's own namespace, gone after it. */
  readonly namespace: string;
}

/** Opens the server before the tests and closes it after; the values are there when a test runs. */
export function useBench(open: () => Promise<ContractServer>): Bench {
  let server: ContractServer | undefined;
  const namespace = `contract-${nameSuffix()}`;
  const bench: Bench = {
    get server() {
      if (!server) throw new Error('the server is open only while tests run');
      return server;
    },
    get client() {
      return bench.server.client;
    },
    namespace,
  };
  beforeAll(async () => {
    server = await open();
    await makeNamespace(bench.client, namespace);
  });
  afterAll(async () => {
    if (!server) return;
    await bench.client.delete(namespaces, { name: namespace }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    await server.close();
  });
  return bench;
}

/** A namespace in which pods can be made at once: a real cluster first gives it a service account. */
export async function makeNamespace(client: KubeClient, name: string): Promise<void> {
  await client.create<Namespace>(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await eventually(async () => {
    const probe = pod(name, 'probe');
    await client.create(pods, probe, { dryRun: true });
  });
}

export const unique = (prefix = 'x'): string => `${prefix}-${nameSuffix(8)}`;

export function configMap(namespace: string, name: string, data?: Record<string, string>, metadata: Partial<ObjectMeta> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ...metadata }, ...(data && { data }) };
}

export function pod(namespace: string, name: string, spec: object = {}, metadata: Partial<ObjectMeta> = {}): Pod {
  const containers = [{ name: 'main', image: 'host' }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, ...metadata },
    spec: { automountServiceAccountToken: false, containers, ...spec } as Pod['spec'],
  };
}

/** The Status that the call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<Status> {
  const error = await call.then(
    (value) => expect.fail(`was not refused but answered ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw error;
  return error.status;
}

/** A failed Status in full. */
export const failure = (code: number, reason: string, message: string, details?: object): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  code,
  reason,
  message,
  ...(details && { details }),
});

/** The refusal of an object with one wrong field. */
export function invalid(kind: string, name: string, field: string, reason: string, message: string): object {
  const causes = [{ reason, message, field }];
  return failure(422, 'Invalid', `${kind} "${name}" is invalid: ${field}: ${message}`, { name, kind, causes });
}

export const notFound = (plural: string, name: string): object =>
  failure(404, 'NotFound', `${plural} "${name}" not found`, { name, kind: plural });

/** Tries again until `check` throws no more; a controller may take its time. */
export async function eventually<T>(check: () => Promise<T>, seconds = 40): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Until the object is gone. */
export async function gone(client: KubeClient, resource: Resource, namespace: string | undefined, name: string): Promise<void> {
  await eventually(async () => {
    const status = await refusal(client.get(resource, { ...(namespace !== undefined && { namespace }), name }));
    expect(status.reason).toBe('NotFound');
  });
}

/** A watch whose events can be taken one by one. */
export class Tap<T extends KubeObject> {
  readonly #abort = new AbortController();
  readonly #iterator: AsyncIterator<WatchEvent<T>>;

  constructor(client: KubeClient, resource: Resource, options: Parameters<KubeClient['watch']>[1]) {
    this.#iterator = client.watch<T>(resource, { ...options, signal: this.#abort.signal })[Symbol.asyncIterator]();
  }

  /** The next event's type and object; `undefined` when the watch has ended. */
  async event(): Promise<WatchEvent<T> | undefined> {
    const next = await this.#iterator.next();
    return next.done ? undefined : next.value;
  }

  /** The next event but bookmarks, as `ADDED name`. */
  async next(): Promise<string> {
    for (;;) {
      const event = await this.event();
      if (!event) return 'END';
      if (event.type !== 'BOOKMARK') return `${event.type} ${event.object.metadata.name}`;
    }
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#iterator.return?.();
  }
}

/** Opens a watch for the time of `use`. */
export async function tapped<T extends KubeObject, R>(
  client: KubeClient,
  resource: Resource,
  options: Parameters<KubeClient['watch']>[1],
  use: (tap: Tap<T>) => Promise<R>,
): Promise<R> {
  const tap = new Tap<T>(client, resource, options);
  try {
    return await use(tap);
  } finally {
    await tap.close();
  }
}
