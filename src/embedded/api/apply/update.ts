/** Who manages what after a write that is no apply. */
import type { KubeObject } from '../../../resources/object.ts';
import type { Structure } from '../../../resources/structure.ts';
import { compare, ignoring, isSame } from './compare.ts';
import type { Comparison } from './compare.ts';
import { difference, intersection, isEmpty, setOf, union } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { identity, mapFields, withoutAncient } from './managers.ts';
import type { Manager, Managers } from './managers.ts';

/** One request that writes. */
export interface Writer {
  readonly structure: Structure;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
  /** Fields that this request does not write, whatever it says. */
  readonly ignored: FieldSet;
}

/** What identifies an object, and what only the server says, is nobody's. */
export const unmanaged = setOf(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map(
    (name) => ['f:metadata', `f:${name}`],
  ),
);

/** Managers after the writer made `next` of `live`: what it changed is its own now, and no one else's. */
export function managersAfterUpdate(writer: Writer, managers: Managers, live: object, next: KubeObject): Managers {
  const comparison = ignoring(compare(writer.structure, live, next), writer.ignored);
  if (isSame(comparison)) return managers;
  const left = mapFields(managers, (fields) => difference(difference(fields, taken(fields, comparison)), comparison.removed));
  const fields = difference(union(comparison.modified, comparison.added), unmanaged);
  if (isEmpty(fields)) return withoutAncient(left);
  const entry: Manager = { ...entryOf(writer, 'Update'), fields };
  const id = identity(entry);
  const before = left.get(id);
  return withoutAncient(new Map(left).set(id, before ? { ...entry, fields: union(before.fields, fields) } : entry));
}

/** Those of a manager's fields that the change gave another value. */
export const taken = (fields: FieldSet, { modified, added }: Comparison): FieldSet =>
  union(intersection(fields, modified), intersection(fields, added));

export function entryOf({ manager, apiVersion, subresource, time }: Writer, operation: Manager['operation']): Omit<Manager, 'fields'> {
  return { manager: manager || 'unknown', operation, apiVersion, subresource, time };
}
