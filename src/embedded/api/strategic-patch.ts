/**
 * Kubernetes' strategic merge patch: like a merge patch, but lists whose structure has a merge key merge item by item, and a patch
 * can carry directives: `$patch: replace|delete`, `$retainKeys`, `$setElementOrder/LIST`, `$deleteFromPrimitiveList/LIST`.
 * Nothing is mutated.
 */
import { resolve } from '../../resources/resolve.ts';
import type { Structure } from '../../resources/structure.ts';
import { goText } from './go-text.ts';
import { PatchError } from './json-patch.ts';
import { inOrder, partition } from './list-order.ts';

type Json = Record<string, unknown>;

const orderOf = '$setElementOrder/';
const deletionsOf = '$deleteFromPrimitiveList/';

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @example applyStrategicPatch(podKind.structure, pod, { spec: { containers: [{ name: 'c', image: 'new' }] } }) */
export function applyStrategicPatch(structure: Structure, target: unknown, patch: object): unknown {
  return mergeObject(structure, isRecord(target) ? target : {}, patch as Json);
}

function fieldOf(structure: Structure | undefined, key: string): Structure | undefined {
  const at = structure && resolve(structure);
  if (at?.type === 'map') return at.values;
  return at?.type === 'object' && Object.hasOwn(at.fields, key) ? at.fields[key] : undefined;
}

/** The key by which a list's items merge: '' for scalars, undefined where the list is replaced as a whole. */
function mergeKeyOf(structure: Structure | undefined): string | undefined {
  const at = structure && resolve(structure);
  return at?.type === 'list' ? at.mergeKey : undefined;
}

function itemsOf(structure: Structure | undefined): Structure | undefined {
  const at = structure && resolve(structure);
  return at?.type === 'list' ? at.items : undefined;
}

function mergeObject(structure: Structure | undefined, target: Json, patch: Json): Json {
  const { $patch: directive, $retainKeys: retained, ...wishes } = patch;
  if (directive === 'replace') return withoutDirectives(wishes) as Json;
  if (directive === 'delete') return {};
  if (directive !== undefined) throw new PatchError(`unknown patch type: ${goText(directive)} in map: ${goText(patch)}`);
  const entries = new Map(Object.entries(target));
  if (retained !== undefined) keepOnly(entries, retained, wishes);
  const done = new Set<string>();
  for (const [key, order] of Object.entries(wishes)) {
    if (!key.startsWith(orderOf)) continue;
    const field = key.slice(orderOf.length);
    const ordered = orderedList(fieldOf(structure, field), field, entries.get(field), wishes[field], order);
    if (ordered) entries.set(field, ordered);
    done.add(key).add(field);
  }
  for (const [key, value] of Object.entries(wishes)) {
    if (done.has(key)) continue;
    if (key.startsWith(deletionsOf)) {
      const field = key.slice(deletionsOf.length);
      const now = entries.get(field);
      if (!Array.isArray(value)) throw new PatchError(`expected a list of items to delete from ${field}`);
      if (Array.isArray(now))
        entries.set(
          field,
          now.filter((item) => !value.includes(item)),
        );
    } else if (value === null) entries.delete(key);
    else entries.set(key, mergeValue(fieldOf(structure, key), entries.get(key), value));
  }
  return Object.fromEntries(entries);
}

function keepOnly(entries: Map<string, unknown>, retained: unknown, wishes: Json): void {
  if (!Array.isArray(retained)) throw new PatchError('$retainKeys must be a list');
  const missing = Object.entries(wishes).filter(([key, value]) => value !== null && !key.startsWith('$') && !retained.includes(key));
  if (missing.length > 0) throw new PatchError('invalid patch format of retainKeys');
  for (const key of entries.keys()) if (!retained.includes(key)) entries.delete(key);
}

function mergeValue(structure: Structure | undefined, now: unknown, value: unknown): unknown {
  if (isRecord(value) && isRecord(now)) return mergeObject(structure, now, value);
  if (Array.isArray(value) && Array.isArray(now)) return mergeList(structure, now, value);
  return withoutDirectives(value);
}

function mergeList(structure: Structure | undefined, now: readonly unknown[], patch: readonly unknown[]): readonly unknown[] {
  const key = mergeKeyOf(structure);
  if (key === undefined) return withoutDirectives(patch) as unknown[];
  if (key === '') {
    const merged = [...new Set([...now, ...patch])];
    return inOrder(partition(merged, patch, key), patch, now, key);
  }
  // One such item means the whole list, and is itself no part of it.
  if (patch.some((item) => isRecord(item) && item['$patch'] === 'replace')) return withoutDirectives(patch) as unknown[];
  const merged = [...now];
  const placed: unknown[] = [];
  for (const item of patch) {
    if (!isRecord(item)) throw new PatchError(`expected an object in the list, not ${JSON.stringify(item)}`);
    if (!Object.hasOwn(item, key)) throw new PatchError(`map: ${goText(item)} does not contain declared merge key: ${key}`);
    const at = merged.findIndex((each) => isRecord(each) && each[key] === item[key]);
    if (item['$patch'] === 'delete') {
      if (at >= 0) merged.splice(at, 1);
      continue;
    }
    placed.push(item);
    if (at < 0) merged.push(withoutDirectives(item));
    else merged[at] = mergeObject(itemsOf(structure), merged[at] as Json, item);
  }
  return inOrder(partition(merged, placed, key), placed, now, key);
}

/** The patch's own items must follow the order that it names. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], field: string, key: string): void {
  const wanted = patch.filter((item) => !(isRecord(item) && item['$patch'] === 'delete'));
  if (wanted.length === 0 || order.length === 0) return;
  const identity = (item: unknown): unknown => (key !== '' && isRecord(item) ? item[key] : item);
  let at = 0;
  for (const item of order) if (at < wanted.length && identity(item) === identity(wanted[at])) at++;
  if (at < wanted.length)
    throw new PatchError(`The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`);
}

/** A list with `$setElementOrder`: merged, then in the order that the directive names; others keep their places. */
function orderedList(
  structure: Structure | undefined,
  field: string,
  now: unknown,
  patch: unknown,
  order: unknown,
): readonly unknown[] | undefined {
  if (!Array.isArray(order)) throw new PatchError(`${orderOf}${field} must be a list`);
  const key = mergeKeyOf(structure);
  const before: readonly unknown[] | undefined = Array.isArray(now) ? now : undefined;
  const wanted: readonly unknown[] | undefined = Array.isArray(patch) ? patch : undefined;
  if (patch !== undefined && !wanted) return undefined;
  if (wanted) checkOrder(wanted, order, field, key ?? '');
  const merged = before && wanted ? mergeList(structure, before, wanted) : (before ?? (wanted && (withoutDirectives(wanted) as unknown[])));
  return merged && inOrder(partition(merged, order, key ?? ''), order, before ?? [], key ?? '');
}

/** A value that enters as it is: nulls of a patch and directives are no content. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !(isRecord(item) && (item['$patch'] === 'delete' || item['$patch'] === 'replace')))
      .map(withoutDirectives);
  }
  if (!isRecord(value)) return value;
  const isContent = ([key, item]: [string, unknown]): boolean =>
    item !== null && key !== '$patch' && key !== '$retainKeys' && !key.startsWith(orderOf) && !key.startsWith(deletionsOf);
  return Object.fromEntries(
    Object.entries(value)
      .filter(isContent)
      .map(([key, item]) => [key, withoutDirectives(item)]),
  );
}
