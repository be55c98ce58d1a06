/** Putting an applied configuration into an object, and taking fields out of one. */
import type { Structure, ListStructure } from '../../../resources/structure.ts';
import { has, isEmpty } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { elementOf, entriesOf, isHollow, itemsOf, viewOf } from './typed.ts';

/** The live object with all that the configuration says; a null is said, too. */
export function merge(structure: Structure, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const view = viewOf(structure, config);
  if (view.as === 'leaf' || (isHollow(live) && isHollow(config))) return config;
  if (view.as === 'list') return mergeItems(view.list, live, config);
  const [now, wished] = [entriesOf(live), entriesOf(config)];
  const entries = new Map(Object.entries(now));
  for (const name in wished) entries.set(name, merge(view.field(name), entries.get(name), wished[name]));
  return Object.fromEntries(entries);
}

/**
 * The configuration's items in its order; those that only the live list has stay where they stand between them. An item that stands
 * twice in the live list is replaced, not merged.
 */
function mergeItems(list: ListStructure, live: unknown, config: unknown): unknown[] {
  const wished = [...itemsOf(list, config)].map(([element, [item]]) => ({ element, item }));
  const now = itemsOf(list, live);
  const order = (Array.isArray(live) ? live : []).map((item: unknown) => ({ element: elementOf(list, item), item }));
  const isWished = new Set(wished.map(({ element }) => element));
  const shared = wished.filter(({ element }) => now.has(element)).map(({ element }) => element);
  const merged = ({ element, item }: { element: string; item: unknown }): unknown => {
    const before = now.get(element);
    return merge(list.items, before?.length === 1 ? before[0] : undefined, item);
  };
  const out: unknown[] = [];
  const done = new Set<string>();
  const take = (each: { element: string; item: unknown }): void => {
    out.push(merged(each));
    done.add(each.element);
    if (shared[0] === each.element) shared.shift();
  };
  let [at, next] = [0, 0];
  while (at < order.length || next < wished.length) {
    const here = order[at];
    const wish = wished[next];
    if (here && wish && here.element === wish.element) {
      take(wish);
      at++;
      next++;
    } else if (here && wish && here.element !== undefined && isWished.has(here.element) && shared.length > 0 && shared[0] !== here.element)
      at++;
    else if (here && (here.element === undefined || !isWished.has(here.element))) {
      out.push(here.item);
      at++;
    } else {
      if (here?.element !== undefined && done.has(here.element)) at++;
      if (wish) {
        take(wish);
        next++;
      }
    }
  }
  return out;
}

/** The value without the members of `fields`: those at its own level, and within what is below. Undefined where nothing is left. */
export function removeFields(structure: Structure, value: unknown, fields: FieldSet): unknown {
  if (isEmpty(fields)) return value;
  const view = viewOf(structure, value);
  if (view.as === 'leaf') return typeof value === 'object' && value !== null ? null : value;
  if (view.as === 'list') {
    if (!Array.isArray(value)) return value;
    const items = value.flatMap((item: unknown) => {
      const element = elementOf(view.list, item);
      if (element === undefined || fields[element] === undefined) return [item];
      return has(fields, [element]) ? [] : [removeFields(view.list.items, item, fields[element])];
    });
    return items.length > 0 ? items : null;
  }
  const entries = Object.entries(entriesOf(value)).flatMap(([name, item]): [string, unknown][] => {
    const element = fieldElement(name);
    const below = fields[element];
    if (below === undefined) return [[name, item]];
    return has(fields, [element]) ? [] : [[name, removeFields(view.field(name), item, below)]];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : null;
}
