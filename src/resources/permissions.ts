/**
 * What user code may do in its own namespace, as its Function (or JobDefinition) declares it. Without `permissions` it has no identity
 * at all; with an empty one it has an identity, and no right.
 *
 * The identity is a ServiceAccount of the platform's making, owned by the object that declares the permissions: whose account it is,
 * and so what it may do, is always read from there.
 */
import { z } from 'zod';
import type { KubeObject, ObjectMeta } from './object.ts';
import { type Immutable, setOf } from './schema.ts';

/** Kinds that code may be allowed to manage. */
export const manageable = ['jobs', 'configmaps', 'secrets'] as const;
export type Manageable = (typeof manageable)[number];

export const permissionsField = z
  .strictObject({
    run: setOf(z.enum(['runners']), 1)
      .optional()
      .describe('`runners`: it may start runs of the functions of its namespace.'),
    manage: setOf(z.enum(manageable), manageable.length)
      .optional()
      .describe('Kinds of objects that it may create, read, change and delete in its namespace, by the Kubernetes API.'),
    emit: z.boolean().optional().describe('Whether it may emit events.'),
    store: z.boolean().optional().describe('Whether it may use the key-value store of its namespace.'),
  })
  .describe('What its code may do in its namespace. Absent: it has no identity.');

export type Permissions = Immutable<z.output<typeof permissionsField>>;

/** A rule of Kubernetes' RBAC. */
export interface AccessRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const all = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** What each entry of `manage` means. */
export const manageRules: Readonly<Record<Manageable, readonly AccessRule[]>> = {
  jobs: [
    { apiGroups: ['batch'], resources: ['jobs'], verbs: all },
    // What became of them.
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  ],
  configmaps: [{ apiGroups: [''], resources: ['configmaps'], verbs: all }],
  secrets: [
    { apiGroups: [''], resources: ['secrets'], verbs: all },
    // Names of Secrets, and what is in them.
    { apiGroups: ['tsumugi.dev'], resources: ['remoteclusters'], verbs: ['get', 'list', 'watch'] },
  ],
};

/** Rights by the Kubernetes API. */
export const rulesOf = ({ manage = [] }: Permissions): readonly AccessRule[] => manage.flatMap((kind) => manageRules[kind]);

/** The ClusterRole that says the same on Kubernetes: bound in a namespace, for one account. */
export const manageRole = (kind: Manageable): string => `tsumugi-manage-${kind}`;

/** Kinds whose objects declare permissions, and how the names of their accounts begin. */
const owners = { Function: 'tsumugi-function-', JobDefinition: 'tsumugi-job-' } as const;
export type AccountOwner = keyof typeof owners;

export const accountName = (kind: AccountOwner, name: string): string => owners[kind] + name;

/** The object whose code an account is for; undefined: it is none of the platform's. */
export function ownerOfAccount({
  metadata,
}: {
  readonly metadata: ObjectMeta;
}): { kind: AccountOwner; name: string; uid: string } | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner?.apiVersion !== 'tsumugi.dev/v1' || !Object.hasOwn(owners, owner.kind)) return undefined;
  const { name, uid } = owner;
  const kind = owner.kind as AccountOwner;
  return metadata.name === accountName(kind, name) ? { kind, name, uid } : undefined;
}

/** Of an object that declares them; undefined: of none, or of one that is being deleted. */
export function permissionsOf(object: KubeObject): Permissions | undefined {
  return object.metadata.deletionTimestamp ? undefined : (object as { spec?: { permissions?: Permissions } }).spec?.permissions;
}
