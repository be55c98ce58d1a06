/** What a change did, as sets of fields. */
import { isDeepStrictEqual } from 'node:util';

import type { Structure } from '../../../resources/structure.ts';
import { empty, isEmpty, leaf, nodeOf, without } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { entriesOf, isHollow, itemsOf, viewOf } from './typed.ts';

/** No field is in two of them; all are empty where nothing changed. */
export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

const same: Comparison = { removed: empty, modified: empty, added: empty };

/** Shared parts are not looked into, so a change of few fields costs little. */
export function compare(structure: Structure, before: object, after: object): Comparison {
  return compared(structure, before, after);
}

/** Without the fields that the request may not write, and what is below them. */
export function ignoring({ removed, modified, added }: Comparison, ignored: FieldSet): Comparison {
  return { removed: without(removed, ignored), modified: without(modified, ignored), added: without(added, ignored) };
}

export const isSame = ({ removed, modified, added }: Comparison): boolean => isEmpty(removed) && isEmpty(modified) && isEmpty(added);

/** At the node itself: `modified` as a leaf stands for the node. */
type Changes = { readonly [part in keyof Comparison]: Record<string, FieldSet> };

function compared(structure: Structure, before: unknown, after: unknown): Comparison {
  if (before === after) return same;
  const view = viewOf(structure, after ?? before);
  if (view.as === 'leaf' || (isHollow(before) && isHollow(after)))
    return isDeepStrictEqual(before, after) ? same : { ...same, modified: whole };
  const changes: Changes = { removed: {}, modified: {}, added: {} };
  if (view.as === 'list') compareItems(view.list, before, after, changes);
  else {
    const [old, now] = [entriesOf(before), entriesOf(after)];
    for (const name in now)
      note(changes, fieldElement(name), view.field(name), Object.hasOwn(old, name) ? old[name] : undefined, now[name]);
    for (const name in old) if (!Object.hasOwn(now, name)) note(changes, fieldElement(name), view.field(name), old[name], undefined);
  }
  return changes;
}

/** Marks a value that changed as one: it has no fields, so `note` tells it from "nothing changed" by identity. */
const whole: FieldSet = Object.freeze({});

function note(changes: Changes, element: string, structure: Structure, before: unknown, after: unknown): void {
  if (before === after) return;
  if (before === undefined) changes.added[element] = presentFields(structure, after);
  else if (after === undefined) changes.removed[element] = presentFields(structure, before);
  else {
    const inside = compared(structure, before, after);
    if (inside === same) return;
    if (inside.modified === whole) changes.modified[element] = leaf;
    else
      for (const part of ['removed', 'modified', 'added'] as const) {
        const node = nodeOf(false, inside[part]);
        if (node) changes[part][element] = node;
      }
  }
}

/** All fields of a value that was not there before, or is no more: it and everything in it. */
function presentFields(structure: Structure, value: unknown): FieldSet {
  const view = viewOf(structure, value);
  if (view.as === 'leaf' || isHollow(value)) return leaf;
  const children: Record<string, FieldSet> = {};
  if (view.as === 'list')
    for (const [element, items] of itemsOf(view.list, value))
      children[element] = items.length > 1 ? leaf : presentFields(view.list.items, items[0]);
  else {
    const entries = entriesOf(value);
    for (const name in entries) children[fieldElement(name)] = presentFields(view.field(name), entries[name]);
  }
  return nodeOf(true, children) ?? leaf;
}

/** Items that stand twice are owned as one. */
function compareItems(
  list: Extract<ReturnType<typeof viewOf>, { as: 'list' }>['list'],
  before: unknown,
  after: unknown,
  changes: Changes,
): void {
  const [old, now] = [itemsOf(list, before), itemsOf(list, after)];
  for (const element of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(element) ?? [], now.get(element) ?? []];
    if (was.length <= 1 && is.length <= 1) note(changes, element, list.items, was[0], is[0]);
    else if (was.length > 1 && is.length > 1) {
      if (!isDeepStrictEqual(was, is)) changes.modified[element] = leaf;
    } else if (was.length > 1) {
      changes.removed[element] = leaf;
      if (is.length > 0) changes.added[element] = presentFields(list.items, is[0]);
    } else {
      changes.added[element] = leaf;
      if (was.length > 0) changes.removed[element] = presentFields(list.items, was[0]);
    }
  }
}
