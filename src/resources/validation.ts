/** Whether an object may be stored: metadata, structure, rules over several fields, and what only code can say. */
import { invalid, notSupported, required } from './field-errors.ts';
import type { CrossFieldRule, FieldError, KindDefinition } from './kind.ts';
import { isKnownFinalizer, metadataErrors } from './metadata.ts';
import type { KubeObject } from './object.ts';
import { childPath, isMapping, own, resolve, valueAt } from './resolve.ts';
import { schemaErrors } from './schema-check.ts';
import type { Structure } from './structure.ts';

/**
 * All violations, none when the object is fine. `object` has its defaults already; `old` is the stored state on update.
 * Of a built-in kind the types must have been checked before (`typeError`: the server answers those with 400, not 422).
 *
 * @example check(functionKind, defaulted(functionKind, object)) // [{field: 'spec.scale.max', …}]
 */
export function check(kind: KindDefinition, object: KubeObject, old?: KubeObject): FieldError[] {
  const errors = metadataErrors(kind, object, old);
  if (kind.origin === 'builtin') errors.push(...zeroAndEnumErrors(kind, object, old));
  else
    errors.push(
      ...fieldsOf(kind.structure, object, old).flatMap(([structure, value, key]) =>
        value === undefined ? missing(kind.structure, key) : schemaErrors(structure, value, key),
      ),
    );
  errors.push(...ruleErrors(kind.rules, errors, object, old));
  const own = kind.validate?.(object, old) ?? [];
  // Where the kind itself says more of what is required, that is the word.
  const spoken = new Set(own.filter(({ message }) => /\brequired\b/i.test(message)).map(({ field }) => field));
  return once([...errors.filter(({ field, message }) => message !== 'Required value' || !spoken.has(field)), ...own]);
}

/** What a new object is warned of, though it may be stored. */
export function warningsOf(kind: KindDefinition, object: KubeObject): string[] {
  return [...finalizerWarnings(kind, object), ...(kind.warnings?.(object) ?? [])];
}

/** Of those that it did not have before. */
export function finalizerWarnings(kind: KindDefinition, object: KubeObject, old?: KubeObject): string[] {
  if (kind.origin !== 'custom') return [];
  const says = 'prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers';
  const isNew = (name: string): boolean => !old?.metadata.finalizers?.includes(name);
  const finalizers = (object.metadata.finalizers ?? []).filter((name) => isNew(name) && !isKnownFinalizer(name));
  return finalizers.map((name) => `metadata.finalizers: ${JSON.stringify(name)}: ${says}`);
}

/** The kind's own top-level fields: what every object has is checked by `metadataErrors`. Those that it shares with the stored one have been. */
function fieldsOf(structure: Structure, object: object, old: object | undefined): [Structure, unknown, string][] {
  const at = resolve(structure);
  if (at.type !== 'object') return [];
  const values = object as Record<string, unknown>;
  return Object.entries(at.fields)
    .filter(([key]) => key !== 'apiVersion' && key !== 'kind' && key !== 'metadata' && !isShared(values, old, key))
    .map(([key, field]) => [field, own(values, key), key]);
}

const isShared = (object: Record<string, unknown>, old: object | undefined, key: string): boolean =>
  typeof object[key] === 'object' && object[key] === (old as Record<string, unknown> | undefined)?.[key];

function missing(structure: Structure, key: string): FieldError[] {
  const at = resolve(structure);
  return at.type === 'object' && at.required?.includes(key) ? [required(key)] : [];
}

/** Errors after which the server does not look at rules: their values may not be there to look at. */
const blocking = new Set([
  'FieldValueRequired',
  'FieldValueTypeInvalid',
  'FieldValueNotSupported',
  'FieldValueTooLong',
  'FieldValueTooMany',
]);

function ruleErrors(
  rules: readonly CrossFieldRule[],
  before: readonly FieldError[],
  object: KubeObject,
  old: KubeObject | undefined,
): FieldError[] {
  if (rules.length === 0) return [];
  if (before.some((error) => blocking.has(error.reason))) {
    const says =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    return [invalid('<nil>', null, says)];
  }
  return rules
    .filter((rule) => !rule.transition || old !== undefined)
    .flatMap((rule) => {
      const broken = [...valuesAt(object, rule.path)].filter(
        ([field, value]) => !rule.check(value as never, (rule.transition && valueAt(old, field)) as never),
      );
      // The server shows values that are not made of others.
      return broken.map(([field, value]) =>
        typeof value === 'object'
          ? { field: field === '' ? '<nil>' : field, reason: 'FieldValueInvalid', message: `Invalid value: ${rule.message}` }
          : invalid(field, value, rule.message),
      );
    });
}

/** Values at a rule's path; `[]` in it means each item: `spec.env[]`. */
function* valuesAt(object: unknown, path: string): Generator<[string, unknown]> {
  const [head, ...rest] = path.split('[]');
  const value = head === '' ? object : valueAt(object, head as string);
  if (value === undefined || value === null) return;
  if (rest.length === 0) yield [head as string, value];
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const below = rest.join('[]').replace(/^\./, '');
      for (const [field, found] of valuesAt(item, below))
        yield [field === '' ? `${head}[${index}]` : childPath(`${head}[${index}]`, field), found];
    }
  }
}

/** The server's messages list these in the order of its source; the table, as OpenAPI, has them sorted. */
const messageOrder: readonly (readonly string[])[] = [
  ['Always', 'OnFailure', 'Never'],
  ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'],
  ['File', 'FallbackToLogsOnError'],
  ['NonIndexed', 'Indexed'],
];

function inMessageOrder(values: readonly string[]): readonly string[] {
  return messageOrder.find((order) => order.length === values.length && order.every((value) => values.includes(value))) ?? values;
}

/** A built-in kind's spec: Go has no absent strings, so an empty required one is missing; enums are named types. Status is trusted. */
function zeroAndEnumErrors(kind: KindDefinition, object: object, old: object | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const visit = (structure: Structure, value: unknown, path: string): void => {
    const at = resolve(structure);
    if (at.type === 'string' && at.enum && value !== '' && !at.enum.includes(value as string))
      errors.push(notSupported(path, value, inMessageOrder(at.enum)));
    else if (at.type === 'list' && Array.isArray(value)) {
      // Of lists of words the server tells by the list, in words of their kind's own.
      if (resolve(at.items).type !== 'string') value.forEach((item, index) => visit(at.items, item, `${path}[${index}]`));
    } else if (at.type === 'map' && isMapping(value))
      for (const [key, item] of Object.entries(value)) visit(at.values, item, `${path}[${key}]`);
    else if (at.type === 'object' && isMapping(value)) {
      for (const [key, field] of Object.entries(at.fields)) {
        const item = own(value, key);
        if (at.required?.includes(key) && (item === undefined || item === '' || (Array.isArray(item) && item.length === 0)))
          errors.push(required(childPath(path, key)));
        else if (item !== undefined) visit(field, item, childPath(path, key));
      }
    }
  };
  for (const [structure, value, key] of fieldsOf(kind.structure, object, old))
    if (key !== 'status' && value !== undefined) visit(structure, value, key);
  return errors;
}

function once(errors: readonly FieldError[]): FieldError[] {
  const seen = new Set<string>();
  return errors.filter((error) => {
    const key = `${error.field}\0${error.message}`;
    return !seen.has(key) && seen.add(key);
  });
}
