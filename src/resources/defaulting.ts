/** What an object is once the server has read it: defaults filled in, nulls and unknown fields gone. Nothing here mutates. */
import { childPath, isMapping, own, rebuilt, resolve } from './resolve.ts';
import type { ListStructure, ObjectStructure, Structure } from './structure.ts';

/**
 * A null field is as if absent, everywhere. What else differs: the API server decodes its own kinds (and everyone's metadata) into
 * Go structs, where an empty optional list or map is as if absent, too; custom resources stay JSON.
 */
type Reading = 'go' | 'json';

const readingOf = (structure: Structure, outer: Reading): Reading => (structure.type === 'ref' ? 'go' : outer);

/**
 * The object with its structure's defaults.
 *
 * @example withDefaults(functionKind.structure, {…}).spec.timeoutSeconds // 60
 */
export function withDefaults<T extends object>(structure: Structure, object: T): T {
  return defaulted(structure, object, 'json') as T;
}

function defaulted(structure: Structure, value: unknown, outer: Reading): unknown {
  const reading = readingOf(structure, outer);
  const at = resolve(structure);
  if (at.type === 'object' && isMapping(value)) return defaultedObject(at, value, reading);
  if (at.type === 'map' && isMapping(value)) {
    const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
      if (item === null) return reading === 'go' ? [[key, zeroOf(at.values)]] : [];
      return [[key, defaulted(at.values, item, reading)]];
    });
    return rebuilt(value, entries);
  }
  if (at.type === 'list' && Array.isArray(value)) return defaultedList(at, value, reading);
  return value;
}

function defaultedObject(structure: ObjectStructure, value: Readonly<Record<string, unknown>>, reading: Reading): unknown {
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    const field = own(structure.fields, key);
    if (!field) entries.push([key, item]);
    else if (item !== null) {
      const read = defaulted(field, item, reading);
      if (reading === 'go' && isEmptyOptional(field, read) && !structure.required?.includes(key)) continue;
      entries.push([key, read]);
    }
  }
  const present = new Set(entries.map(([key]) => key));
  for (const [key, field] of Object.entries(structure.fields)) {
    if (field.default !== undefined && !present.has(key)) entries.push([key, defaulted(field, structuredClone(field.default), reading)]);
  }
  return rebuilt(value, entries);
}

function isEmptyOptional(field: Structure, value: unknown): boolean {
  if (field.type === 'list') return Array.isArray(value) && value.length === 0;
  return field.type === 'map' && isMapping(value) && Object.keys(value).length === 0;
}

function defaultedList(structure: ListStructure, value: readonly unknown[], reading: Reading): readonly unknown[] {
  const items = value.map((item) =>
    defaulted(structure.items, item === null && reading === 'go' ? zeroOf(structure.items) : item, reading),
  );
  return items.every((item, index) => item === value[index]) ? value : items;
}

/** What Go makes of a null where something must stand. */
function zeroOf(structure: Structure): unknown {
  const at = resolve(structure);
  if (at.type === 'object' || at.type === 'map') return {};
  if (at.type === 'list') return [];
  if (at.type === 'boolean') return false;
  return at.type === 'string' || at.type === 'any' || at.type === 'json' ? '' : 0;
}

/** The object without the fields its structure does not know (fields of `any` stay whatever they hold). */
export function prune<T extends object>(structure: Structure, object: T): T {
  return pruned(structure, object) as T;
}

function pruned(structure: Structure, value: unknown): unknown {
  const at = resolve(structure);
  if (at.type === 'list' && Array.isArray(value)) {
    const items = value.map((item) => pruned(at.items, item));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isMapping(value)) return value;
  if (at.type === 'map')
    return rebuilt(
      value,
      Object.entries(value).map(([key, item]) => [key, pruned(at.values, item)] as const),
    );
  if (at.type !== 'object') return value;
  const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const field = own(at.fields, key);
    return field ? [[key, pruned(field, item)]] : [];
  });
  return rebuilt(value, entries);
}

/**
 * Paths of the fields that `prune` would drop, as strict validation names them: `spec.foo`, `spec.env[0].bar`.
 * The server's sentence is `unknown field "PATH"`.
 */
export function unknownFields(structure: Structure, object: unknown): string[] {
  const found: string[] = [];
  const visit = (structure: Structure, value: unknown, path: string): void => {
    const at = resolve(structure);
    if (at.type === 'list' && Array.isArray(value)) value.forEach((item, index) => visit(at.items, item, `${path}[${index}]`));
    else if (at.type === 'map' && isMapping(value))
      for (const [key, item] of Object.entries(value)) visit(at.values, item, childPath(path, key));
    else if (at.type === 'object' && isMapping(value)) {
      for (const [key, item] of Object.entries(value)) {
        const field = own(at.fields, key);
        if (field) visit(field, item, childPath(path, key));
        else found.push(childPath(path, key));
      }
    }
  };
  visit(structure, object, '');
  return found;
}
