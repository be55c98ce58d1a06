/**
 * One step of a field path, as `fieldsV1` writes it: `f:NAME` a field or a map's key, `k:{…}` the item of a list by its keys,
 * `v:VALUE` the item of a set, `i:N` the item at an index.
 */
import { goJson } from '../go-text.ts';
import { own, resolve } from '../../../resources/resolve.ts';
import type { Json } from '../../../resources/resolve.ts';
import type { ListStructure } from '../../../resources/structure.ts';

export const fieldElement = (name: string): string => `f:${name}`;

/** Why a list's item has no place of its own. */
export class ElementError extends Error {}

/** The item's step in a list of type `map` or `set`. Throws ElementError. */
export function itemElement(list: ListStructure, item: unknown): string {
  if (list.list === 'set') {
    if (item === null) throw new ElementError("associative list without keys has an element that's an explicit null");
    if (Array.isArray(item)) throw new ElementError('not supported: associative list with lists as elements');
    if (typeof item === 'object') throw new ElementError("associative list without keys has an element that's a map type");
    return `v:${goJson(item)}`;
  }
  if (item === null) throw new ElementError('associative list with keys may not have a null element');
  if (typeof item !== 'object' || Array.isArray(item)) throw new ElementError('associative list with keys may not have non-map elements');
  const names = list.keys ?? [];
  const key: Record<string, unknown> = {};
  for (const name of names.length > 1 ? [...names].sort() : names) {
    const value = own(item as Json, name) ?? keyDefault(list, name);
    if (value !== undefined) key[name] = value;
  }
  for (const _ in key) return `k:${goJson(key)}`;
  const said = names.map((name) => JSON.stringify(name)).join(' ');
  throw new ElementError(
    `associative list with keys has an element that omits all key fields [${said}] (and doesn't have default values for any key fields)`,
  );
}

function keyDefault(list: ListStructure, name: string): unknown {
  const item = resolve(list.items);
  return item.type === 'object' ? own(item.fields, name)?.default : undefined;
}

const shown = (value: unknown): string => JSON.stringify(value);

/** As messages have it: `.name`, `[name="a"]`, `[="v"]`, `[0]`. */
export function elementText(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('i:')) return `[${rest}]`;
  if (element.startsWith('v:')) return `[=${shown(JSON.parse(rest))}]`;
  const entries = Object.entries(JSON.parse(rest) as Json).map(([name, value]) => `${name}=${shown(value)}`);
  return `[${entries.join(',')}]`;
}

export const pathText = (path: readonly string[]): string => path.map(elementText).join('');

const ranks = 'fkvi';
const kinds = ['number', 'string', 'boolean'];

function compareValues(a: unknown, b: unknown): number {
  if (typeof a !== typeof b) return kinds.indexOf(typeof a) - kinds.indexOf(typeof b);
  return (a as string) < (b as string) ? -1 : (a as string) > (b as string) ? 1 : 0;
}

function compareKeys(a: Json, b: Json): number {
  const [left, right] = [Object.entries(a), Object.entries(b)];
  for (const [index, [name, value]] of left.entries()) {
    const other = right[index];
    if (!other) return 1;
    const order = compareValues(name, other[0]) || compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** The order in which messages tell of them. */
export function compareElements(a: string, b: string): number {
  const rank = ranks.indexOf(a.charAt(0)) - ranks.indexOf(b.charAt(0));
  if (rank !== 0) return rank;
  const [left, right] = [a.slice(2), b.slice(2)];
  if (a.startsWith('f:')) return compareValues(left, right);
  if (a.startsWith('k:')) return compareKeys(JSON.parse(left) as Json, JSON.parse(right) as Json);
  return compareValues(JSON.parse(left), JSON.parse(right));
}
