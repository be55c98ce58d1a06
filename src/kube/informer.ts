/**
 * A cache of one kind of object, kept by list and watch: reads cost nothing, changes call handlers.
 *
 * It survives everything: a watch that ends goes on where it was; history that is gone (410), or three failures in a row,
 * mean a new list, whose difference to the cache becomes the same events; a watch that says nothing for `stallSeconds`
 * (a server sends a bookmark each minute) counts as broken.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { toError } from '../base/errors.ts';
import { type Log, silentLog } from '../base/log.ts';
import { isExpired, isUnavailable, type KubeObject, type Resource } from '../resources/object.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import { Cache, type IndexFunction } from './cache.ts';
import { guardedWatch } from './guarded-watch.ts';
import { keyOf } from './key.ts';

export interface InformerOptions<T extends KubeObject> {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** For `byIndex`: name -> the values under which an object is found. */
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** A watch without any event or bookmark for so long is opened anew. Default 150. */
  readonly stallSeconds?: number;
  /** Objects a page of the list. Default 500. */
  readonly pageSize?: number;
  readonly log?: Log;
  readonly clock?: Clock;
}

/** What happened to an object of the cache. On `deleted` the object is the last state known. */
export type Change<T extends KubeObject> =
  | { readonly type: 'added'; readonly object: T; readonly old?: undefined }
  | { readonly type: 'updated'; readonly object: T; readonly old: T }
  | { readonly type: 'deleted'; readonly object: T; readonly old?: undefined };

export type ChangeHandler<T extends KubeObject> = (change: Change<T>) => void;

const firstDelay = 100;
/** Between attempts, ms: what goes wrong may go on for long; a server that is away is asked often, for to be refused costs nothing. */
const maxDelay = 10_000;
const maxDelayAway = 1000;

/**
 * @example
 * const pods = new Informer<Pod>(client, podKind, { labelSelector: 'tsumugi.dev/runtime', indexes: { node: (pod) => [pod.spec.nodeName ?? ''] } });
 * pods.on(({ type, object }) => console.log(type, keyOf(object)));
 * pods.start(signal);
 * await pods.synced();
 */
export class Informer<T extends KubeObject> {
  readonly resource: Resource;
  readonly #client: KubeClient;
  readonly #options: InformerOptions<T>;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #cache: Cache<T>;
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #running: Promise<void> | undefined;
  #signal: AbortSignal | undefined;
  /** The version the cache shows; absent: list first. */
  #version: string | undefined;

  constructor(client: KubeClient, resource: Resource, options: InformerOptions<T> = {}) {
    this.resource = resource;
    this.#client = client;
    this.#options = options;
    this.#log = (options.log ?? silentLog).child({ informer: resource.plural });
    this.#clock = options.clock ?? systemClock;
    this.#cache = new Cache<T>(options.indexes ?? {});
    // Nobody may be waiting when it ends unsynced.
    this.#synced.promise.catch(() => undefined);
  }

