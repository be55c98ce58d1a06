/** Server-side apply: a configuration becomes part of an object, and who manages what is known after it. */
import { isDeepStrictEqual } from 'node:util';

import { compare, ignoring } from './compare.ts';
import { ApplyConflicts } from './conflicts.ts';
import { difference, empty, intersection, isEmpty, union, without } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { fieldsOf, withNamedFields } from './fields.ts';
import { identity, mapFields } from './managers.ts';
import type { Managers } from './managers.ts';
import { merge, removeFields } from './merge.ts';
import { entryOf, taken, unmanaged } from './update.ts';
import type { Writer } from './update.ts';

export interface Applied {
  /** Without defaults; the live object itself where nothing changed. */
  readonly object: object;
  readonly managers: Managers;
}

/**
 * The live object with the configuration in it. What the writer applied before and does not say any more is gone, unless another
 * manager has it. Throws ApplyConflicts where the writer would change others' fields and `force` is not set.
 */
export function apply(writer: Writer, managers: Managers, live: object, config: object, force: boolean): Applied {
  const { structure, ignored } = writer;
  const entry = entryOf(writer, 'Apply');
  const id = identity(entry);
  const last = managers.get(id);
  const fields = without(fieldsOf(structure, config), ignored);
  const claimed: Managers = new Map(managers).set(id, { ...entry, fields });
  const merged = merge(structure, live, config) as object;
  const pruned = last ? prune(writer, merged, claimed, last.fields) : merged;

  const comparison = ignoring(compare(structure, live, pruned), ignored);
  const conflicts = [...claimed.entries()]
    .filter(([other]) => other !== id)
    .map(([, manager]) => ({ with: manager, fields: taken(manager.fields, comparison) }))
    .filter((conflict) => !isEmpty(conflict.fields));
  if (conflicts.length > 0 && !force)
    throw new ApplyConflicts(conflicts.toSorted((a, b) => (identity(a.with) < identity(b.with) ? -1 : 1)));
  const left = new Map(
    mapFields(claimed, (fields, other) =>
      other === id ? fields : difference(difference(fields, taken(fields, comparison)), comparison.removed),
    ),
  );
  const isSame = isDeepStrictEqual(pruned, live);
  // An apply that changed nothing leaves the time as it was: none, if it is the first.
  const mine = { ...entry, ...(isSame && { time: last?.time }), fields: difference(fields, unmanaged) };
  if (isEmpty(mine.fields)) left.delete(id);
  else left.set(id, mine);
  return { object: isSame ? live : pruned, managers: left };
}

function prune({ structure }: Writer, merged: object, managers: Managers, last: FieldSet): object {
  const named = (fields: FieldSet): FieldSet => withNamedFields(structure, fields);
  const fieldsIn = (object: unknown): FieldSet => named(fieldsOf(structure, object));
  const all = fieldsIn(merged);
  const applied = named(last);
  const bare = removeFields(structure, merged, applied);
  // What anybody has stays, and so does what nobody ever applied.
  const owned = named([...managers.values()].reduce((sum, { fields }) => union(sum, fields), empty));
  const kept = removeFields(structure, merged, difference(all, union(fieldsIn(bare), owned)));
  return removeFields(structure, merged, intersection(difference(all, fieldsIn(kept)), applied)) ?? {};
}
