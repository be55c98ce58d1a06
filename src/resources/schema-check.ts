/** A custom resource against its structure, with the verdicts and the words of the API server's schema validation. */
import { duplicate, invalid, notSupported, required, tooLong, tooMany, typeInvalid } from './field-errors.ts';
import type { FieldError } from './kind.ts';
import { childPath, isMapping, own, resolve } from './resolve.ts';
import type { ListStructure, ObjectStructure, Structure } from './structure.ts';

/** OpenAPI's name of a JSON value's type. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value;
}

const wrongType = (path: string, value: unknown, wanted: string, is = typeOf(value)): FieldError =>
  typeInvalid(path, is, `${path} in body must be of type ${wanted}: "${is}"`);

const patterns = new Map<string, RegExp>();

function matches(pattern: string, value: string): boolean {
  let compiled = patterns.get(pattern);
  if (!compiled) patterns.set(pattern, (compiled = new RegExp(pattern, 'u')));
  return compiled.test(value);
}

/** Violations of types, required fields, enums, patterns, bounds and list keys, in the order of the structure's fields. */
export function schemaErrors(structure: Structure, value: unknown, path: string): FieldError[] {
  const at = resolve(structure);
  switch (at.type) {
    case 'any':
    case 'json':
      return [];
    case 'object':
      return isMapping(value) ? objectErrors(at, value, path) : [wrongType(path, value, 'object')];
    case 'map': {
      if (!isMapping(value)) return [wrongType(path, value, 'object')];
      const entries = Object.entries(value);
      const errors = entries.flatMap(([key, item]) => schemaErrors(at.values, item, childPath(path, key)));
      return at.maxProperties !== undefined && entries.length > at.maxProperties
        ? [...errors, tooMany(path, entries.length, at.maxProperties)]
        : errors;
    }
    case 'list':
      return Array.isArray(value) ? listErrors(at, value, path) : [wrongType(path, value, 'array')];
    case 'intOrString':
      if (typeof value === 'string' || (at.format === 'quantity' ? typeof value === 'number' : Number.isInteger(value)))
        return patternErrors(at, value, path);
      return [wrongType(path, value, 'integer,string')];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [wrongType(path, value, 'boolean')];
    case 'string':
      return stringErrors(at, value, path);
    default:
      return numberErrors(at, value, path);
  }
}

function objectErrors(structure: ObjectStructure, value: Readonly<Record<string, unknown>>, path: string): FieldError[] {
  const missing = (structure.required ?? []).filter((key) => !Object.hasOwn(value, key) || value[key] === null);
  const errors = missing.map((key) => required(childPath(path, key)));
  for (const [key, field] of Object.entries(structure.fields)) {
    const item = own(value, key);
    if (item !== undefined && item !== null) errors.push(...schemaErrors(field, item, childPath(path, key)));
  }
  return errors;
}

function listErrors(structure: ListStructure, value: readonly unknown[], path: string): FieldError[] {
  const errors = value.flatMap((item, index) => schemaErrors(structure.items, item, `${path}[${index}]`));
  if (structure.minItems !== undefined && value.length < structure.minItems)
    errors.push(invalid(path, value.length, `${path} in body should have at least ${structure.minItems} items`));
  if (structure.maxItems !== undefined && value.length > structure.maxItems) errors.push(tooMany(path, value.length, structure.maxItems));
  if (structure.list !== 'set' && structure.list !== 'map') return errors;
  const seen = new Set<string>();
  value.forEach((item, index) => {
    if (structure.list === 'map' && !isMapping(item)) {
      if (item !== null) errors.push(invalid(`${path}[${index}]`, item, 'must be an object for an array of list-type map'));
      return;
    }
    const key = isMapping(item) && structure.keys ? Object.fromEntries(structure.keys.map((name) => [name, own(item, name)])) : item;
    const text = JSON.stringify(key);
    if (text === undefined) return;
    if (seen.has(text)) errors.push(duplicate(`${path}[${index}]`, key));
    seen.add(text);
  });
  return errors;
}

function patternErrors(structure: { readonly pattern?: string }, value: unknown, path: string): FieldError[] {
  if (structure.pattern === undefined || typeof value !== 'string' || matches(structure.pattern, value)) return [];
  return [invalid(path, value, `${path} in body should match '${structure.pattern}'`)];
}

function stringErrors(structure: Extract<Structure, { type: 'string' }>, value: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (typeof value !== 'string') errors.push(wrongType(path, value, 'string'));
  if (structure.enum && !structure.enum.includes(value as string)) errors.push(notSupported(path, value, structure.enum));
  if (typeof value !== 'string') return errors;
  const characters = Array.from(value).length;
  // The server says only the first of these.
  if (structure.maxLength !== undefined && characters > structure.maxLength) return [...errors, tooLong(path, structure.maxLength)];
  if (structure.minLength !== undefined && characters < structure.minLength)
    return [...errors, invalid(path, value, `${path} in body should be at least ${structure.minLength} chars long`)];
  return [...errors, ...patternErrors(structure, value, path)];
}

const fits32 = (value: number): boolean => value >= -(2 ** 31) && value < 2 ** 31;

function numberErrors(structure: Extract<Structure, { type: 'integer' | 'number' }>, value: unknown, path: string): FieldError[] {
  if (typeof value !== 'number') return [wrongType(path, value, structure.type)];
  const errors: FieldError[] = [];
  if (structure.type === 'integer') errors.push(...wholeErrors(structure.format, value, path));
  if (structure.minimum !== undefined && value < structure.minimum)
    errors.push(invalid(path, value, `${path} in body should be greater than or equal to ${structure.minimum}`));
  if (structure.maximum !== undefined && value > structure.maximum)
    errors.push(invalid(path, value, `${path} in body should be less than or equal to ${structure.maximum}`));
  return errors;
}

function wholeErrors(format: string | undefined, value: number, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!Number.isSafeInteger(value)) errors.push(wrongType(path, value, format ?? 'integer', format ? 'float64' : 'number'));
  if (!Number.isSafeInteger(value) || (format === 'int32' && !fits32(value))) {
    const wanted = format ? `with format ${format}` : '(default format)';
    errors.push({
      field: '<nil>',
      reason: 'FieldValueInvalid',
      message: `Invalid value: "": Checked value must be of type integer ${wanted} in ${path}`,
    });
  }
  return errors;
}
