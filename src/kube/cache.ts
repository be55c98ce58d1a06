/** The objects of an informer with their indexes. */
import type { KubeObject } from '../resources/object.ts';
import { keyOf } from './key.ts';

/** The values under which an object is found in an index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** The keys under one value: mostly one, for which a Set would weigh more than the entry itself. */
type Keys = string | Set<string>;

/** Objects by key, and by the indexes asked for. */
export class Cache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #functions: readonly (readonly [string, IndexFunction<T>])[];
  /** index name -> value -> keys */
  readonly #indexes = new Map<string, Map<string, Keys>>();

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>>) {
    this.#functions = Object.entries(indexes);
    for (const [name] of this.#functions) this.#indexes.set(name, new Map());
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  byIndex(name: string, value: string): readonly T[] {
    const keys = this.#keys(name, value);
    if (keys === undefined) return [];
    return typeof keys === 'string' ? [this.#objects.get(keys) as T] : Array.from(keys, (key) => this.#objects.get(key) as T);
  }

  countByIndex(name: string, value: string): number {
    const keys = this.#keys(name, value);
    return keys === undefined ? 0 : typeof keys === 'string' ? 1 : keys.size;
  }

  /** Puts the object and says what it replaces. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.delete(key);
    this.#objects.set(key, object);
    for (const [name, values] of this.#functions) {
      const index = this.#indexes.get(name)!;
      for (const value of values(object)) {
        const keys = index.get(value);
        if (keys === undefined || keys === key) index.set(value, key);
        else if (typeof keys === 'string') index.set(value, new Set([keys, key]));
        else keys.add(key);
      }
    }
    return old;
  }

  /** Takes the object out and says what it was. */
  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (!old) return undefined;
    this.#objects.delete(key);
    for (const [name, values] of this.#functions) {
      const index = this.#indexes.get(name)!;
      for (const value of values(old)) {
        const keys = index.get(value);
        if (typeof keys === 'object') keys.delete(key);
        if (keys === key || (typeof keys === 'object' && keys.size === 0)) index.delete(value);
      }
    }
    return old;
  }

  #keys(name: string, value: string): Keys | undefined {
    const index = this.#indexes.get(name);
    if (!index) throw new RangeError(`no index "${name}"; there are: ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    return index.get(value);
  }
}
