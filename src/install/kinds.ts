/** Where the kinds of our manifests are served. */
import type { KubeObject, Resource } from '../resources/object.ts';
import { namespaces, networkPolicies, serviceAccounts } from '../resources/resources.ts';

const kind = (group: string, plural: string, name: string, namespaced = true): Resource => ({
  group,
  version: 'v1',
  plural,
  kind: name,
  namespaced,
});

export const definitionsResource = kind('apiextensions.k8s.io', 'customresourcedefinitions', 'CustomResourceDefinition', false);
export const deployments = kind('apps', 'deployments', 'Deployment');
export const replicaSets = kind('apps', 'replicasets', 'ReplicaSet');
export const leases = kind('coordination.k8s.io', 'leases', 'Lease');

/** In the order in which they are put on a cluster. */
export const installedKinds: readonly Resource[] = [
  definitionsResource,
  namespaces,
  serviceAccounts,
  kind('rbac.authorization.k8s.io', 'clusterroles', 'ClusterRole', false),
  kind('rbac.authorization.k8s.io', 'clusterrolebindings', 'ClusterRoleBinding', false),
  kind('rbac.authorization.k8s.io', 'roles', 'Role'),
  kind('rbac.authorization.k8s.io', 'rolebindings', 'RoleBinding'),
  networkPolicies,
  kind('', 'services', 'Service'),
  kind('policy', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  deployments,
];

/** Throws for a kind that is none of ours: a defect. */
export function resourceOf(object: KubeObject): Resource {
  const found = installedKinds.find((each) => each.kind === object.kind);
  if (!found) throw new Error(`no manifest of ours has kind ${object.kind}`);
  return found;
}
