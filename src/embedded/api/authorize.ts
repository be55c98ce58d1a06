/** Who asks, and whether they may: the one gate that every request passes. What is granted is one table of rules. */
import type { Resource } from '../../resources/object.ts';
import { forbidden } from './status.ts';

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  /** What else is known of them: the token they came with. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  /** What they may do in one namespace, besides what their groups may. */
  readonly rights?: { readonly namespace: string; readonly rules: readonly ResourceRule[] };
}

/** Who holds the token of the data folder, and the platform itself. */
export const admin: User = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };
export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** True: allowed. `resource.plural` carries a subresource as `pods/log`. */
export type Authorizer = (
  user: User,
  verb: string,
  resource: Pick<Resource, 'group' | 'plural'>,
  namespace: string,
  name: string,
) => boolean;

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
}

export interface PathRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

export interface Rules {
  readonly resourceRules: readonly ResourceRule[];
  readonly nonResourceRules: readonly PathRule[];
}

const openPaths: PathRule = { verbs: ['get'], nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'] };

/** In a new Kubernetes these groups have the same. */
const granted: Readonly<Record<string, Rules>> = {
  'system:masters': {
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  },
  'system:authenticated': {
    resourceRules: [
      { verbs: ['create'], apiGroups: ['authorization.k8s.io'], resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'] },
      { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
    ],
    nonResourceRules: [
      openPaths,
      {
        verbs: ['get'],
        nonResourceURLs: [...openPaths.nonResourceURLs, '/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*'].toSorted(),
      },
    ],
  },
  'system:unauthenticated': { resourceRules: [], nonResourceRules: [openPaths] },
};

/** All that the user may do; in the namespace, where one is asked for. */
export function rulesOf({ groups, rights }: User, namespace: string): Rules {
  const rules = groups.flatMap((group) => (Object.hasOwn(granted, group) ? [granted[group] as Rules] : []));
  return {
    resourceRules: [
      ...rules.flatMap(({ resourceRules }) => resourceRules),
      ...(rights !== undefined && rights.namespace === namespace ? rights.rules : []),
    ],
    nonResourceRules: rules.flatMap(({ nonResourceRules }) => nonResourceRules),
  };
}

const has = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted);

export const byRules: Authorizer = (user, verb, { group, plural }, namespace) =>
  rulesOf(user, namespace).resourceRules.some((rule) => has(rule.verbs, verb) && has(rule.apiGroups, group) && has(rule.resources, plural));

/** Paths that are no resources: discovery, health, version. `/api/*` is all that begins so; below a path of health stands its detail. */
export const mayReadPath = (user: User, verb: string, path: string): boolean =>
  rulesOf(user, '').nonResourceRules.some(
    ({ verbs, nonResourceURLs }) =>
      has(verbs, verb) &&
      nonResourceURLs.some((url) => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)))),
  );

/** The refusal, in the server's words. */
export function denied(user: User, verb: Verb, resource: Resource, subresource: string, namespace: string, name: string) {
  const what = subresource ? `${resource.plural}/${subresource}` : resource.plural;
  const scope = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope';
  return forbidden(resource, name, `User "${user.name}" cannot ${verb} resource "${what}" in API group "${resource.group}" ${scope}`);
}
