import type { KubeObject } from '../resources/object.ts';
import { keyOf } from './key.ts';

/** The values under which an object is found in an index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Objects by key, and by the indexes asked for. */
export class Cache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #functions: readonly (readonly [string, IndexFunction<T>])[];
  /** index name -> value -> keys */
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

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
    const index = this.#indexes.get(name);
    if (!index) throw new RangeError(`no index "${name}"; there are: ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    const keys = index.get(value);
    return keys ? Array.from(keys, (key) => this.#objects.get(key) as T) : [];
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
        if (keys) keys.add(key);
        else index.set(value, new Set([key]));
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
        keys?.delete(key);
        if (keys?.size === 0) index.delete(value);
      }
    }
    return old;
  }
}
