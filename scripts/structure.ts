/**
 * Derives `src/resources/builtin/structure.generated.json` from a real API server's OpenAPI: fields, types, required, defaults,
 * list types and keys, patch strategies, atomic marks; no texts.
 *
 *     node scripts/structure.ts    # of the server that KUBECONFIG names
 *
 * `test/cluster/structure.test.ts` does the same against a running server and compares.
 */
import { writeFileSync } from 'node:fs';
import { createHttpClient } from '../src/kube/http/client.ts';
import { loadConnection } from '../src/kube/kubeconfig.ts';
import { servedKinds, tokenRequestKind } from '../src/resources/kinds.ts';
import type { Structure } from '../src/resources/structure.ts';

/** What the platform serves of Kubernetes' own; what that refers to comes along. */
const roots = [...servedKinds, tokenRequestKind].flatMap(({ structure }) =>
  structure.type === 'ref' ? [`io.k8s.api.${structure.ref}`] : [],
);

/** The documents of the groups that have them, below `/openapi/v3/`. */
export const structureDocuments = ['api/v1', 'apis/batch/v1'].concat(
  ['authentication', 'authorization', 'coordination', 'storage'].map((group) => `apis/${group}.k8s.io/v1`),
);

interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
}

export interface OpenApi {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** `#/components/schemas/io.k8s.api.core.v1.PodSpec` -> `core.v1.PodSpec`. */
function shortName(schema: string): string {
  return schema
    .replace(/^#\/components\/schemas\//, '')
    .replace(/^io\.k8s\.apimachinery\.pkg\.apis\./, '')
    .replace(/^io\.k8s\.(apimachinery\.pkg\.|api\.)/, '');
}

const isZero = (value: unknown): boolean => value === '' || value === 0 || value === false;

/** OpenAPI notes Go's zero values as defaults. They are real only where Go writes the field in any case: where it is required. */
function keepDefault(schema: Schema, isRequired: boolean): boolean {
  return schema.default !== undefined && (isRequired || !isZero(schema.default));
}

function convert(schema: Schema, withDefault: boolean): Structure {
  const rest = withDefault ? { default: schema.default } : {};
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (ref) return { type: 'ref', ref: shortName(ref), ...rest };
  if (schema.format === 'int-or-string') return { type: 'intOrString' };
  if (schema.oneOf) return { type: 'intOrString', format: 'quantity' };
  switch (schema.type) {
    case 'array': {
      const strategy = schema['x-kubernetes-patch-strategy']?.split(',') ?? [];
      return {
        type: 'list',
        items: convert(schema.items ?? {}, false),
        ...(schema['x-kubernetes-list-type'] && { list: schema['x-kubernetes-list-type'] }),
        ...(schema['x-kubernetes-list-map-keys'] && { keys: schema['x-kubernetes-list-map-keys'] }),
        ...(strategy.includes('merge') && { mergeKey: schema['x-kubernetes-patch-merge-key'] ?? '' }),
        ...(strategy.includes('retainKeys') && { retainKeys: true }),
      };
    }
    case 'object': {
      const atomic = schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {};
      if (schema.additionalProperties) return { type: 'map', values: convert(schema.additionalProperties, false), ...atomic };
      if (!schema.properties) return { type: 'any' };
      const required = schema.required ?? [];
      const fields = Object.entries(schema.properties).map(
        ([name, field]) => [name, convert(field, keepDefault(field, required.includes(name)))] as const,
      );
      return { type: 'object', fields: Object.fromEntries(fields), ...(required.length > 0 && { required }), ...atomic };
    }
    case 'string':
      return {
        type: 'string',
        ...(schema.format && { format: schema.format }),
        ...(schema.enum && { enum: schema.enum }),
        ...rest,
      } as Structure;
    case 'integer':
    case 'number':
      return { type: schema.type, ...(schema.format && { format: schema.format }), ...rest } as Structure;
    case 'boolean':
      return { type: 'boolean', ...rest } as Structure;
    default:
      return { type: 'any' };
  }
}

/** The table's source text, from `structureDocuments`. */
export function structureSource(documents: readonly OpenApi[]): string {
  const schemas = Object.assign({}, ...documents.map(({ components }) => components.schemas)) as OpenApi['components']['schemas'];
  const found = new Map<string, Structure>();
  const visit = (name: string): void => {
    if (found.has(shortName(name))) return;
    const schema = schemas[name];
    if (!schema) throw new Error(`${name} is not in the OpenAPI documents`);
    found.set(shortName(name), convert(schema, false));
    for (const [, ref] of JSON.stringify(schema).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) visit(ref as string);
  };
  for (const root of roots) visit(root);
  const lines = [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, structure]) => `${JSON.stringify(name)}:${JSON.stringify(structure)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

if (import.meta.main) {
  const client = createHttpClient(await loadConnection());
  const documents = await Promise.all(structureDocuments.map((path) => client.raw(`/openapi/v3/${path}`)));
  client.close();
  writeFileSync(
    new URL('../src/resources/builtin/structure.generated.json', import.meta.url),
    structureSource(documents.map((document) => JSON.parse(document) as OpenApi)),
  );
}
