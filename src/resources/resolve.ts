/** Walking a Structure: references resolved, keys looked up without ever reaching a prototype. */
import { builtinStructures } from './builtin/structures.ts';
import type { Structure } from './structure.ts';

export type Resolved = Exclude<Structure, { type: 'ref' }>;

/** The structure itself, or the table's entry that it names. */
export function resolve(structure: Structure): Resolved {
  let at = structure;
  while (at.type === 'ref') {
    const entry = builtinStructures[at.ref];
    if (!entry) throw new Error(`structure ${at.ref} is not in the table`);
    at = entry;
  }
  return at;
}

export type Json = Readonly<Record<string, unknown>>;

export const isMapping = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `__proto__` and `constructor` are keys like any other: only own properties count. */
export const own = <T>(object: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/**
 * A copy with `entries` (Object.fromEntries defines own properties, so `__proto__` stays a key), or `before` itself where nothing
 * differs: unchanged parts are shared.
 */
export function rebuilt(before: Json, entries: readonly (readonly [string, unknown])[]): Json {
  const names = Object.keys(before);
  const same = entries.length === names.length && entries.every(([key, value], index) => names[index] === key && before[key] === value);
  return same ? before : Object.fromEntries(entries);
}

/** `spec` + `env` -> `spec.env`. */
export const childPath = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** Value at a dotted path of plain fields (`spec.source`), undefined where it is not there. */
export function valueAt(object: unknown, path: string): unknown {
  let at = object;
  for (const key of path.split('.')) {
    if (!isMapping(at)) return undefined;
    at = own(at, key);
  }
  return at;
}
