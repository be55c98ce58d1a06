/**
 * Discovery: what this server serves, in the aggregated form that kubectl asks for (one answer for all groups, with an ETag) and in
 * the older one (one answer for each group and version).
 */
import { createHash } from 'node:crypto';

import type { KindDefinition } from '../../resources/kind.ts';
import { apiVersionOf } from '../../resources/kinds.ts';
import { negotiate } from './accept.ts';
import type { Form } from './accept.ts';
import { cached, changing } from './answers.ts';
import type { Reply } from './answers.ts';

export interface DiscoveryRequest {
  readonly path: string;
  readonly accept: string;
  readonly ifNoneMatch?: string;
  /** `127.0.0.1:6440`: told to clients in /api. */
  readonly serverAddress?: string;
}

/** The answer to a path of discovery; undefined when the path is none. */
export function discoveryReply(kinds: readonly KindDefinition[], request: DiscoveryRequest): Reply | undefined {
  const path = request.path.replace(/\/$/, '');
  if (path === '/api' || path === '/apis') {
    const { form } = negotiate(request.accept, { forms: isAggregated, custom: path === '/apis' });
    if (form) return aggregated(kinds, path, form.version, request.ifNoneMatch);
    return json(path === '/api' ? coreVersions(request.serverAddress) : groupList(kinds));
  }
  const [, group] = /^\/apis\/([^/]+)$/.exec(path) ?? [];
  if (group !== undefined) {
    const described = groupsOf(kinds).find(({ name }) => name === group);
    if (described) negotiate(request.accept, { custom: true });
    return described && json({ kind: 'APIGroup', apiVersion: 'v1', ...described });
  }
  const [, apiVersion] = /^\/(?:api|apis)\/(v1|[^/]+\/[^/]+)$/.exec(path) ?? [];
  const served = kinds.filter((kind) => apiVersionOf(kind) === apiVersion && path.startsWith(kind.group === '' ? '/api/' : '/apis/'));
  if (served.length === 0) return undefined;
  negotiate(request.accept, { custom: served[0]?.origin === 'custom' });
  return json(resourceList(served));
}

const json = (body: object): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...changing },
  body: `${JSON.stringify(body)}\n`,
});

/** Newer clients ask for v2; those of kubectl 1.27 to 1.29 for v2beta1. */
const isAggregated = ({ as, group, version }: Form): boolean =>
  as === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io' && (version === 'v2' || version === 'v2beta1');

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
/** In the order in which the real server tells those of custom kinds. */
const customVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

const verbsOf = ({ kind, origin, verbs = origin === 'custom' ? customVerbs : allVerbs }: KindDefinition): readonly string[] =>
  verbs.filter((verb) => verb !== 'deletecollection' || kind !== 'Namespace');

/** What a subresource can do, and the kind that it speaks where that is not the resource's own. */
interface Subresource {
  readonly verbs: readonly string[];
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
}

const stream = (kind: string): Subresource => ({ verbs: ['create', 'get'], kind: { group: '', version: '', kind } });

const subresources: Readonly<Record<string, Subresource>> = {
  attach: stream('PodAttachOptions'),
  ephemeralcontainers: { verbs: ['get', 'patch', 'update'] },
  eviction: { verbs: ['create'], kind: { group: 'policy', version: 'v1', kind: 'Eviction' } },
  exec: stream('PodExecOptions'),
  finalize: { verbs: ['update'] },
  log: { verbs: ['get'] },
  portforward: stream('PodPortForwardOptions'),
  status: { verbs: ['get', 'patch', 'update'] },
  token: { verbs: ['create'], kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } },
};

function subresourcesOf(kind: KindDefinition): (Subresource & { readonly name: string })[] {
  const names = [...(kind.subresources ?? []), ...(kind.hasStatus ? ['status'] : [])];
  return names.toSorted().map((name) => {
    const known = subresources[name] ?? { verbs: ['get'] };
    // Of what can only be read its parts can, too.
    const verbs = kind.verbs?.includes('get') ? known.verbs.filter((verb) => verb === 'get') : known.verbs;
    return { ...known, name, verbs };
  });
}

/** Groups in the order of the kinds: it decides what a bare plural means, so built-in ones come first. */
function byApiVersion(kinds: readonly KindDefinition[]): Map<string, KindDefinition[]> {
  return Map.groupBy(kinds, apiVersionOf);
}

function aggregated(kinds: readonly KindDefinition[], path: string, version: string, ifNoneMatch: string | undefined): Reply {
  const wanted = kinds.filter((kind) => (kind.group === '') === (path === '/api'));
  const items = [...Map.groupBy(wanted, ({ group }) => group)].map(([group, ofGroup]) => ({
    metadata: group === '' ? {} : { name: group },
    versions: [...byApiVersion(ofGroup).values()].map((served) => ({
      version: served[0]?.version,
      resources: served.map(discovered),
      freshness: 'Current',
    })),
  }));
  const body = `${JSON.stringify({ kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items })}\n`;
  const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  return cached({ vary: 'Accept', 'cache-control': 'public', 'content-type': type }, body, ifNoneMatch);
}

function discovered(kind: KindDefinition): object {
  // A built-in kind's own group and version go without saying.
  const { group, version } = kind.origin === 'custom' ? kind : { group: '', version: '' };
  const responseKind = { group, version, kind: kind.kind };
  const subresources = subresourcesOf(kind).map(({ name, verbs, kind: own = responseKind }) => ({
    subresource: name,
    responseKind: own,
    verbs,
  }));
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(subresources.length > 0 && { subresources }),
  };
}

function resourceList(kinds: readonly KindDefinition[]): object {
  const resources = kinds.flatMap((kind) => [
    {
      name: kind.plural,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: verbsOf(kind),
      ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
      ...(kind.categories.length > 0 && { categories: kind.categories }),
      ...(verbsOf(kind).includes('list') && { storageVersionHash: storageVersionHash(kind) }),
    },
    ...subresourcesOf(kind).map(({ name, verbs, kind: own }) => ({
      name: `${kind.plural}/${name}`,
      singularName: '',
      namespaced: kind.namespaced,
      ...(own?.group && { group: own.group, version: own.version }),
      kind: own?.kind ?? kind.kind,
      verbs,
    })),
  ]);
  const groupVersion = apiVersionOf(kinds[0] as KindDefinition);
  return { kind: 'APIResourceList', ...(groupVersion !== 'v1' && { apiVersion: 'v1' }), groupVersion, resources };
}

/** In which version objects are stored, as clients compare it. */
const storageVersionHash = ({ group, version, kind }: KindDefinition): string =>
  createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');

const coreVersions = (serverAddress = ''): object => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
});

interface Group {
  readonly name: string;
  readonly versions: readonly object[];
  readonly preferredVersion: object;
}

function groupsOf(kinds: readonly KindDefinition[]): Group[] {
  const named = kinds.filter(({ group }) => group !== '');
  return [...Map.groupBy(named, ({ group }) => group)].map(([name, ofGroup]) => {
    const versions = [...byApiVersion(ofGroup).keys()].map((groupVersion) => ({
      groupVersion,
      version: groupVersion.slice(name.length + 1),
    }));
    return { name, versions, preferredVersion: versions[0] as object };
  });
}

const groupList = (kinds: readonly KindDefinition[]): object => ({ kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(kinds) });
