/**
 * `/openapi/v3`: an index, and one document for each group and version: schemas with their kinds, and paths with the parameters by
 * which kubectl learns what the server can do (`dryRun`, `fieldValidation`). Made from the kinds' structures when first asked for.
 */
import { createHash } from 'node:crypto';

import { builtinStructures } from '../../resources/builtin/structures.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import { apiVersionOf } from '../../resources/kinds.ts';
import { openApiSchema, type OpenApiSchema } from '../../resources/openapi-schema.ts';
import type { Reply } from './answers.ts';

export interface OpenApiRequest {
  readonly path: string;
  readonly ifNoneMatch?: string;
  /** Value of the query's `hash`: a document asked for by its hash never changes. */
  readonly hash?: string;
}

interface Published {
  readonly text: string;
  readonly hash: string;
}

const published = new WeakMap<readonly KindDefinition[], ReadonlyMap<string, Published>>();

/** The answer to a path below `/openapi`; undefined when nothing is there. */
export function openApiReply(kinds: readonly KindDefinition[], { path, ifNoneMatch, hash }: OpenApiRequest): Reply | undefined {
  // kubectl 1.27 and 1.28 fail without v2, but are content with an empty document.
  if (path === '/openapi/v2')
    return { status: 200, headers: { 'content-type': 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' }, body: '' };
  const root = '/openapi/v3';
  if (path !== root && !path.startsWith(`${root}/`)) return undefined;
  let documents = published.get(kinds);
  if (!documents) published.set(kinds, (documents = publish(kinds)));
  if (path === root) {
    const paths = Object.fromEntries(
      [...documents].map(([name, document]) => [name, { serverRelativeURL: `${root}/${name}?hash=${document.hash}` }]),
    );
    return answer({ text: JSON.stringify({ paths }), hash: sha256(JSON.stringify(paths)) }, ifNoneMatch, false);
  }
  const document = documents.get(path.slice(root.length + 1));
  return document && answer(document, ifNoneMatch, hash === document.hash);
}

function answer({ text, hash }: Published, ifNoneMatch: string | undefined, isFixed: boolean): Reply {
  const etag = `"${hash}"`;
  const headers = {
    etag,
    vary: 'Accept',
    'content-type': 'application/json',
    'cache-control': isFixed ? 'public, immutable, max-age=31536000' : 'no-cache, private',
  };
  return ifNoneMatch === etag ? { status: 304, headers, body: '' } : { status: 200, headers, body: text };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex').toUpperCase();

function publish(kinds: readonly KindDefinition[]): ReadonlyMap<string, Published> {
  return new Map(
    [...Map.groupBy(kinds, apiVersionOf)].map(([apiVersion, served]) => {
      const text = JSON.stringify(documentOf(served));
      return [`${served[0]?.group === '' ? 'api' : 'apis'}/${apiVersion}`, { text, hash: sha256(text) }];
    }),
  );
}

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

const reference = (name: string): OpenApiSchema => ({ $ref: `#/components/schemas/${name}` });

const gvk = ({ group, version, kind }: KindDefinition): object => ({ group, version, kind });

function documentOf(kinds: readonly KindDefinition[]): object {
  const schemas: Record<string, OpenApiSchema> = {};
  const refer = (ref: string): OpenApiSchema => {
    const name = schemaName(ref);
    const structure = builtinStructures[ref];
    if (structure && !Object.hasOwn(schemas, name)) {
      schemas[name] = {};
      schemas[name] = openApiSchema(structure, refer);
    }
    return reference(name);
  };
  const paths: Record<string, object> = {};
  for (const kind of kinds) {
    const name = kindSchemaName(kind);
    if (kind.structure.type === 'ref') refer(kind.structure.ref);
    else schemas[name] = openApiSchema(kind.structure, refer);
    schemas[name] = { ...schemas[name], 'x-kubernetes-group-version-kind': [gvk(kind)] };
    schemas[`${name}List`] = {
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
    };
    Object.assign(paths, pathsOf(kind, name));
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.36.3+tsumugi' }, paths, components: { schemas } };
}

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
  const named = [...inPath, { name: 'name', in: 'path', required: true, schema: { type: 'string', uniqueItems: true } }];
  return {
    [collection]: { parameters: inPath, get: operation('list', listParameters), post: operation('post', writeParameters, object) },
    [`${collection}/{name}`]: { parameters: named, ...write, delete: operation('delete', [query('dryRun'), query('propagationPolicy')]) },
    ...(kind.hasStatus && { [`${collection}/{name}/status`]: { parameters: named, ...write } }),
    ...(kind.namespaced && { [`${root}/${kind.plural}`]: { get: operation('list', listParameters) } }),
  };
}
