/** Every kind that the platform knows, and how to find one. */
import { configMapKind } from './builtin/configmap.ts';
import { eventKind } from './builtin/event.ts';
import { jobKind } from './builtin/job/job.ts';
import { leaseKind } from './builtin/lease.ts';
import { namespaceKind } from './builtin/namespace.ts';
import { nodeKind, serviceAccountKind } from './builtin/node.ts';
import { podKind } from './builtin/pod.ts';
import { resourceQuotaKind } from './builtin/quota.ts';
import { reviewKinds } from './builtin/reviews.ts';
import { secretKind } from './builtin/secret.ts';
import { serviceKind } from './builtin/service.ts';
import { persistentVolumeClaimKind, persistentVolumeKind, storageClassKind } from './builtin/volumes.ts';
import { withDefaults } from './defaulting.ts';
import { executionKind } from './execution.ts';
import { functionKind } from './function.ts';
import { jobDefinitionKind } from './job-definition.ts';
import type { KindDefinition } from './kind.ts';
import type { KubeObject } from './object.ts';
import { remoteClusterKind } from './remote-cluster.ts';
import { revisionKind } from './revision.ts';
import { routeKind } from './route.ts';
import { runtimeKind } from './runtime.ts';

export { prune, unknownFields, withDefaults } from './defaulting.ts';
export { tokenRequestKind } from './builtin/reviews.ts';
export { typeError } from './type-check.ts';
export { check, finalizerWarnings, warningsOf } from './validation.ts';

/** All that is stored, in the order of discovery: built-in ones first, by plural. */
export const kinds: readonly KindDefinition[] = [
  configMapKind,
  eventKind,
  namespaceKind,
  nodeKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
  resourceQuotaKind,
  secretKind,
  serviceAccountKind,
  serviceKind,
  jobKind,
  storageClassKind,
  leaseKind,
  executionKind,
  functionKind,
  jobDefinitionKind,
  remoteClusterKind,
  revisionKind,
  routeKind,
  runtimeKind,
];

/** All that is served: what is stored, and what can only be asked. */
export const servedKinds: readonly KindDefinition[] = kinds.toSpliced(kinds.indexOf(jobKind), 0, ...reviewKinds);

const byResource = new Map(servedKinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]));
const byKind = new Map(servedKinds.map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, kind]));

/** @example kindFor('', 'v1', 'pods') */
export const kindFor = (group: string, version: string, plural: string): KindDefinition | undefined =>
  byResource.get(`${group}/${version}/${plural}`);

/** @example kindOf({ apiVersion: 'tsumugi.dev/v1', kind: 'Function' }) */
export const kindOf = (object: { readonly apiVersion: string; readonly kind: string }): KindDefinition | undefined =>
  byKind.get(`${object.apiVersion}/${object.kind}`);

/** `v1` or `tsumugi.dev/v1`. */
export function apiVersionOf(resource: { readonly group: string; readonly version: string }): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** The object with all defaults of its kind: the structure's, then what only code can tell. */
export function defaulted<T extends KubeObject>(kind: KindDefinition, object: T): T {
  return withOwnDefaults(kind, withDefaults(kind.structure, object));
}

/** What only code can tell, of an object that has its structure's defaults. */
export const withOwnDefaults = <T extends KubeObject>(kind: KindDefinition, filled: T): T => (kind.defaulting?.(filled) ?? filled) as T;
