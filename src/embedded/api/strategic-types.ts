/** Types as a strategic merge patch meets them: Go structs, looked up by reflection, and converted to without JSON. */
import { typeErrorOf } from '../../resources/type-check.ts';
import { own, resolve } from '../../resources/resolve.ts';
import type { Structure } from '../../resources/structure.ts';
import { goKind, goType } from './go-text.ts';

/** The patch cannot be applied. `code`: 500, without a reason, where the real server has not thought of the case. */
export class StrategicPatchError extends Error {
  readonly code: 400 | 422 | 500;

  constructor(message: string, code: 400 | 422 | 500 = 500) {
    super(message);
    this.code = code;
  }
}

/** What is known of a place in the object; no structure: items of a list that are no objects. */
export interface PatchType {
  readonly structure: Structure | undefined;
}

/** The type of a struct's field. */
export function field({ structure }: PatchType, key: string): PatchType {
  const at = structure && resolve(structure);
  if (at?.type !== 'object')
    throw new StrategicPatchError(
      `merging an object in json but data type is not struct, instead is: ${at?.type === 'map' ? 'map' : 'interface'}`,
    );
  const found = own(at.fields, key) ?? Object.entries(at.fields).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
  const name = structure?.type === 'ref' ? structure.ref.split('.').at(-1) : '';
  if (!found) throw new StrategicPatchError(`unable to find api field in struct ${name} for the json field ${JSON.stringify(key)}`);
  return { structure: found };
}

/** The type of a list's items, and the key by which they merge: '' for scalars, undefined where the list is replaced as a whole. */
export function sliceField(type: PatchType, key: string): { readonly items: PatchType; readonly mergeKey: string | undefined } {
  const at = resolve(field(type, key).structure as Structure);
  if (at.type !== 'list') throw new StrategicPatchError('expected slice or array type, but got: struct');
  return { items: { structure: at.items }, mergeKey: at.mergeKey };
}

/** Why a value cannot become what its structure says, in the words of the converter; undefined when it can. Nulls fit anywhere. */
export function conversionError(structure: Structure, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const at = resolve(structure);
  switch (at.type) {
    case 'any':
    case 'json':
      return undefined;
    case 'object':
      if (goKind(value) !== 'map') return `cannot restore struct from: ${goKind(value)}`;
      return first(Object.entries(at.fields), ([key, item]) => conversionError(item, own(value as Record<string, unknown>, key)));
    case 'map':
      if (goKind(value) !== 'map') return `cannot restore map from ${goKind(value)}`;
      return first(Object.values(value), (item) => conversionError(at.values, item));
    case 'list':
      if (goKind(value) !== 'slice') return `cannot restore slice from ${goKind(value)}`;
      return first(value as readonly unknown[], (item) => conversionError(at.items, item));
    case 'string':
      if (typeof value === 'string') {
        const wrong = typeErrorOf(at, value, '');
        return wrong === undefined || at.format === 'date-time' ? wrong : `error decoding from json: ${wrong}`;
      }
      if (at.format !== undefined) return typeErrorOf(at, value, '');
      return goKind(value) === 'int64' ? 'cannot convert int64 to string' : 'unrecognized type: string';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'unrecognized type: bool';
    case 'integer':
      if (typeof value !== 'number') return `unrecognized type: ${at.format ?? 'int64'}`;
      return Number.isInteger(value) ? undefined : `cannot convert ${goType(value)} to ${at.format ?? 'int64'}`;
    case 'number':
      return typeof value === 'number' ? undefined : 'unrecognized type: float64';
    default:
      return typeErrorOf(at, value, '');
  }
}

function first<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const error = check(item);
    if (error !== undefined) return error;
  }
  return undefined;
}
