/** The objects of one kind in one namespace. */
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient, ListOptions, Patch, WatchEvent } from '../../kube/client.ts';
import type { KubeObject, ObjectMeta, Resource } from '../../resources/object.ts';

/** An object to be created: `apiVersion`, `kind` and the namespace are known already. */
export type NewObject<T extends KubeObject> = Omit<T, 'apiVersion' | 'kind' | 'metadata' | 'status'> & {
  readonly apiVersion?: string;
  readonly kind?: string;
  /** `name`, or `generateName`. */
  readonly metadata: Partial<ObjectMeta>;
};

/** Which ones: those of that name (none or one), or those that the selectors fit. */
export type Filter = string | (Pick<ListOptions, 'labelSelector' | 'fieldSelector'> & { readonly name?: string });

export class Objects<T extends KubeObject> {
  readonly #client: KubeClient;
  readonly #resource: Resource;
  readonly #namespace: string;

  constructor(client: KubeClient, resource: Resource, namespace: string) {
    this.#client = client;
    this.#resource = resource;
    this.#namespace = namespace;
  }

  async create(object: NewObject<T>): Promise<T> {
    return this.#client.create<T>(this.#resource, this.#whole(object));
  }

  async get(name: string): Promise<T> {
    return this.#client.get<T>(this.#resource, this.#key(name));
  }

  async list(filter: Filter = {}): Promise<readonly T[]> {
    const { items } = await this.#client.list<T>(this.#resource, this.#selected(filter));
    return items;
  }

  /** What there is, as ADDED, then each change; until the reader leaves the loop or `signal` is aborted. */
  watch(filter: Filter = {}, signal?: AbortSignal): AsyncIterable<WatchEvent<T>> {
    return this.#client.watch<T>(this.#resource, { ...this.#selected(filter), ...(signal && { signal }) });
  }

  /** With a resourceVersion in the object, only if nobody changed it since. */
  async update(object: T): Promise<T> {
    return this.#client.update<T>(this.#resource, this.#whole(object));
  }

  async patch(name: string, patch: Patch): Promise<T> {
    return this.#client.patch<T>(this.#resource, this.#key(name), patch);
  }

  /** What belongs to it goes, too: a Job's pods would stay without a word. */
  async delete(name: string): Promise<void> {
    return this.#client.delete(this.#resource, this.#key(name), { propagationPolicy: 'Background' });
  }

  #key(name: string): { namespace: string; name: string } {
    // An empty name would be the collection, and a DELETE of all.
    if (!name) throw new TsumugiError('Invalid', `a ${this.#resource.kind} needs a name`, { field: 'metadata.name' });
    return { namespace: this.#namespace, name };
  }

  #selected(filter: Filter): ListOptions {
    const { name, labelSelector, fieldSelector } = typeof filter === 'string' ? { name: filter } : filter;
    const fields = [name && `metadata.name=${name}`, fieldSelector].filter(Boolean).join(',');
    return { namespace: this.#namespace, ...(labelSelector && { labelSelector }), ...(fields && { fieldSelector: fields }) };
  }

  #whole(object: NewObject<T> | T): T {
    const { group, version, kind } = this.#resource;
    const apiVersion = group === '' ? version : `${group}/${version}`;
    const { namespace = this.#namespace } = object.metadata;
    const refuse = (field: string, value: unknown, expected: string): never => {
      throw new TsumugiError('Invalid', `${field} is "${String(value)}", where ${expected} is meant`, { field });
    };
    if ((object.kind ?? kind) !== kind) refuse('kind', object.kind, kind);
    if ((object.apiVersion ?? apiVersion) !== apiVersion) refuse('apiVersion', object.apiVersion, apiVersion);
    if (namespace !== this.#namespace) refuse('metadata.namespace', namespace, this.#namespace);
    return { ...object, apiVersion, kind, metadata: { ...object.metadata, namespace } } as unknown as T;
  }
}
