import { describe, expect, test } from 'vitest';
import { kinds } from '../../resources/kinds.ts';
import type { Reply } from './answers.ts';
import { discoveryReply } from './discovery.ts';
import { openApiReply } from './openapi.ts';

const aggregated =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';
const ask = (path: string, accept = 'application/json, */*', more: object = {}): Reply =>
  discoveryReply(kinds, { path, accept, ...more }) as Reply;
const body = (reply: Reply): unknown => JSON.parse(reply.body as string);

interface Discovered {
  readonly resource: string;
  readonly responseKind: object;
  readonly scope: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string }[];
}
interface Groups {
  readonly kind: string;
  readonly apiVersion: string;
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly { readonly version: string; readonly resources: readonly Discovered[] }[];
  }[];
}

describe('aggregated discovery', () => {
  test('says all of a group in one answer', () => {
    const reply = ask('/api', aggregated);
    expect(reply.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    const { kind, apiVersion, items } = body(reply) as Groups;
    expect({ kind, apiVersion, metadata: items[0]?.metadata, version: items[0]?.versions[0]?.version }).toEqual({
      kind: 'APIGroupDiscoveryList',
      apiVersion: 'apidiscovery.k8s.io/v2',
      metadata: {},
      version: 'v1',
    });
    expect(items[0]?.versions[0]?.resources.find(({ resource }) => resource === 'pods')).toEqual({
      resource: 'pods',
      responseKind: { group: '', version: '', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['po'],
      categories: ['all'],
      subresources: [
        { subresource: 'log', responseKind: { group: '', version: '', kind: 'Pod' }, verbs: ['get'] },
        { subresource: 'status', responseKind: { group: '', version: '', kind: 'Pod' }, verbs: ['get', 'patch', 'update'] },
      ],
    });
    expect(items[0]?.versions[0]?.resources.find(({ resource }) => resource === 'namespaces')?.verbs).not.toContain('deletecollection');
  });

  test('our group has our kinds', () => {
    const { items } = body(ask('/apis', aggregated)) as Groups;
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['batch', 'storage.k8s.io', 'coordination.k8s.io', 'tsumugi.dev']);
    expect(items[3]?.versions[0]?.resources.map(({ resource, scope, shortNames }) => [resource, scope, shortNames])).toEqual([
      ['executions', 'Namespaced', ['exec']],
      ['functions', 'Namespaced', ['fn']],
      ['jobdefinitions', 'Namespaced', ['jd']],
      ['remoteclusters', 'Namespaced', undefined],
      ['revisions', 'Namespaced', ['rev']],
      ['routes', 'Namespaced', undefined],
      ['runtimes', 'Cluster', ['rt']],
    ]);
  });

  test('an older client gets v2beta1', () => {
    expect((body(ask('/apis', 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList')) as Groups).apiVersion).toBe(
      'apidiscovery.k8s.io/v2beta1',
    );
  });

  test('who has it already is told so', () => {
    const { headers } = ask('/apis', aggregated);
    expect(ask('/apis', aggregated, { ifNoneMatch: headers['etag'] })).toMatchObject({ status: 304, body: '' });
    expect(ask('/api', aggregated, { ifNoneMatch: headers['etag'] }).status).toBe(200);
  });
});

describe('discovery group by group', () => {
  test('groups, a group, its resources', () => {
    expect(body(ask('/api', 'application/json', { serverAddress: '127.0.0.1:6440' }))).toEqual({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1:6440' }],
    });
    const version = { groupVersion: 'tsumugi.dev/v1', version: 'v1' };
    const group = { name: 'tsumugi.dev', versions: [version], preferredVersion: version };
    expect(body(ask('/apis'))).toMatchObject({
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: [{ name: 'batch' }, { name: 'storage.k8s.io' }, { name: 'coordination.k8s.io' }, group],
    });
    expect(body(ask('/apis/tsumugi.dev'))).toEqual({ kind: 'APIGroup', apiVersion: 'v1', ...group });
    const { groupVersion, resources } = body(ask('/apis/tsumugi.dev/v1')) as { groupVersion: string; resources: { name: string }[] };
    expect(groupVersion).toBe('tsumugi.dev/v1');
    expect(resources.map(({ name }) => name)).toEqual([
      'executions',
      'executions/status',
      'functions',
      'functions/status',
      'jobdefinitions',
      'jobdefinitions/status',
      'remoteclusters',
      'remoteclusters/status',
      'revisions',
      'revisions/status',
      'routes',
      'routes/status',
      'runtimes',
      'runtimes/status',
    ]);
    expect((body(ask('/api/v1')) as { resources: object[] }).resources[0]).toEqual({
      name: 'configmaps',
      singularName: 'configmap',
      storageVersionHash: 'qFsyl6wFWjQ=',
      namespaced: true,
      kind: 'ConfigMap',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['cm'],
    });
  });

  test.each(['/apis/nothing.dev', '/apis/tsumugi.dev/v2', '/apis/v1', '/api/tsumugi.dev/v1', '/api/v2', '/version'])(
    '%s is not there',
    (path) => {
      expect(discoveryReply(kinds, { path, accept: '' })).toBeUndefined();
    },
  );
});

describe('OpenAPI', () => {
  interface Document {
    readonly paths: Record<string, { patch?: { parameters: { name: string }[]; 'x-kubernetes-group-version-kind': object } }>;
    readonly components: {
      readonly schemas: Record<
        string,
        { readonly properties?: Record<string, Record<string, unknown>>; readonly 'x-kubernetes-group-version-kind'?: object[] }
      >;
    };
  }
  const index = body(openApiReply(kinds, { path: '/openapi/v3' }) as Reply) as { paths: Record<string, { serverRelativeURL: string }> };
  const document = (name: string): Document => body(openApiReply(kinds, { path: `/openapi/v3/${name}` }) as Reply) as Document;

  test('the index leads to a document by its hash, which then never changes', () => {
    expect(Object.keys(index.paths)).toEqual([
      'api/v1',
      'apis/batch/v1',
      'apis/storage.k8s.io/v1',
      'apis/coordination.k8s.io/v1',
      'apis/tsumugi.dev/v1',
    ]);
    const url = new URL(index.paths['apis/tsumugi.dev/v1']?.serverRelativeURL as string, 'https://x');
    const reply = openApiReply(kinds, { path: url.pathname, hash: url.searchParams.get('hash') as string }) as Reply;
    expect(reply).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'public, immutable', expires: expect.stringContaining('GMT') as string },
    });
    expect(openApiReply(kinds, { path: url.pathname, ifNoneMatch: reply.headers['etag'] as string })).toMatchObject({ status: 304 });
  });

  test.each(['api/v1', 'apis/tsumugi.dev/v1'])('%s: every reference leads somewhere', (name) => {
    const { components, paths } = document(name);
    const references = [...JSON.stringify({ components, paths }).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, to]) => to as string,
    );
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((to) => !Object.hasOwn(components.schemas, to))).toEqual([]);
  });

  test('kubectl finds a kind, its schema, and what its patch takes', () => {
    const { components, paths } = document('apis/tsumugi.dev/v1');
    const schema = components.schemas['dev.tsumugi.v1.Function'];
    expect(schema?.['x-kubernetes-group-version-kind']).toEqual([{ group: 'tsumugi.dev', version: 'v1', kind: 'Function' }]);
    expect(schema?.properties?.['spec']).toMatchObject({
      type: 'object',
      properties: { timeoutSeconds: { type: 'integer', minimum: 1, default: 60 } },
    });
    const patch = paths['/apis/tsumugi.dev/v1/namespaces/{namespace}/functions/{name}']?.patch;
    expect(patch?.parameters.map(({ name }) => name)).toEqual(['dryRun', 'fieldManager', 'fieldValidation', 'force']);
    expect(patch?.['x-kubernetes-group-version-kind']).toEqual({ group: 'tsumugi.dev', version: 'v1', kind: 'Function' });
    expect(document('api/v1').components.schemas['io.k8s.api.core.v1.Container']?.properties?.['env']).toMatchObject({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'name',
    });
  });

  test('v2 is there, but empty; other paths are not', () => {
    expect(openApiReply(kinds, { path: '/openapi/v2' })).toMatchObject({ status: 200, body: '' });
    expect(openApiReply(kinds, { path: '/openapi/v3/apis/x/v1' })).toMatchObject({ status: 404, body: '' });
    expect(openApiReply(kinds, { path: '/openapi/v3x' })).toBeUndefined();
  });
});
