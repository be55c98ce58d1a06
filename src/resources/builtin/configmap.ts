import { isDeepStrictEqual } from 'node:util';
import { computed, computedAge, moment, nameColumn } from '../cells.ts';
import { forbidden, invalid, tooLong } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import { configMapKey } from '../names.ts';
import type { KubeObject } from '../object.ts';
import { configMaps } from '../resources.ts';
import { defineBuiltin } from './define.ts';

export interface ConfigMap extends KubeObject {
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
  /** Values in base64. */
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** What a ConfigMap or a Secret may hold. */
export const maxDataBytes = 1024 * 1024;

/** Bytes that a base64 text stands for. */
export const decodedBytes = (base64: string): number => Buffer.byteLength(base64, 'base64');

/** Errors of the keys of `data`, as the server words them. */
export const keyErrors = (field: string, data: Readonly<Record<string, string>> | undefined): FieldError[] =>
  Object.keys(data ?? {}).flatMap((key) => configMapKey(key).map((says) => invalid(`${field}[${key}]`, key, says)));

/** What `immutable: true` forbids. */
export function immutableErrors<T extends { readonly immutable?: boolean }>(
  object: T,
  old: T | undefined,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (!old?.immutable) return [];
  const says = 'field is immutable when `immutable` is set';
  return [
    ...(object.immutable ? [] : [forbidden('immutable', says)]),
    ...fields.filter((field) => !isDeepStrictEqual(object[field], old[field])).map((field) => forbidden(field, says)),
  ];
}

export const configMapKind = defineBuiltin<ConfigMap>(configMaps, {
  singular: 'configmap',
  shortNames: ['cm'],
  columns: [nameColumn, computed('Data', 'How many keys it holds.'), computedAge],
  cells: ({ metadata, data, binaryData }) => [
    metadata.name,
    Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    moment(metadata.creationTimestamp),
  ],

  validate(map, old) {
    const errors = immutableErrors(map, old, ['data', 'binaryData']);
    for (const key of Object.keys(map.data ?? {})) {
      errors.push(...configMapKey(key).map((says) => invalid(`data[${key}]`, key, says)));
      if (Object.hasOwn(map.binaryData ?? {}, key)) errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    }
    errors.push(...keyErrors('binaryData', map.binaryData));
    const bytes = [
      ...Object.values(map.data ?? {}).map((text) => Buffer.byteLength(text)),
      ...Object.values(map.binaryData ?? {}).map(decodedBytes),
    ].reduce((a, b) => a + b, 0);
    if (bytes > maxDataBytes) errors.push(tooLong('[]', maxDataBytes));
    return errors;
  },
});
