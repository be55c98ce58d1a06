/** The fields that an applied configuration speaks of, and the structure's own fields above them. */
import type { Structure } from '../../../resources/structure.ts';
import { resolve } from '../../../resources/resolve.ts';
import { empty, leaf, nodeOf } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { entriesOf, isHollow, itemsOf, viewOf } from './typed.ts';

/** Leaves, items of lists and keys of maps; a field of a struct only where nothing is below it. */
export function fieldsOf(structure: Structure, value: unknown): FieldSet {
  const view = viewOf(structure, value);
  const children: Record<string, FieldSet> = {};
  if (view.as === 'map') {
    const entries = entriesOf(value);
    for (const name in entries) {
      const item = entries[name];
      const node = fieldNode(view.field(name), item, !view.known(name) || item === null || (isHollow(item) && !Array.isArray(item)));
      if (node) children[fieldElement(name)] = node;
    }
  } else if (view.as === 'list')
    for (const [element, items] of itemsOf(view.list, value))
      children[element] = items.length > 1 ? leaf : (fieldNode(view.list.items, items[0], true) ?? leaf);
  return children;
}

function fieldNode(structure: Structure, value: unknown, member: boolean): FieldSet | undefined {
  if (viewOf(structure, value).as === 'leaf') return leaf;
  return nodeOf(member, fieldsOf(structure, value));
}

/** With every struct field that something is below of as a member: to remove all that is in it is to remove it. */
export function withNamedFields(structure: Structure | undefined, set: FieldSet): FieldSet {
  const at = structure && resolve(structure);
  const out: Record<string, FieldSet> = {};
  for (const element in set) {
    if (element === '.') {
      out[element] = leaf;
      continue;
    }
    const name = element.slice(2);
    const isField = element.startsWith('f:') && at?.type === 'object' && Object.hasOwn(at.fields, name);
    const inner =
      at?.type === 'object'
        ? isField
          ? at.fields[name]
          : undefined
        : at?.type === 'map'
          ? at.values
          : at?.type === 'list'
            ? at.items
            : undefined;
    const below = withNamedFields(inner, set[element] ?? empty);
    let isBare = true;
    for (const _ in below) isBare = false;
    out[element] = isField && !isBare && !('.' in below) ? { '.': leaf, ...below } : below;
  }
  return out;
}
