/**
 * Kubernetes' strategic merge patch: like a merge patch, but lists whose structure has a merge key merge item by item, and a patch
 * can carry directives: `$patch: replace|delete`, `$retainKeys`, `$setElementOrder/LIST`, `$deleteFromPrimitiveList/LIST`. What the real
 * server does with their wrong use is done here as well: mostly an error, sometimes nothing. Nothing is mutated.
 */
import { goFormat, goText, goType } from './go-text.ts';
import { inOrder, partition } from './list-order.ts';
import { field, sliceField, StrategicPatchError, type PatchType } from './strategic-types.ts';

type Json = Readonly<Record<string, unknown>>;
type List = readonly unknown[];

const orderOf = '$setElementOrder/';
const deletionsOf = '$deleteFromPrimitiveList/';

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const listOr = (value: unknown): List => {
  if (Array.isArray(value)) return value as List;
  throw new StrategicPatchError(`expected a []interface {}, but received a ${goType(value)}`);
};

const noMergeKey = (item: Json, key: string): Error =>
  new StrategicPatchError(`map: ${goText(item)} does not contain declared merge key: ${key}`);
const unknownDirective = (directive: unknown, item: Json): Error =>
  new StrategicPatchError(`unknown patch type: ${goFormat(directive)} in map: ${goText(item)}`);

/**
 * Throws StrategicPatchError.
 *
 * @example applyStrategicPatch({ structure: podKind.structure }, pod, { spec: { containers: [{ name: 'c', image: 'new' }] } })
 */
export function applyStrategicPatch(type: PatchType, target: unknown, patch: object | null): unknown {
  return mergeObject(type, isRecord(target) ? target : {}, (patch ?? {}) as Json);
}

function mergeObject(type: PatchType, target: Json, patch: Json): Json {
  if (Object.hasOwn(patch, '$patch')) return directed(patch);
  const { $retainKeys: retained, ...rest } = patch;
  const entries = new Map(Object.entries(target));
  const wishes = new Map(Object.entries(rest));
  if (Object.hasOwn(patch, '$retainKeys')) keepOnly(entries, retained, wishes);
  for (const [key, order] of wishes) if (key.startsWith(orderOf)) setOrder(type, entries, wishes, key, listOr(order));
  for (const [key, value] of wishes) {
    const isDeletion = key.startsWith(deletionsOf);
    mergeField(type, entries, isDeletion ? key.slice(deletionsOf.length) : key, value, isDeletion);
  }
  return Object.fromEntries(entries);
}

/** `$patch` in a map says what becomes of all of it. */
function directed(patch: Json): Json {
  const { $patch: directive, ...wishes } = patch;
  if (directive === 'replace') return wishes;
  if (directive === 'delete') return {};
  throw unknownDirective(directive, patch);
}

function mergeField(type: PatchType, entries: Map<string, unknown>, key: string, value: unknown, isDeletion: boolean): void {
  if (value === null) {
    entries.delete(key);
    return;
  }
  const now = entries.get(key);
  if (entries.has(key) && isRecord(now) && isRecord(value)) entries.set(key, mergeObject(field(type, key), now, value));
  else if (entries.has(key) && Array.isArray(now) && Array.isArray(value)) {
    const { items, mergeKey } = sliceField(type, key);
    entries.set(key, mergeKey === undefined && !isDeletion ? value : mergeList(items, mergeKey ?? '', now, value, isDeletion));
  } else if (!isDeletion || goType(now) === goType(value)) {
    const content = withoutDirectives(value);
    if (content === undefined) entries.delete(key);
    else entries.set(key, content);
  }
}

/** `$retainKeys`: all other fields go; the patch may set none that it does not name. */
function keepOnly(entries: Map<string, unknown>, retained: unknown, wishes: ReadonlyMap<string, unknown>): void {
  const wrong = (): Error => new StrategicPatchError('invalid patch format of retainKeys', 400);
  if (!Array.isArray(retained)) throw wrong();
  for (const [key, value] of wishes)
    if (value !== null && !key.startsWith(orderOf) && !key.startsWith(deletionsOf) && !retained.includes(key)) throw wrong();
  for (const key of entries.keys()) if (!retained.includes(key)) entries.delete(key);
}

/** The type of all items; Go's reflection knows it from the first. */
function elementType(...lists: readonly List[]): string {
  const types = lists.flat().map(goType);
  const [first] = types;
  if (first === undefined) throw new StrategicPatchError('no elements in any of the given slices');
  if (first === '[]interface {}') throw new StrategicPatchError('lists of lists are not supported', 422);
  if (types.some((each) => each !== first)) throw new StrategicPatchError(`list element types are not identical: ${goText(lists)}`);
  return first;
}

