/** How server-side apply sees a value of a structure: owned as one, field by field, or item by item. */
import { isMapping, own, resolve } from '../../../resources/resolve.ts';
import type { Json } from '../../../resources/resolve.ts';
import type { ListStructure, Structure } from '../../../resources/structure.ts';
import { ElementError, itemElement } from './path-element.ts';

const anything: Structure = { type: 'any' };

export type View =
  /** A scalar, or a list or map that changes only as a whole. */
  | { readonly as: 'leaf' }
  /** `known`: the structure names the field, as opposed to the key of a map. */
  | { readonly as: 'map'; readonly field: (name: string) => Structure; readonly known: (name: string) => boolean }
  | { readonly as: 'list'; readonly list: ListStructure };

const asLeaf: View = { as: 'leaf' };
const never = (): boolean => false;
const anyMap: View = { as: 'map', field: () => anything, known: never };

const views = new WeakMap<Structure, View>();

/** The structure's view; of a structure that allows anything, by what the value is. */
export function viewOf(structure: Structure, value: unknown): View {
  const at = resolve(structure);
  if (at.type === 'any') return isMapping(value) ? anyMap : asLeaf;
  let view = views.get(at);
  if (!view) views.set(at, (view = madeView(at)));
  return view;
}

function madeView(at: Exclude<Structure, { type: 'ref' }>): View {
  if (at.type === 'list') return at.list === 'map' || at.list === 'set' ? { as: 'list', list: at } : asLeaf;
  if (at.type === 'map') return at.atomic ? asLeaf : { as: 'map', field: () => at.values, known: never };
  if (at.type !== 'object' || at.atomic) return asLeaf;
  const { fields } = at;
  return { as: 'map', field: (name) => own(fields, name) ?? anything, known: (name) => Object.hasOwn(fields, name) };
}

/** Null, absent and empty look alike from inside. */
export const isHollow = (value: unknown): boolean => {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object') return false;
  for (const _ in value) return false;
  return true;
};

export const entriesOf = (value: unknown): Json => (isMapping(value) ? value : {});

/** The items of a list by their step, in order; of one step there may be several. */
export function itemsOf(list: ListStructure, value: unknown): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>();
  if (!Array.isArray(value)) return items;
  for (const item of value) {
    const element = elementOf(list, item);
    // What has no place cannot be owned.
    if (element === undefined) continue;
    const same = items.get(element);
    if (same) same.push(item);
    else items.set(element, [item]);
  }
  return items;
}

/** The item's step; undefined for one that has none. */
export function elementOf(list: ListStructure, item: unknown): string | undefined {
  try {
    return itemElement(list, item);
  } catch (error) {
    if (error instanceof ElementError) return undefined;
    throw error;
  }
}
