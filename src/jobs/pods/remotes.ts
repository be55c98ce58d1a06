/** RemoteClusters in which guests run: connected, and watched, only while somebody runs there. */
import { TsumugiError, toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { createHttpClient, type HttpKubeClient } from '../../kube/http/client.ts';
import { findRemoteCluster, remoteConnection } from '../../kube/remote.ts';
import { ApiError } from '../../resources/object.ts';
import { jobs, pods } from '../../resources/resources.ts';
import { label } from './labels.ts';
import { RunObjects } from './objects.ts';

export interface RemoteKey {
  readonly namespace: string;
  /** Of the RemoteCluster. */
  readonly name: string;
}

/** It cannot be worked with now; the message says which, and why. */
export class RemoteAway extends Error {
  /** Nothing says any more where it is, or who we are there. */
  readonly isUnknown: boolean;

  constructor({ name }: RemoteKey, thrown: unknown) {
    const { message, name: kind } = toError(thrown);
    super(`RemoteCluster "${name}": ${kind === 'TimeoutError' ? `it said nothing for ${patienceMs / 1000} s` : message}`, {
      cause: thrown,
    });
    this.isUnknown = thrown instanceof TsumugiError && thrown.code === 'NotFound';
  }
}

const patienceMs = 10_000;
/** How often it is looked whether its watches go on, and asked anyway: a connection may be dead without a word. */
const lookMs = 1000;
const askMs = 10_000;

export interface Remote {
  readonly client: HttpKubeClient;
  /** That of its kubeconfig's context: the one in which guests run. */
  readonly namespace: string;
}

/** Connects, and asks for what guests need. Rejects with RemoteAway. To be closed. */
async function openRemote(home: KubeClient, key: RemoteKey, signal?: AbortSignal): Promise<Remote> {
  let client: HttpKubeClient | undefined;
  try {
    const connection = await remoteConnection(home, await findRemoteCluster(home, key.namespace, key.name));
    client = createHttpClient(connection);
    const remote = { client, namespace: connection.namespace };
    await ask(remote, signal);
    return remote;
  } catch (error) {
    client?.close();
    throw new RemoteAway(key, error);
  }
}

/** For a moment. Rejects with RemoteAway where it does not answer, or refuses what `work` asks of it. */
export async function useRemote<T>(home: KubeClient, key: RemoteKey, work: (remote: Remote) => Promise<T>): Promise<T> {
  const remote = await openRemote(home, key);
  try {
    return await work(remote);
  } catch (error) {
    throw error instanceof ApiError ? new RemoteAway(key, error) : error;
  } finally {
    remote.client.close();
  }
}

/** Rejects where it does not answer, or does not let us see Jobs and pods. */
async function ask({ client, namespace }: Remote, signal?: AbortSignal): Promise<void> {
  const patience = AbortSignal.timeout(patienceMs);
  const options = { namespace, labelSelector: label.remoteRun, limit: 1, signal: signal ? AbortSignal.any([signal, patience]) : patience };
  await Promise.all([client.list(jobs, options), client.list(pods, options)]);
}

export class Remotes {
  readonly #home: KubeClient;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #links = new Map<string, Link>();

  /** `signal` ends all connections. */
  constructor(home: KubeClient, log: Log, signal: AbortSignal) {
    this.#home = home;
    this.#log = log;
    this.#signal = signal;
  }

  /**
   * Works in a cluster until `work` answers true: it is done there. `broken` is aborted when the cluster does not answer any more.
   * Rejects with RemoteAway where it cannot be reached, or the connection broke before the work was done.
   */
  async use(key: RemoteKey, work: (objects: RunObjects, broken: AbortSignal) => Promise<boolean>): Promise<void> {
    const id = `${key.namespace}/${key.name}`;
    const found = this.#links.get(id);
    const link = found && !found.broken.aborted ? found : new Link(this.#home, key, this.#log, this.#signal);
    this.#links.set(id, link);
    link.users += 1;
    try {
      if (!(await work(await link.objects, link.broken))) link.broken.throwIfAborted();
    } catch (error) {
      throw error instanceof ApiError ? new RemoteAway(key, error) : error;
    } finally {
      link.users -= 1;
      if (link.users === 0) {
        link.close();
        if (this.#links.get(id) === link) this.#links.delete(id);
      }
    }
  }
}

/** One connection to a cluster, with what it has of runs; once it is broken, another is made. */
class Link {
  readonly objects: Promise<RunObjects>;
  users = 0;
  readonly #breaking = new AbortController();
  readonly #signal: AbortSignal;
  readonly #stop = (): void => this.#break(this.#signal.reason);
  #client: HttpKubeClient | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(home: KubeClient, key: RemoteKey, log: Log, signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#stop);
    this.objects = this.#open(home, key, log);
    this.objects.catch((error: unknown) => this.#break(error));
  }

  get broken(): AbortSignal {
    return this.#breaking.signal;
  }

  close(): void {
    this.#break(new Error('closed'));
  }

  async #open(home: KubeClient, key: RemoteKey, log: Log): Promise<RunObjects> {
    const remote = await openRemote(home, key, this.#signal);
    this.#client = remote.client;
    const objects = new RunObjects(remote.client, log.child({ remoteCluster: key.name }), {
      label: label.remoteRun,
      namespace: remote.namespace,
    });
    this.#watchOver(() => ask(remote, this.broken).catch((error: unknown) => this.#break(new RemoteAway(key, error))), objects);
    await objects.start(this.broken).catch((error: unknown) => {
      throw this.broken.aborted ? this.broken.reason : error;
    });
    return objects;
  }

  #watchOver(asks: () => Promise<void>, objects: RunObjects): void {
    let askedAt = performance.now();
    let isAsking = false;
    this.#looking = setInterval(() => {
      if (isAsking || (objects.isCurrent && performance.now() - askedAt < askMs)) return;
      isAsking = true;
      void asks().finally(() => {
        askedAt = performance.now();
        isAsking = false;
      });
    }, lookMs);
  }

  /** What is under way there fails at once. */
  #break(reason: unknown): void {
    this.#breaking.abort(reason);
    this.#signal.removeEventListener('abort', this.#stop);
    clearInterval(this.#looking);
    this.#client?.close();
  }
}
