/** From a zod schema to the Structure that drives everything else, and the pieces our schemas are made of. */
import { z } from 'zod';
import { inlinedStructure } from './core-structure.ts';
import type { ListStructure, ObjectStructure, Structure } from './structure.ts';

/** What `z.toJSONSchema` makes of the parts of zod that our kinds use. */
interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  /** A structure that is not made of zod. */
  readonly structure?: Structure;
}

/** The structure of a schema, its defaults, bounds and descriptions included. */
export function structureOf(schema: z.ZodType): Structure {
  return convert(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema);
}

/** zod notes the bounds of safe integers on every integer; they say nothing. */
const bound = (value: number | undefined): number | undefined =>
  value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;

function convert(schema: JsonSchema): Structure {
  const common = { default: schema.default, description: schema.description };
  if (schema.structure) return compact({ ...schema.structure, ...common });
  if (schema['x-kubernetes-int-or-string']) return compact({ type: 'intOrString', pattern: schema.pattern, ...common });
  switch (schema.type) {
    case 'string':
      return compact({
        type: 'string',
        format: schema.format,
        enum: schema.enum,
        pattern: schema.pattern,
        minLength: schema.minLength,
        maxLength: schema.maxLength,
        ...common,
      });
    case 'integer':
    case 'number':
      return compact({
        type: schema.type,
        format: schema.format,
        minimum: bound(schema.minimum),
        maximum: bound(schema.maximum),
        ...common,
      });
    case 'boolean':
      return compact({ type: 'boolean', ...common });
    case 'array':
      return compact({
        type: 'list',
        items: convert(schema.items ?? {}),
        list: schema['x-kubernetes-list-type'],
        keys: schema['x-kubernetes-list-map-keys'],
        minItems: schema.minItems,
        maxItems: schema.maxItems,
        ...common,
      });
    case 'object':
      if (schema.additionalProperties) return compact({ type: 'map', values: convert(schema.additionalProperties), ...common });
      return compact({
        type: 'object',
        fields: Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, field]) => [name, convert(field)])),
        required: schema.required,
        ...common,
      });
    default:
      throw new Error(`no structure for ${JSON.stringify(schema)}`);
  }
}

function compact(structure: object): Structure {
  return Object.fromEntries(Object.entries(structure).filter(([, value]) => value !== undefined)) as Structure;
}

/** What every custom resource looks like: the parts of the API around `spec` and `status`. */
export function objectStructure(spec: z.ZodType, status: z.ZodType): ObjectStructure {
  return {
    type: 'object',
    fields: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'ref', ref: 'meta.v1.ObjectMeta', default: {} },
      spec: { description: 'What is wanted.', ...structureOf(spec) },
      status: { description: 'What is so; written by the platform.', ...structureOf(status) },
    },
    required: ['spec'],
  };
}

/** What a reader gets: nothing of it may be changed, and as it was JSON, no field is there and undefined. */
export type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Immutable<Exclude<T[Key], undefined>> }
    : T;

/** A list without order whose items are all different. */
export const setOf = <T extends z.ZodType>(item: T, most: number): z.ZodArray<T> =>
  z.array(item).max(most).meta({ 'x-kubernetes-list-type': 'set' });

/** A list of objects told apart by a key: server-side apply merges them item by item. */
export const listByKey = <T extends z.ZodType>(item: T, key: string, most: number): z.ZodArray<T> =>
  z
    .array(item)
    .max(most)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] });

/** Name of a Function or a Runtime: a DNS label of at most 40 characters, so that names made of it fit. */
export const shortName = z
  .string()
  .max(40)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

/** Name of any object. */
export const objectName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);

/** A duration, in seconds. */
export const seconds = (from: number, to: number): z.ZodInt => z.int().min(from).max(to);

/** A Kubernetes quantity: `256Mi`, `500m`, 1. */
export const quantity = z
  .union([z.string(), z.int()])
  .meta({ 'x-kubernetes-int-or-string': true, pattern: '^([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+|[KMGTPE]i|[numkMGTPE])?$' });

/** Any JSON value; a null in it stays. */
export const anyJson = z.unknown().meta({ structure: { type: 'json' } satisfies Structure });

/** A list of a built-in kind's parts, told apart by name, with these fields of theirs. */
export function coreList(ref: string, fields: readonly string[] | 'all', minItems: number, maxItems: number): z.ZodType<readonly object[]> {
  const structure: ListStructure = {
    type: 'list',
    items: inlinedStructure(ref, fields),
    list: 'map',
    keys: ['name'],
    ...(minItems > 0 && { minItems }),
    maxItems,
  };
  return z.unknown().meta({ structure }) as unknown as z.ZodType<readonly object[]>;
}