  /** Begins, once; later calls change nothing. Resolves, never rejects, when `signal` has been aborted and all is closed: at once for others than who began it. */
  start(signal: AbortSignal): Promise<void> {
    if (this.#running && signal !== this.#signal) return Promise.resolve();
    this.#signal = signal;
    this.#running ??= this.#run(signal);
    return this.#running;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** False while the server has been away, or something has been wrong, for three attempts: what the cache shows is the past. */
  get isCurrent(): boolean {
    return this.#version !== undefined;
  }

  /** When the first list is in the cache and its handlers were called. Rejects when the informer is stopped before. */
  synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** By `namespace/name`, or `name` for cluster-scoped kinds. */
  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  /** All, or those of one namespace; in no order. */
  list(namespace?: string): readonly T[] {
    return this.#cache.list(namespace);
  }

  /** Those for which the index function `name` gave `value`. */
  byIndex(name: string, value: string): readonly T[] {
    return this.#cache.byIndex(name, value);
  }

  /** How many `byIndex` would give. */
  countByIndex(name: string, value: string): number {
    return this.#cache.countByIndex(name, value);
  }

  /** Calls the handler for what is there (as added), then for every change. Returns how to stop it. */
  on(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#cache.list()) this.#call(handler, { type: 'added', object });
    return () => void this.#handlers.delete(handler);
  }

  /**
   * Puts what a write answered into the cache before the watch tells of it, so that a reconciler sees its own creations and
   * updates. Ignored when the watch was further already. Only for objects that this informer's selectors accept.
   */
  observe(object: T): void {
    const version = Number(object.metadata.resourceVersion);
    if (!this.#hasSynced || !(version > Number(this.#version)) || object.metadata.deletionTimestamp) return;
    const old = this.#cache.get(keyOf(object));
    if (!old || Number(old.metadata.resourceVersion) < version) this.#put(object);
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) {
          await this.#fill(signal);
          this.#hasSynced = true;
          this.#synced.resolve();
        }
        await this.#follow(signal, () => (failures = 0));
      } catch (thrown) {
        if (signal.aborted) break;
        failures += 1;
        const expired = isExpired(thrown);
        // A server that restarted is soon back with the same history; anything odder is settled by a new list.
        if (expired || failures % 3 === 0) this.#version = undefined;
        const longest = isUnavailable(thrown) ? maxDelayAway : maxDelay;
        const delay = expired && failures === 1 ? 0 : Math.min(firstDelay * 2 ** (failures - 1), longest) * (0.5 + Math.random() / 2);
        const level = failures < 3 ? 'debug' : 'warn';
        this.#log[level](
          { error: toError(thrown).message, failures, delay: Math.round(delay), relist: this.#version === undefined },
          'watch broke',
        );
        await this.#clock.sleep(delay, signal).catch(() => undefined);
      }
    }
    this.#synced.reject(new Error(`the informer of ${this.resource.plural} was stopped before its first list`));
  }

  /** Lists all pages and makes the cache show them. */
  async #fill(signal: AbortSignal): Promise<void> {
    const seen = new Map<string, T>();
    let next: string | undefined;
    let version: string;
    do {
      const page = await this.#client.list<T>(this.resource, {
        ...this.#scope,
        signal,
        limit: this.#options.pageSize ?? 500,
        ...(next && { continue: next }),
      });
      for (const object of page.items) seen.set(keyOf(object), object);
      version = page.metadata.resourceVersion;
      next = page.metadata.continue;
    } while (next);
    for (const object of this.#cache.list()) if (!seen.has(keyOf(object))) this.#remove(object);
    for (const object of seen.values()) this.#put(object);
    this.#version = version;
  }

  /** Watches until the server ends it. Throws what the watch throws; calls `alive` when it has shown that it works. */
  async #follow(signal: AbortSignal, alive: () => void): Promise<void> {
    const started = this.#clock.now();
    let events = 0;
    const options = { ...this.#scope, ...(this.#version !== undefined && { resourceVersion: this.#version }), signal };
    for await (const event of guardedWatch<T>(this.#client, this.resource, options, this.#options.stallSeconds ?? 150, this.#clock)) {
      events += 1;
      alive();
      this.#apply(event);
    }
    // A server that ends empty watches at once (or a proxy before it) must not make this loop spin.
    if (events === 0 && !signal.aborted && this.#clock.now() - started < 1000) throw new Error('the watch ended at once');
    alive();
  }

  get #scope(): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return { ...(namespace && { namespace }), ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
  }

  #apply(event: WatchEvent<T>): void {
    const { type, object } = event;
    const version = object.metadata.resourceVersion;
    if (type === 'DELETED') this.#remove(object);
    else if (type !== 'BOOKMARK') this.#put(object);
    if (version !== undefined) this.#version = version;
  }

  #put(object: T): void {
    const old = this.#cache.get(keyOf(object));
    if (old?.metadata.resourceVersion === object.metadata.resourceVersion && old?.metadata.uid === object.metadata.uid) return;
    // Deleted and made again while nobody watched: two events, as they would have been.
    if (old && old.metadata.uid !== object.metadata.uid) this.#remove(old);
    // What `observe` put may be newer than an event that was under way.
    else if (old && Number(old.metadata.resourceVersion) > Number(object.metadata.resourceVersion)) return;
    const before = this.#cache.set(object);
    this.#tell(before ? { type: 'updated', object, old: before } : { type: 'added', object });
  }

  #remove(object: T): void {
    if (this.#cache.delete(keyOf(object))) this.#tell({ type: 'deleted', object });
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) this.#call(handler, change);
  }

  #call(handler: ChangeHandler<T>, change: Change<T>): void {
    try {
      handler(change);
    } catch (thrown) {
      this.#log.error({ error: toError(thrown).stack, key: keyOf(change.object) }, 'a handler threw');
    }
  }
}
