/** From client-side to server-side apply: the annotation in which kubectl keeps what it applied last. */
import type { KubeObject } from '../../../resources/object.ts';
import type { Structure } from '../../../resources/structure.ts';
import { compare } from './compare.ts';
import { difference } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { goJson } from '../go-text.ts';
import { fieldsOf } from './fields.ts';

export const lastAppliedKey = 'kubectl.kubernetes.io/last-applied-configuration';

/** Fields that kubectl applied client-side and that are still as it applied them: its own, so it may take them. */
export function fieldsLastApplied(structure: Structure, live: Partial<KubeObject>): FieldSet | undefined {
  const text = live.metadata?.annotations?.[lastAppliedKey];
  if (!text) return undefined;
  let last: Partial<KubeObject>;
  try {
    last = JSON.parse(text) as Partial<KubeObject>;
  } catch {
    return undefined;
  }
  if (typeof last !== 'object' || last === null || last.apiVersion !== live.apiVersion) return undefined;
  const { modified, added, removed } = compare(structure, last, live);
  return [modified, added, removed].reduce(difference, fieldsOf(structure, last));
}

const maxAnnotationBytes = 256 * 1024;

/** The object with the annotation as kubectl would now write it client-side; as it is where it has none. */
export function withLastApplied<T extends Partial<KubeObject>>(object: T, config: Partial<KubeObject>): T {
  const { metadata } = object;
  if (!metadata?.annotations?.[lastAppliedKey]) return object;
  const { [lastAppliedKey]: _, ...annotations } = metadata.annotations;
  const { [lastAppliedKey]: _said, ...said } = config.metadata?.annotations ?? {};
  const value = `${goJson(sorted({ ...config, metadata: { ...config.metadata, ...(config.metadata?.annotations && { annotations: said }) } }))}\n`;
  const next = { ...annotations, [lastAppliedKey]: value };
  const bytes = Object.entries(next).reduce((sum, [key, each]) => sum + Buffer.byteLength(key) + Buffer.byteLength(each), 0);
  return { ...object, metadata: { ...metadata, annotations: bytes > maxAnnotationBytes ? annotations : next } };
}

/** Go writes keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
