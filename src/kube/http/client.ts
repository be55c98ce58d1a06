/** KubeClient for any Kubernetes API server, over HTTP. */
import type { IncomingMessage } from 'node:http';
import { ApiError, type KubeObject, type Resource, type Status } from '../../resources/object.ts';
import type { KubeClient, ListOptions, ObjectList, Patch, WatchEvent, WatchOptions, WriteOptions } from '../client.ts';
import type { Connection } from '../connection.ts';
import { lines } from './lines.ts';
import { collectionPath, deleteBody, listQuery, objectPath, watchQuery, writeQuery } from './paths.ts';
import { asApiError, createTransport, type Transport } from './transport.ts';

export interface HttpKubeClient extends KubeClient {
  /**
   * Server-side apply: the object is created, or becomes what is said; what an earlier apply of this `fieldManager` said and this one
   * does not is removed; where others say something else, it wins. Not in the port: in process, nobody needs it yet.
   */
  apply<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions & { readonly fieldManager: string }): Promise<T>;
  /** GET of any path as a stream, as long as it goes on: a log that is followed. */
  open(path: string, options?: { readonly signal?: AbortSignal }): Promise<IncomingMessage>;
  /** Ends its connections; what is under way fails with `ServiceUnavailable`. */
  close(): void;
}

const patchTypes: Readonly<Record<Patch['type'], string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

/**
 * @example
 * const client = createHttpClient(await loadConnection());
 * const pods = await client.list<Pod>(podKind, { namespace: 'default' });
 * client.close();
 */
export function createHttpClient(connection: Connection): HttpKubeClient {
  const transport = createTransport(connection);
  const json = (value: object): { type: string; text: string } => ({ type: 'application/json', text: JSON.stringify(value) });
  const object = async <T>(call: Parameters<Transport['text']>[0]): Promise<T> => JSON.parse(await transport.text(call)) as T;

  return {
    get: (resource, key) => object({ method: 'GET', path: objectPath(resource, key) }),

    list: async <T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<ObjectList<T>> => {
      const path = collectionPath(resource, options.namespace) + listQuery(options);
      const list = await object<{ items: T[] | null; metadata: ObjectList<T>['metadata'] }>({
        method: 'GET',
        path,
        signal: options.signal,
      });
      return { metadata: list.metadata, items: (list.items ?? []).map((item) => withKind(item, resource)) };
    },

    watch: <T extends KubeObject>(resource: Resource, options: WatchOptions = {}) =>
      watch<T>(transport, connection.server, resource, options),

    create: (resource, body, options = {}) => {
      const { namespace, name } = body.metadata;
      const { subresource } = options;
      const path =
        subresource === undefined
          ? collectionPath(resource, namespace)
          : objectPath(resource, { ...(namespace && { namespace }), name }, subresource);
      return object({ method: 'POST', path: path + writeQuery(options), body: json(body) });
    },

    update: (resource, body, options = {}) => {
      const { namespace, name } = body.metadata;
      const path = objectPath(resource, { ...(namespace && { namespace }), name }, options.subresource) + writeQuery(options);
      return object({ method: 'PUT', path, body: json(body) });
    },

    patch: (resource, key, patch, options = {}) => {
      const path = objectPath(resource, key, options.subresource) + writeQuery(options);
      return object({ method: 'PATCH', path, body: { type: patchTypes[patch.type], text: JSON.stringify(patch.body) } });
    },

    apply: (resource, body, options) => {
      const { namespace, name } = body.metadata;
      const path = objectPath(resource, { ...(namespace && { namespace }), name }, options.subresource);
      // JSON is YAML.
      const sent = { type: 'application/apply-patch+yaml', text: JSON.stringify(body) };
      return object({ method: 'PATCH', path: `${path}${writeQuery(options)}&force=true`, body: sent });
    },

    async delete(resource, key, options = {}) {
      await transport.text({ method: 'DELETE', path: objectPath(resource, key), body: json(deleteBody(options)) });
    },

    raw: (path, options = {}) => transport.text({ method: 'GET', path, accept: '*/*', signal: options.signal }),

    open: (path, options = {}) => transport.open({ method: 'GET', path, accept: '*/*', signal: options.signal, silenceSeconds: 0 }),

    close: () => transport.close(),
  };
}

async function* watch<T extends KubeObject>(
  transport: Transport,
  server: string,
  resource: Resource,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const { signal } = options;
  if (signal?.aborted) return;
  // The reader may leave the loop at any time: then the connection must go too.
  const left = new AbortController();
  const both = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  try {
    const path = collectionPath(resource, options.namespace) + watchQuery(options);
    const answer = await transport.open({ method: 'GET', path, signal: both, silenceSeconds: 0 });
    for await (const line of lines(answer)) {
      // What was read before the abort is not told after it.
      if (signal?.aborted) return;
      const event = JSON.parse(line) as { type: WatchEvent<T>['type'] | 'ERROR'; object: T | Status };
      if (event.type === 'ERROR') throw new ApiError(event.object as Status);
      yield { type: event.type, object: withKind(event.object as T, resource) };
    }
  } catch (thrown) {
    if (!signal?.aborted) throw asApiError(server, thrown);
  } finally {
    left.abort();
  }
}

/** The built-in kinds come in lists without apiVersion and kind. */
function withKind<T extends KubeObject>(item: T, { group, version, kind }: Resource): T {
  return item.kind ? item : { ...item, apiVersion: group === '' ? version : `${group}/${version}`, kind };
}
