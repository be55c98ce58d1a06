import type {
  DeleteOptions,
  KubeClient,
  ListOptions,
  ObjectKey,
  ObjectList,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../kube/client.ts';
import type { KubeObject, Resource } from '../../resources/object.ts';
import { admin } from './authorize.ts';
import type { User } from './authorize.ts';
import { apiVersionOf } from './core.ts';
import type { Call } from './core.ts';
import { objectOf } from './rows.ts';
import type { ApiServer } from './server.ts';
import { noSuchResource } from './status.ts';
import type { Bookmark } from './watching.ts';
import type { WatchItem } from './watch-hub.ts';

/** Answers a GET of any path as the server would over HTTP. */
export type RawGet = (path: string, user: User, signal?: AbortSignal) => Promise<string>;

/**
 * The client port in process: no HTTP, no copies. Objects are frozen, and all who read one version share it.
 * Bodies are not changed and may be reused by the caller.
 */
export class InProcessClient implements KubeClient {
  readonly #server: ApiServer;
  readonly #raw: RawGet;
  readonly #user: User;

  constructor(server: ApiServer, raw: RawGet, user: User = admin) {
    this.#server = server;
    this.#raw = raw;
    this.#user = user;
  }

  async get<T extends KubeObject>(resource: Resource, key: ObjectKey): Promise<T> {
    return objectOf<T>(await this.#server.get(this.#call(resource, key)));
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<ObjectList<T>> {
    const page = await this.#server.list(this.#call(resource, { ...namespaceOf(options), name: '' }), options);
    const items: T[] = [];
    for (const row of page.rows) {
      items.push(objectOf<T>(row));
      if (items.length % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const { continue: token, remaining } = page;
    return {
      items,
      metadata: {
        resourceVersion: String(page.revision),
        ...(token && { continue: token }),
        ...(remaining !== undefined && { remainingItemCount: remaining }),
      },
    };
  }

  async *watch<T extends KubeObject>(resource: Resource, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    const call = this.#call(resource, { ...namespaceOf(options), name: '' });
    for await (const batch of this.#server.watch(call, options)) {
      for (const item of batch) {
        if (options.signal?.aborted) return;
        yield item.type === 'BOOKMARK' ? bookmark<T>(resource, item) : { type: item.type, object: objectOf<T>(item.row) };
      }
    }
  }

  async create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const call = this.#call(
      resource,
      { ...namespaceOf(object.metadata), name: options.subresource ? object.metadata.name : '' },
      options.subresource,
    );
    return objectOf<T>(await this.#server.create(call, objectAsSent(object), named(options)));
  }

  async update<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const call = this.#call(resource, object.metadata, options.subresource);
    return objectOf<T>((await this.#server.update(call, objectAsSent(object), named(options))).row);
  }

  async patch<T extends KubeObject>(resource: Resource, key: ObjectKey, patch: Patch, options: WriteOptions = {}): Promise<T> {
    return objectOf<T>(await this.#server.patch(this.#call(resource, key, options.subresource), asSent(patch), named(options)));
  }

  async delete(resource: Resource, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    await this.#server.delete(this.#call(resource, key), options);
  }

  raw(path: string, options: { signal?: AbortSignal } = {}): Promise<string> {
    return this.#raw(path, this.#user, options.signal);
  }

  #call(resource: Resource, key: ObjectKey, subresource = ''): Call {
    const kind = this.#server.kindOf(resource);
    if (!kind) throw noSuchResource();
    if (kind.namespaced && !key.namespace && key.name) throw noSuchResource();
    return { user: this.#user, kind, namespace: kind.namespaced ? (key.namespace ?? '') : '', name: key.name, subresource, warn: () => {} };
  }
}

/** Writes of this process, where it does not say more. */
const processManager = 'tsumugi';

const named = (options: WriteOptions): WriteOptions & { fieldManager: string } => ({
  ...options,
  fieldManager: options.fieldManager || processManager,
});

/** What a server would get: fields that are undefined are not there, and later changes of the caller's object do not reach it. */
const asSent = <T>(body: T): T => JSON.parse(JSON.stringify(body)) as T;

/** The same of an object: its frozen fields are those of one that this client gave out, and stay so. */
function objectAsSent<T extends KubeObject>(object: T): T {
  const fields = Object.entries(object).filter(([, value]) => value !== undefined);
  const sent = fields.map(([key, value]: [string, unknown]) => [key, Object.isFrozen(value) ? value : asSent(value)]);
  return Object.fromEntries(sent) as T;
}

const namespaceOf = ({ namespace }: { readonly namespace?: string }): { namespace?: string } => (namespace ? { namespace } : {});

function bookmark<T extends KubeObject>(resource: Resource, item: Bookmark | WatchItem): WatchEvent<T> {
  const object = {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { name: '', resourceVersion: String(item.revision) },
  };
  return { type: 'BOOKMARK', object: object as KubeObject as T };
}
