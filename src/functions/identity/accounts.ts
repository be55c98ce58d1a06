/**
 * The ServiceAccounts of user code: one for each object that declares permissions, made by the platform and owned by that object. On
 * Kubernetes a RoleBinding for each kind that it may manage stands beside it; the embedded API reads the same from the owner itself.
 */
import { getIfThere } from '../../kube/get.ts';
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isAlreadyExists, isNotFound, type KubeObject, type Resource } from '../../resources/object.ts';
import { accountName, type AccountOwner, manageable, manageRole, type Permissions } from '../../resources/permissions.ts';
import { roleBindings, serviceAccounts } from '../../resources/resources.ts';
import { fieldManager, isOwnedBy, ownedBy, stable } from '../model/names.ts';
import { componentLabel, ownLabels } from '../model/network-policy.ts';

/** Nobody tells of accounts that somebody deleted or changed: they are put right after this. */
const lookAgainMs = 300_000;

/** Keeps accounts as their owners declare them; what was right a moment ago is not looked at again. */
export class Accounts {
  readonly #client: KubeClient;
  readonly #hasRoles: boolean;
  readonly #looked = new Map<string, { readonly permissions: string; readonly at: number }>();

  /** `hasRoles`: the API has RoleBindings, and asks for them. */
  constructor(client: KubeClient, hasRoles: boolean) {
    this.#client = client;
    this.#hasRoles = hasRoles;
  }

  /** Safe to run again. Throws Conflict while an account of this name belongs to something else. */
  async ensure(owner: KubeObject, permissions: Permissions): Promise<void> {
    if (this.#isRight(owner, stable(permissions))) return;
    const { namespace = '' } = owner.metadata;
    const name = nameOf(owner);
    const account = await this.#ensure<KubeObject>(serviceAccounts, {
      ...objectOf('v1', 'ServiceAccount', owner, name),
      automountServiceAccountToken: false,
    } as KubeObject);
    if (!isOwnedBy(account, owner)) {
      throw new TsumugiError('Conflict', `ServiceAccount "${name}" in namespace ${namespace} is not of this ${owner.kind}`, {
        hint: `delete it: kubectl delete serviceaccount -n ${namespace} ${name}`,
      });
    }
    if (this.#hasRoles) {
      for (const kind of manageable) {
        const binding = bindingName(name, kind);
        if (!permissions.manage?.includes(kind)) await this.#remove(roleBindings, namespace, binding, owner);
        else
          await this.#ensure<KubeObject>(roleBindings, {
            ...objectOf('rbac.authorization.k8s.io/v1', 'RoleBinding', owner, binding),
            roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: manageRole(kind) },
            subjects: [{ kind: 'ServiceAccount', name, namespace }],
          } as KubeObject);
      }
    }
    this.#noteRight(owner, stable(permissions));
  }

  /** For an owner that declares no permissions any more: with the account its tokens end. */
  async remove(owner: KubeObject): Promise<void> {
    if (this.#isRight(owner, '')) return;
    const { namespace = '' } = owner.metadata;
    const name = nameOf(owner);
    await this.#remove(serviceAccounts, namespace, name, owner);
    if (this.#hasRoles) for (const kind of manageable) await this.#remove(roleBindings, namespace, bindingName(name, kind), owner);
    this.#noteRight(owner, '');
  }

  /** It is looked at again the next time. */
  forget(owner: KubeObject): void {
    this.#looked.delete(owner.metadata.uid ?? '');
  }

  #isRight({ metadata: { uid = '' } }: KubeObject, permissions: string): boolean {
    const looked = this.#looked.get(uid);
    return looked !== undefined && looked.permissions === permissions && Date.now() - looked.at < lookAgainMs;
  }

  #noteRight({ metadata: { uid = '' } }: KubeObject, permissions: string): void {
    this.#looked.set(uid, { permissions, at: Date.now() });
  }

  async #ensure<T extends KubeObject>(resource: Resource, wanted: T): Promise<T> {
    const { namespace = '', name } = wanted.metadata;
    const there = await this.#find<T>(resource, namespace, name);
    if (there) return there;
    try {
      return await this.#client.create<T>(resource, wanted, { fieldManager });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return this.#client.get<T>(resource, { namespace, name });
    }
  }

  async #remove(resource: Resource, namespace: string, name: string, owner: KubeObject): Promise<void> {
    const there = await this.#find(resource, namespace, name);
    if (!there || !isOwnedBy(there, owner)) return;
    try {
      await this.#client.delete(resource, { namespace, name }, { preconditions: { uid: there.metadata.uid ?? '' } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #find<T extends KubeObject>(resource: Resource, namespace: string, name: string): Promise<T | undefined> {
    return getIfThere<T>(this.#client, resource, { namespace, name });
  }
}

const nameOf = ({ kind, metadata }: KubeObject): string => accountName(kind as AccountOwner, metadata.name);
const bindingName = (account: string, kind: string): string => `${account}-${kind}`;

const objectOf = (apiVersion: string, kind: string, owner: KubeObject, name: string): KubeObject => ({
  apiVersion,
  kind,
  metadata: {
    ...(owner.metadata.namespace !== undefined && { namespace: owner.metadata.namespace }),
    name,
    labels: { ...ownLabels, [componentLabel]: 'functions' },
    ownerReferences: [ownedBy(owner)],
  },
});