function mergeList(items: PatchType, key: string, now: List, patch: List, isDeletion: boolean): List {
  if (now.length === 0 && patch.length === 0) return now;
  if (elementType(now, patch) !== 'map[string]interface {}') {
    if (isDeletion) return now.filter((item) => !patch.includes(item));
    return inOrder(partition([...new Set([...now, ...patch])], patch, ''), patch, now, '');
  }
  if (key === '') throw new StrategicPatchError(`cannot merge lists without merge key for ${items.structure ? 'struct' : 'map'}`);
  const { left, placed } = special(now as readonly Json[], patch as readonly Json[], key);
  const merged = [...left];
  for (const item of placed) {
    if (!Object.hasOwn(item, key)) throw noMergeKey(item, key);
    const at = merged.findIndex((each) => each[key] === item[key]);
    if (at < 0) merged.push(item);
    else merged[at] = mergeObject(items, merged[at] as Json, item);
  }
  requireKeys(merged, key);
  return inOrder(partition(merged, placed, key), placed, left, key);
}

/** Items with `$patch`: some go, or all that was there does. */
function special(now: readonly Json[], patch: readonly Json[], key: string): { left: readonly Json[]; placed: readonly Json[] } {
  const placed = patch.filter((item) => !Object.hasOwn(item, '$patch'));
  let left = now;
  let isReplaced = false;
  for (const item of patch) {
    if (!Object.hasOwn(item, '$patch')) continue;
    const { $patch: directive } = item;
    if (directive === 'delete') {
      if (!Object.hasOwn(item, key)) throw noMergeKey(item, key);
      left = left.filter((each) => each[key] !== item[key]);
    } else if (directive === 'replace') isReplaced = true;
    else if (directive === 'merge') throw new StrategicPatchError('merging lists cannot yet be specified in the patch');
    else throw unknownDirective(directive, item);
  }
  return isReplaced ? { left: placed, placed: [] } : { left, placed };
}

function requireKeys(items: List, key: string): void {
  for (const item of items) {
    if (!isRecord(item)) throw new StrategicPatchError(`expected a map[string]interface {}, but received a ${goType(item)}`);
    if (!Object.hasOwn(item, key)) throw noMergeKey(item, key);
  }
}

/** The patch's own items must follow the order that it names. */
function checkOrder(patch: List, order: List, key: string): void {
  if (patch.length === 0 || order.length === 0) return;
  if (key !== '') requireMaps(patch);
  const wanted = patch.filter((item) => !isRecord(item) || !Object.hasOwn(item, '$patch'));
  const identity = (item: unknown): unknown => {
    if (key === '') return item;
    requireKeys([item], key);
    return (item as Json)[key];
  };
  let at = 0;
  for (const item of order) if (at < wanted.length && identity(wanted[at]) === identity(item)) at++;
  if (at < wanted.length)
    throw new StrategicPatchError(`The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`);
}

function requireMaps(items: List): void {
  for (const item of items)
    if (!isRecord(item)) throw new StrategicPatchError(`expected a map[string]interface {}, but received a ${goType(item)}`);
}

/** `$setElementOrder/LIST`: the list merged, then in the order that the directive names; others keep their places. */
function setOrder(type: PatchType, entries: Map<string, unknown>, wishes: Map<string, unknown>, directive: string, order: List): void {
  const key = directive.slice(orderOf.length);
  wishes.delete(directive);
  const before = entries.has(key) ? listOr(entries.get(key)) : undefined;
  const patch = wishes.has(key) ? listOr(wishes.get(key)) : undefined;
  const { items, mergeKey } = sliceField(type, key);
  const by = mergeKey ?? '';
  checkOrder(patch ?? [], order, by);
  if (!before && !patch) return;
  let merged = before ?? (withoutDirectives(patch) as List);
  if (before && patch) merged = mergeKey === undefined ? patch : mergeList(items, mergeKey, before, patch, false);
  if (by !== '') {
    requireKeys(merged, by);
    const wrong = merged.length === 0 ? -1 : order.findIndex((item) => !isRecord(item));
    if (wrong >= 0) throw new StrategicPatchError(`value for key ${wrong} is not a map`);
  }
  if (elementType(before ?? [], patch ?? []) === 'map[string]interface {}') requireKeys(order, by);
  entries.set(key, inOrder(partition(merged, order, by), order, before ?? [], by));
  wishes.delete(key);
}

/** A value that enters where none was: without nulls and whatever has a directive; undefined when it has one itself. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isRecord(value)) return value;
  if (Object.hasOwn(value, '$patch')) return undefined;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, withoutDirectives(item)] as const)
      .filter(([, item]) => item !== undefined),
  );
}
