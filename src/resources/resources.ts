/** Where each kind is served: all that a client needs to name it, without loading schemas. */
import type { Resource } from './object.ts';

const core = (plural: string, kind: string, namespaced = true): Resource => ({ group: '', version: 'v1', plural, kind, namespaced });
const ours = (plural: string, kind: string, namespaced = true): Resource => ({
  group: 'tsumugi.dev',
  version: 'v1',
  plural,
  kind,
  namespaced,
});

export const namespaces = core('namespaces', 'Namespace', false);
export const configMaps = core('configmaps', 'ConfigMap');
export const secrets = core('secrets', 'Secret');
export const pods = core('pods', 'Pod');
export const events = core('events', 'Event');
export const nodes = core('nodes', 'Node', false);
export const serviceAccounts = core('serviceaccounts', 'ServiceAccount');
export const jobs: Resource = { group: 'batch', version: 'v1', plural: 'jobs', kind: 'Job', namespaced: true };
export const persistentVolumeClaims = core('persistentvolumeclaims', 'PersistentVolumeClaim');
export const persistentVolumes = core('persistentvolumes', 'PersistentVolume', false);
export const storageClasses: Resource = {
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'storageclasses',
  kind: 'StorageClass',
  namespaced: false,
};
export const resourceQuotas = core('resourcequotas', 'ResourceQuota');
export const leases: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true };
/** Made on a real cluster alone. */
export const services = core('services', 'Service');
export const networkPolicies: Resource = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
};

/** Asked of the API server, never stored. */
export const tokenReviews: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
};
/** Made on a real cluster alone. */
export const roleBindings: Resource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'rolebindings',
  kind: 'RoleBinding',
  namespaced: true,
};

export const runtimes = ours('runtimes', 'Runtime', false);
export const functions = ours('functions', 'Function');
export const revisions = ours('revisions', 'Revision');
export const routes = ours('routes', 'Route');
export const jobDefinitions = ours('jobdefinitions', 'JobDefinition');
export const executions = ours('executions', 'Execution');
export const remoteClusters = ours('remoteclusters', 'RemoteCluster');
