/** Who may do what: one ServiceAccount a component, each with what its code calls and no more; and roles for those who use the platform. */
import { manageable, manageRole, manageRules } from '../resources/permissions.ts';
import { type Component, type Manifest, manifest, names, secretNames } from './parts.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const ours = 'tsumugi.dev';
const read = ['get', 'list', 'watch'];
const group = 'rbac.authorization.k8s.io';

/** In all namespaces: functions live where their users want them. */
const controllerRules: readonly Rule[] = [
  { apiGroups: [ours], resources: ['functions', 'routes', 'runtimes', 'revisions'], verbs: read },
  {
    apiGroups: [ours],
    resources: ['functions/status', 'routes/status', 'runtimes/status', 'revisions/status'],
    verbs: ['update', 'patch'],
  },
  { apiGroups: [ours], resources: ['revisions'], verbs: ['create', 'delete'] },
  // The jobs API writes them, too, for whoever has the platform's token.
  { apiGroups: [ours], resources: ['jobdefinitions'], verbs: [...read, 'create', 'update', 'delete'] },
  // Its finalizer is set and taken away; those beyond the history are deleted.
  { apiGroups: [ours], resources: ['executions'], verbs: [...read, 'patch', 'delete'] },
  { apiGroups: [ours], resources: ['jobdefinitions/status', 'executions/status'], verbs: ['update', 'patch'] },
  // The default Runtime, at the first start.
  { apiGroups: [ours], resources: ['runtimes'], verbs: ['create'] },
  // Whether they are reached.
  { apiGroups: [ours], resources: ['remoteclusters'], verbs: read },
  { apiGroups: [ours], resources: ['remoteclusters/status'], verbs: ['update', 'patch'] },
  // To be the owner of a pod or a revision, where the API server asks for that (OwnerReferencesPermissionEnforcement).
  {
    apiGroups: [ours],
    resources: [
      'functions/finalizers',
      'revisions/finalizers',
      'runtimes/finalizers',
      'jobdefinitions/finalizers',
      'executions/finalizers',
    ],
    verbs: ['update'],
  },
  { apiGroups: [''], resources: ['pods'], verbs: [...read, 'create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  // Runs in pods of their own: paused by a patch.
  { apiGroups: ['batch'], resources: ['jobs'], verbs: [...read, 'create', 'patch', 'delete'] },
  // Those that Functions name, and those of runners and guests: by name alone, never a list.
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'delete'] },
  // How many runners each may have at once; whether one is still there: else what it kept in the store goes.
  { apiGroups: [''], resources: ['namespaces'], verbs: read },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  // Accounts of functions and jobs that declare permissions, and their tokens. (Whoever may make pods may use every account of a namespace anyway.)
  { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get', 'create', 'delete'] },
  { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
  // It grants these roles without holding what is in them: no others, and each in the namespace of a function that asks for it.
  { apiGroups: [group], resources: ['rolebindings'], verbs: ['get', 'create', 'delete'] },
  { apiGroups: [group], resources: ['clusterroles'], resourceNames: manageable.map(manageRole), verbs: ['bind'] },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['get', 'create', 'patch'] },
];

/** In the system namespace. What is created has no name yet when the API server is asked: only reading and changing can be bound to names. */
const controllerSystemRules: readonly Rule[] = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [names.lease], verbs: ['get', 'update'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  { apiGroups: [''], resources: ['secrets'], resourceNames: Object.values(secretNames), verbs: ['get', 'update'] },
];

const viewRules: readonly Rule[] = [
  {
    apiGroups: [ours],
    resources: ['functions', 'routes', 'revisions', 'runtimes', 'jobdefinitions', 'executions', 'remoteclusters'],
    verbs: read,
  },
];

/** Runtimes are for the cluster's administrators: their image runs in every namespace. */
const userRules: readonly Rule[] = [
  ...viewRules,
  {
    apiGroups: [ours],
    resources: ['functions', 'routes', 'jobdefinitions', 'executions', 'remoteclusters'],
    verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
  },
];

/** The forms in which a Service may be named in the path of the API server's proxy: `scheme:name:port`. */
const proxyNames = (scheme: string, service: string, port: string, number: number): readonly string[] => [
  service,
  ...['', `${scheme}:`].flatMap((prefix) => [port, String(number)].map((each) => `${prefix}${service}:${each}`)),
  `${scheme}:${service}:`,
];

/** What the command line needs in the system namespace: its token, and the two Services through the API server. */
const platformUserRules: readonly Rule[] = [
  { apiGroups: [''], resources: ['secrets'], resourceNames: [secretNames.cli], verbs: ['get'] },
  {
    apiGroups: [''],
    resources: ['services/proxy'],
    resourceNames: [...proxyNames('https', names.api, 'https', 443), ...proxyNames('http', names.gateway, 'http', 80)],
    // GET, POST, PUT, PATCH, DELETE.
    verbs: ['get', 'create', 'update', 'patch', 'delete'],
  },
];

export function accounts(namespace: string): readonly Manifest[] {
  const account = (component: Component, name: string): Manifest =>
    manifest('v1', 'ServiceAccount', component, { name, namespace }, { automountServiceAccountToken: false });
  return [account('controller', names.controller), account('gateway', names.gateway)];
}

/** What functions may be allowed to manage, each role for one kind. Bound by the controller, in namespaces alone. */
function codeAccess(): readonly Manifest[] {
  return manageable.map((kind) => role('ClusterRole', 'access', { name: manageRole(kind) }, manageRules[kind]));
}

export function controllerAccess(namespace: string): readonly Manifest[] {
  const name = names.controller;
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  return [
    role('ClusterRole', 'controller', { name }, controllerRules),
    binding('ClusterRoleBinding', 'controller', { name }, subjects),
    role('Role', 'controller', { name, namespace }, controllerSystemRules),
    binding('RoleBinding', 'controller', { name, namespace }, subjects),
  ];
}

/** For people. `view`, `edit` and `admin`, which every cluster has, take up the cluster roles; the Role is bound by hand. */
export function userAccess(namespace: string): readonly Manifest[] {
  const into = (...roles: string[]): Record<string, string> =>
    Object.fromEntries(roles.map((each) => [`${group}/aggregate-to-${each}`, 'true']));
  return [
    role('ClusterRole', 'access', { name: names.view, labels: into('view') }, viewRules),
    role('ClusterRole', 'access', { name: names.user, labels: into('edit', 'admin') }, userRules),
    role('Role', 'access', { name: names.user, namespace }, platformUserRules),
    ...codeAccess(),
  ];
}

type Metadata = { readonly name: string; readonly namespace?: string; readonly labels?: object };

function role(kind: 'Role' | 'ClusterRole', component: Component, metadata: Metadata, rules: readonly Rule[]): Manifest {
  return manifest(`${group}/v1`, kind, component, metadata, { rules });
}

function binding(
  kind: 'RoleBinding' | 'ClusterRoleBinding',
  component: Component,
  metadata: Metadata,
  subjects: readonly object[],
): Manifest {
  const roleRef = { apiGroup: group, kind: kind.replace('Binding', ''), name: metadata.name };
  return manifest(`${group}/v1`, kind, component, metadata, { roleRef, subjects });
}
