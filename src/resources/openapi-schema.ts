/** A Structure as an OpenAPI v3 schema: what CRDs and `/openapi/v3` are made of. */
import type { Structure } from './structure.ts';

/** An OpenAPI schema; plain JSON. */
export type OpenApiSchema = Readonly<Record<string, unknown>>;

/** `reference` makes the schema of a `ref`: a `$ref` in `/openapi/v3`, a plain object for metadata in a CRD. */
export function openApiSchema(structure: Structure, reference: (ref: string) => OpenApiSchema): OpenApiSchema {
  const to = (inner: Structure): OpenApiSchema => openApiSchema(inner, reference);
  const common = compact({ description: structure.description, default: structure.default });
  switch (structure.type) {
    case 'ref': {
      const target = reference(structure.ref);
      return '$ref' in target && Object.keys(common).length > 0 ? { ...common, allOf: [target] } : { ...common, ...target };
    }
    case 'any':
      return { ...common, type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    case 'json':
      return { ...common, nullable: true, 'x-kubernetes-preserve-unknown-fields': true };
    case 'intOrString':
      if (structure.format === 'quantity') return { ...common, oneOf: [{ type: 'string' }, { type: 'number' }] };
      return compact({
        ...common,
        pattern: structure.pattern,
        'x-kubernetes-int-or-string': true,
      });
    case 'object':
      return compact({
        ...common,
        type: 'object',
        properties: Object.fromEntries(Object.entries(structure.fields).map(([name, field]) => [name, to(field)])),
        required: structure.required,
        'x-kubernetes-map-type': structure.atomic ? 'atomic' : undefined,
      });
    case 'map':
      return compact({
        ...common,
        type: 'object',
        additionalProperties: to(structure.values),
        maxProperties: structure.maxProperties,
        'x-kubernetes-map-type': structure.atomic ? 'atomic' : undefined,
      });
    case 'list':
      return compact({
        ...common,
        type: 'array',
        items: to(structure.items),
        minItems: structure.minItems,
        maxItems: structure.maxItems,
        'x-kubernetes-list-type': structure.list,
        'x-kubernetes-list-map-keys': structure.keys,
        'x-kubernetes-patch-strategy': structure.mergeKey === undefined ? undefined : structure.retainKeys ? 'merge,retainKeys' : 'merge',
        'x-kubernetes-patch-merge-key': structure.mergeKey || undefined,
      });
    default: {
      const { type, description: _description, default: _default, ...bounds } = structure;
      return { ...common, type, ...bounds };
    }
  }
}

function compact(object: Readonly<Record<string, unknown>>): OpenApiSchema {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
