/** RFC 7396: objects merge, null removes, everything else replaces. Nothing is mutated; what stays as it was is shared. */

import { rebuilt } from '../../resources/resolve.ts';

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @example applyMergePatch({ a: 1, b: 2 }, { a: null, c: 3 }) // { b: 2, c: 3 } */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const base = isRecord(target) ? target : {};
  const entries = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) entries.delete(key);
    else entries.set(key, applyMergePatch(entries.get(key), value));
  }
  return base === target ? rebuilt(base, [...entries]) : Object.fromEntries(entries);
}
