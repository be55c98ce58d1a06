/** Which kinds the server has, by any name a user may use: `fn`, `function`, `functions`, `functions.tsumugi.dev`, `Function`. */
import { TsumugiError } from '../base/errors.ts';
import type { Resource } from '../resources/object.ts';
import { functions } from '../resources/resources.ts';
import { readText, send, type Target } from '../client/http.ts';
import { didYouMean } from '../base/suggest.ts';

export interface ServedKind extends Resource {
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** There are objects of it to be listed: it is no question or order to the server. */
  readonly isListed: boolean;
}

interface DiscoveryList {
  readonly items?: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly scope: 'Namespaced' | 'Cluster';
        readonly singularResource?: string;
        readonly shortNames?: readonly string[];
        readonly verbs?: readonly string[];
        readonly responseKind?: { readonly kind: string; readonly group?: string; readonly version?: string };
      }[];
    }[];
  }[];
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** All kinds of the server, preferred versions first. */
export async function discoverKinds(api: Target): Promise<readonly ServedKind[]> {
  const lists = await Promise.all(
    ['/api', '/apis'].map(async (path) => {
      const response = await send(api, path, { headers: { accept } });
      const text = await readText(response);
      if (response.statusCode === 401) throw new TsumugiError('Unauthorized', `${api.url} does not accept the token`);
      if (response.statusCode !== 200) throw new TsumugiError('Unavailable', `${api.url}${path} answered ${response.statusCode}`);
      return JSON.parse(text) as DiscoveryList;
    }),
  );
  return lists.flatMap(({ items = [] }) =>
    items.flatMap((group) =>
      (group.versions ?? []).flatMap(({ version, resources = [] }) =>
        resources.map((each) => ({
          group: group.metadata.name ?? '',
          version,
          plural: each.resource,
          kind: each.responseKind?.kind ?? each.resource,
          namespaced: each.scope === 'Namespaced',
          singular: each.singularResource ?? '',
          shortNames: each.shortNames ?? [],
          isListed: each.verbs?.includes('list') ?? false,
        })),
      ),
    ),
  );
}

/** Finds a kind by what a user wrote. Throws NotFound with what was probably meant. Ours win over others' of the same name, as v1 does. */
export function findKind(kinds: readonly ServedKind[], word: string): ServedKind {
  const wanted = word.toLowerCase();
  const names = (kind: ServedKind): string[] => [
    kind.plural,
    kind.singular,
    kind.kind.toLowerCase(),
    ...kind.shortNames,
    `${kind.plural}.${kind.group}`,
  ];
  const order = (kind: ServedKind): number => (kind.group === '' ? 0 : kind.group === 'tsumugi.dev' ? 1 : 2);
  const found = kinds.filter((kind) => names(kind).includes(wanted)).sort((a, b) => order(a) - order(b))[0];
  if (found) return found;
  const meant = didYouMean(
    wanted,
    kinds.flatMap((kind) => [kind.plural, kind.singular, ...kind.shortNames]),
  );
  throw new TsumugiError('NotFound', `there is no kind "${word}"`, {
    hint: meant ?? (hasOurs(kinds) ? kindsHint(kinds) : installHint),
  });
}

/** Ours, and those that they have to do with: a cluster may have hundreds. */
function kindsHint(kinds: readonly ServedKind[]): string {
  const near = new Set(['pods', 'configmaps', 'secrets', 'events', 'namespaces']);
  const isNear = ({ group, plural }: ServedKind): boolean => group === functions.group || (group === '' && near.has(plural));
  const known = kinds.filter(isNear).sort((a, b) => b.group.localeCompare(a.group));
  const others = kinds.length - known.length;
  return `there are: ${known.map((kind) => kind.plural).join(', ')}${others > 0 ? `, and ${others} more` : ''}`;
}

const hasOurs = (kinds: readonly ServedKind[]): boolean => kinds.some(({ group }) => group === functions.group);

/** Where none of our kinds is served. */
export const installHint = 'Tsumugi is not installed in this cluster: `tsumugi install`';

/** The resource of an object's apiVersion and kind. Throws NotFound. */
export function kindOfObject(kinds: readonly ServedKind[], object: { readonly apiVersion: string; readonly kind: string }): ServedKind {
  const [group = '', version] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : ['', object.apiVersion];
  const found = kinds.find((kind) => kind.group === group && kind.version === version && kind.kind === object.kind);
  if (found) return found;
  const meant = didYouMean(
    object.kind,
    kinds.map((kind) => kind.kind),
  );
  throw new TsumugiError(
    'NotFound',
    `the server has no kind ${object.kind} of ${object.apiVersion}`,
    group === functions.group && !hasOurs(kinds) ? { hint: installHint } : meant ? { hint: meant } : {},
  );
}
