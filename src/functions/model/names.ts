/** Names, labels and defaults of functions, decided in one place. */
import { createHash } from 'node:crypto';

import type { ObjectMeta, OwnerReference } from '../../resources/object.ts';
import type { FunctionInput } from '../../resources/function.ts';
import type { PodFields } from '../../resources/pod-fields.ts';

export const label = {
  runtime: 'tsumugi.dev/runtime',
  /** On pods of a pool that is not the runtime's common one: `poolHash` of what makes them different. */
  pool: 'tsumugi.dev/pool',
  function: 'tsumugi.dev/function',
  revision: 'tsumugi.dev/revision',
} as const;

export const annotation = {
  /** Of the fields whose change makes a new revision. */
  hash: 'tsumugi.dev/revision-hash',
  /** Of what the revision's Secrets and ConfigMaps held when it was made, with the platform's key. */
  config: 'tsumugi.dev/config-digest',
  /** Of inline source, so that it is bundled once. */
  source: 'tsumugi.dev/source-hash',
  /** On a Function, `true`: each new revision must have been loaded once before the function is Ready. See `reconcile/function.ts`. */
  prove: 'tsumugi.dev/prove',
  /** On a Function: a new value asks for another try of what has failed, though nothing of the spec has changed. On a Revision: the value that it was made for. */
  deployedAt: 'tsumugi.dev/deployed-at',
} as const;

export const fieldManager = 'tsumugi';

export const defaults = {
  runtime: 'node',
  handler: 'default',
  timeoutSeconds: 60,
  concurrency: 100,
  minInstances: 0,
  maxInstances: 10,
  idleTimeoutSeconds: 180,
  poolSize: 3,
  memory: '512Mi',
  /** How long the code of a function may take to load, as in Fission. */
  loadTimeoutSeconds: 30,
  /** Revisions kept besides those with traffic or instances. */
  oldRevisions: 3,
} as const;

/** `hello-00007` */
export function revisionName(functionName: string, number: number): string {
  return `${functionName}-${String(number).padStart(5, '0')}`;
}

/** 7 of `hello-00007`; 0 for a name that is none of the function. */
export function revisionNumber(functionName: string, name: string): number {
  return name.startsWith(`${functionName}-`) && /^\d{5,}$/.test(name.slice(functionName.length + 1))
    ? Number(name.slice(functionName.length + 1))
    : 0;
}

/**
 * Of the fields that make a revision: source, runtime, handler, env, secrets, configMaps, timeoutSeconds, concurrency, reuse, image,
 * imagePullSecrets, resources, serviceAccountName, volumes, volumeMounts, permissions. Not scale, traffic or visibility.
 */
export function revisionHash(spec: FunctionInput['spec']): string {
  const { source, runtime, handler, env, secrets, configMaps, timeoutSeconds, concurrency, reuse, permissions } = spec;
  const fields = [
    source.inline ?? null,
    source.package ?? null,
    runtime ?? defaults.runtime,
    handler ?? defaults.handler,
    env ?? [],
    secrets ?? [],
    configMaps ?? [],
    timeoutSeconds ?? defaults.timeoutSeconds,
    concurrency ?? null,
    // Only where there are any, so that revisions made before there were such fields stay what they are.
    ...(poolHash(spec) === undefined ? [] : [ownPodFields(spec)]),
    ...(reuse === 'never' ? [{ reuse }] : []),
    ...(permissions === undefined ? [] : [{ permissions }]),
  ];
  return shortHash(stable(fields));
}

/** What makes a function's pods different from those of its runtime. */
export function ownPodFields({ image, imagePullSecrets, resources, serviceAccountName, volumes, volumeMounts }: PodFields): PodFields {
  const given = { image, imagePullSecrets, resources, serviceAccountName, volumes, volumeMounts };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && !isEmpty(value)));
}

/** Names the pool that these fields ask for; undefined: they ask for nothing, and the runtime's common pool will do. */
export function poolHash(spec: PodFields): string | undefined {
  const fields = ownPodFields(spec);
  return isEmpty(fields) ? undefined : shortHash(stable(fields)).slice(0, 16);
}

/** `{}`, `[]`, `{limits: {}}`: nothing is said with it. */
function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every((each) => isEmpty(each));
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** JSON that does not depend on the order of fields. */
export function stable(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** The reference that makes `owner` the controller of an object in its namespace. */
export function ownedBy(owner: { apiVersion: string; kind: string; metadata: ObjectMeta }): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Whether the owner (this very object, not one of the same name) controls the object. */
export function isOwnedBy(object: { metadata: ObjectMeta }, owner: { metadata: ObjectMeta }): boolean {
  return object.metadata.ownerReferences?.some((each) => each.controller === true && each.uid === owner.metadata.uid) ?? false;
}

/** Where a function is called by the gateway: `/function/hello`, `/function/hello.shop`. */
export function functionPath(namespace: string, name: string): string {
  return `/function/${name}${namespace === 'default' ? '' : `.${namespace}`}`;
}
