/** One document of `/openapi/v3`: a group and version, made from the structures of its kinds. */
import { described, describedStructure } from '../../resources/builtin/described.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import { apiVersionOf } from '../../resources/kinds.ts';
import { openApiSchema, type OpenApiSchema } from '../../resources/openapi-schema.ts';

const prefixes: readonly (readonly [string, string])[] = [
  ['meta.', 'io.k8s.apimachinery.pkg.apis.meta.'],
  ['util.', 'io.k8s.apimachinery.pkg.util.'],
  ['api.', 'io.k8s.apimachinery.pkg.api.'],
];

/** `core.v1.Pod` -> `io.k8s.api.core.v1.Pod`. */
function schemaName(ref: string): string {
  const [short, long] = prefixes.find(([start]) => ref.startsWith(start)) ?? ['', 'io.k8s.api.'];
  return long + ref.slice(short.length);
}

/** `io.k8s.api.core.v1.Pod`, `dev.tsumugi.v1.Function`. */
function kindSchemaName(kind: KindDefinition): string {
  if (kind.structure.type === 'ref') return schemaName(kind.structure.ref);
  return `${kind.group.split('.').toReversed().join('.')}.${kind.version}.${kind.kind}`;
}

/** A CRD says the same in another way. */
const intOrString: OpenApiSchema = { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };

const reference = (name: string): OpenApiSchema => ({ $ref: `#/components/schemas/${name}` });

const gvk = ({ group, version, kind }: KindDefinition): object => ({ group, version, kind });

/** Schemas of the kinds and of all they refer to, and paths with the parameters by which kubectl learns what the server can do. */
export function documentOf(kinds: readonly KindDefinition[]): object {
  const schemas: Record<string, OpenApiSchema> = {};
  const refer = (ref: string): OpenApiSchema => {
    const name = schemaName(ref);
    const structure = describedStructure(ref);
    if (structure && !Object.hasOwn(schemas, name)) {
      schemas[name] = {};
      schemas[name] = ref === 'util.intstr.IntOrString' ? intOrString : openApiSchema(structure, refer);
    }
    return reference(name);
  };
  const paths: Record<string, object> = {};
  for (const kind of kinds) {
    const name = kindSchemaName(kind);
    if (kind.structure.type === 'ref') refer(kind.structure.ref);
    else schemas[name] = openApiSchema(described(kind.structure, {}), refer);
    schemas[name] = { ...schemas[name], 'x-kubernetes-group-version-kind': [gvk(kind)] };
    if (!kind.verbs?.includes('create')) schemas[`${name}List`] = listSchema(kind, name);
    Object.assign(paths, pathsOf(kind, name));
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.36.3+tsumugi' }, paths, components: { schemas } };
}

const listSchema = (kind: KindDefinition, name: string): OpenApiSchema => ({
  type: 'object',
  required: ['items'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: {
      type: 'object',
      properties: {
        continue: { type: 'string' },
        remainingItemCount: { type: 'integer', format: 'int64' },
        resourceVersion: { type: 'string' },
      },
    },
    items: { type: 'array', items: reference(name) },
  },
  'x-kubernetes-group-version-kind': [{ ...gvk(kind), kind: `${kind.kind}List` }],
});

const query = (name: string): object => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } });
const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation'].map(query);
const listParameters = ['labelSelector', 'fieldSelector', 'limit', 'continue', 'resourceVersion', 'watch', 'timeoutSeconds'].map(query);

function pathsOf(kind: KindDefinition, schema: string): Record<string, object> {
  const root = `${kind.group === '' ? '/api' : '/apis'}/${apiVersionOf(kind)}`;
  const collection = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`;
  const inPath = (kind.namespaced ? ['namespace'] : []).map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', uniqueItems: true },
  }));
  const object = { 'application/json': { schema: reference(schema) } };
  const operation = (action: string, parameters: readonly object[], body?: object): object => ({
    parameters,
    ...(body && { requestBody: { content: body, required: true } }),
    responses: { '200': { description: 'OK', content: object }, '401': { description: 'Unauthorized' } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk(kind),
  });
  const created = { parameters: inPath, post: operation('post', writeParameters, object) };
  const named = [...inPath, { name: 'name', in: 'path', required: true, schema: { type: 'string', uniqueItems: true } }];
  if (kind.verbs?.includes('create')) return { [collection]: created };
  if (kind.verbs)
    return {
      [collection]: { parameters: inPath, get: operation('list', listParameters) },
      [`${collection}/{name}`]: { parameters: named, get: operation('get', []) },
    };
  const patches = [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/apply-patch+yaml',
    ...(kind.origin === 'builtin' ? ['application/strategic-merge-patch+json'] : []),
  ];
  const patch = Object.fromEntries(patches.map((type) => [type, { schema: { type: 'object' } }]));
  const write = {
    get: operation('get', []),
    put: operation('put', writeParameters, object),
    patch: operation('patch', [...writeParameters, query('force')], patch),
  };
  return {
    [collection]: { ...created, get: operation('list', listParameters) },
    [`${collection}/{name}`]: { parameters: named, ...write, delete: operation('delete', [query('dryRun'), query('propagationPolicy')]) },
    ...(kind.hasStatus && { [`${collection}/{name}/status`]: { parameters: named, ...write } }),
    ...(kind.namespaced && { [`${root}/${kind.plural}`]: { get: operation('list', listParameters) } }),
  };
}
