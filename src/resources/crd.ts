/** The CustomResourceDefinition of one of our kinds: what makes a real API server treat it as ours does. */
import type { KindDefinition, PrinterColumn } from './kind.ts';
import { openApiSchema, type OpenApiSchema } from './openapi-schema.ts';

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

/** Structural schema with defaults and CEL rules, printer columns, names, status subresource. */
export function crdOf(kind: KindDefinition): CustomResourceDefinition {
  const schema = kind.rules.reduce((all, { path, cel, message }) => withRule(all, steps(path), { rule: cel, message }), bareSchema(kind));
  const names = {
    plural: kind.plural,
    singular: kind.singular,
    kind: kind.kind,
    listKind: `${kind.kind}List`,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    categories: kind.categories,
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      names,
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          additionalPrinterColumns: kind.columns.filter(({ name }) => name !== 'Name').map(columnOf),
          ...(kind.selectableFields.length > 0 && { selectableFields: kind.selectableFields.map((path) => ({ jsonPath: `.${path}` })) }),
          ...(kind.hasStatus && { subresources: { status: {} } }),
        },
      ],
    },
  };
}

function columnOf({ name, type, jsonPath, priority, description }: PrinterColumn): object {
  return { name, type, jsonPath, ...(description && { description }), ...(priority && { priority }) };
}

/** A CRD must leave metadata to the server. */
function bareSchema(kind: KindDefinition): OpenApiSchema {
  const { structure } = kind;
  if (structure.type !== 'object') throw new Error(`${kind.kind} is not ours`);
  const { metadata: _, ...fields } = structure.fields;
  const schema = openApiSchema({ ...structure, fields }, (ref) => {
    throw new Error(`${kind.kind} refers to ${ref}`);
  });
  return { ...schema, properties: { ...(schema['properties'] as object), metadata: { type: 'object' } } };
}

/** `spec.env[].valueFrom` -> where in the schema the rule stands. */
const steps = (path: string): string[] =>
  path
    .split('.')
    .flatMap((step) => (step === '' ? [] : step.endsWith('[]') ? ['properties', step.slice(0, -2), 'items'] : ['properties', step]));

function withRule(schema: OpenApiSchema, [step, ...rest]: readonly string[], rule: object): OpenApiSchema {
  if (step === undefined) {
    const before = (schema['x-kubernetes-validations'] as readonly object[] | undefined) ?? [];
    return { ...schema, 'x-kubernetes-validations': [...before, rule] };
  }
  const below = schema[step] as OpenApiSchema | undefined;
  if (!below) throw new Error(`a rule stands where the schema has no ${step}`);
  return { ...schema, [step]: withRule(below, rest, rule) };
}
