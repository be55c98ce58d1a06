/** Who a request writes as, and what `managedFields` say after it. */
import { withDefaults } from '../../resources/defaulting.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { KubeObject } from '../../resources/object.ts';
import { resolve } from '../../resources/resolve.ts';
import type { Structure } from '../../resources/structure.ts';
import type { StoredRow } from '../storage/store.ts';
import { empty, setOf } from './apply/field-set.ts';
import type { FieldSet } from './apply/field-set.ts';
import { asksToForget, managersFrom, nobody, readManagers } from './apply/managers.ts';
import type { Managers } from './apply/managers.ts';
import { managersAfterUpdate } from './apply/update.ts';
import type { Writer } from './apply/update.ts';
import { apiVersionOf, timestamp } from './core.ts';
import type { Call, Core } from './core.ts';
import { managersTextOf } from './rows.ts';

/** The name in `managedFields` of a client that names itself neither in the request nor by a user agent. */
const unnamed = 'unknown';

const longestName = 128;

/** As Go's unicode.IsPrint. */
export const isPrintable = (char: string): boolean => /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char);
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** A client that names no field manager is known by the first part of its user agent. */
export function nameOfAgent(userAgent: string): string {
  const [name = ''] = userAgent.split('/');
  const printable = name.replace(unprintable, '');
  return Buffer.from(printable)
    .subarray(0, longestName)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}

export const writerOf = (core: Core, { kind, subresource }: Call, manager: string | undefined): Writer => ({
  structure: kind.structure,
  manager: manager || unnamed,
  apiVersion: apiVersionOf(kind),
  subresource,
  time: timestamp(core.clock.now()),
  ignored: ignoredBy(kind, subresource),
});

const status = setOf(['f:status']);
const spec = setOf(['f:spec']);
const allButStatus = setOf(['f:metadata'], ['f:spec']);
const podStatus = setOf(['f:spec'], ['f:metadata', 'f:deletionTimestamp'], ['f:metadata', 'f:ownerReferences']);

/** What a write through this subresource leaves as it is, whatever was sent. */
function ignoredBy(kind: KindDefinition, subresource: string): FieldSet {
  if (subresource !== 'status') return kind.hasStatus ? status : empty;
  if (kind.origin === 'custom') return allButStatus;
  return kind.plural === 'pods' ? podStatus : spec;
}

export const managersOf = (row: StoredRow): Managers => managersFrom(managersTextOf(row));

/** What the object to be written says itself of its managers: a client may correct them, or have them forgotten. */
export function managersSaid(sent: unknown): Managers | undefined {
  const said = (sent as Partial<KubeObject> | null)?.metadata?.managedFields;
  if (said === undefined || said === null) return undefined;
  if (asksToForget(said)) return nobody;
  const managers = readManagers(said);
  return managers && managers.size > 0 ? managers : undefined;
}

/** Managers of a new object. */
export const managersOfNew = (writer: Writer, kind: KindDefinition, said: Managers | undefined, object: KubeObject): Managers =>
  managersAfterUpdate(writer, said ?? nobody, emptyObject(kind), bare(object));

/** Managers after an update of an object; one that nobody is said to manage stays so until somebody applies. */
export function managersAfter(writer: Writer, before: Managers, said: Managers | undefined, old: KubeObject, next: KubeObject): Managers {
  const managers = (writer.subresource === '' ? said : undefined) ?? before;
  return managers.size === 0 ? managers : managersAfterUpdate(writer, managers, old, bare(next));
}

/** Managers before the first apply: what is there and was never tracked belongs to one that says so. */
export const managersBeforeApply = (writer: Writer, kind: KindDefinition, before: Managers, live: KubeObject): Managers =>
  before.size > 0 ? before : managersAfterUpdate({ ...writer, manager: 'before-first-apply' }, nobody, emptyObject(kind), live);

/** The object without `managedFields`. */
export function bare(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const empties = new WeakMap<KindDefinition, KubeObject>();

/** What the API server starts from: of its own kinds a Go struct, in which some fields are never absent. */
export function emptyObject(kind: KindDefinition): KubeObject {
  let object = empties.get(kind);
  if (!object) {
    const named = { apiVersion: apiVersionOf(kind), kind: kind.kind } as KubeObject;
    object = kind.origin === 'custom' ? named : (withNulls(kind.structure, withDefaults(kind.structure, named)) as KubeObject);
    empties.set(kind, object);
  }
  return object;
}

/** With a null for each list that is required: Go writes it even where it is nil. */
function withNulls(structure: Structure, value: unknown): unknown {
  const at = resolve(structure);
  if (at.type !== 'object' || typeof value !== 'object' || value === null) return value;
  const lists = (at.required ?? []).filter((name) => resolve(at.fields[name] as Structure).type === 'list' && !Object.hasOwn(value, name));
  return {
    ...Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withNulls(at.fields[name] as Structure, item)])),
    ...Object.fromEntries(lists.map((name) => [name, null])),
  };
}
