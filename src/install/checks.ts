/** What is looked at before anything is changed: the server's version, what the caller may do, the database's Secret. */
import { getIfThere } from '../kube/get.ts';
import { TsumugiError } from '../base/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { isNotFound, type KubeObject, type Resource } from '../resources/object.ts';
import { secrets } from '../resources/resources.ts';
import { deployments, installedKinds } from './kinds.ts';
import { names, ownSelector } from './parts.ts';
import type { InstallSettings } from './settings.ts';
import { databaseVariable } from './workloads.ts';

/** Meant for 1.31 and newer; tested on 1.36. `blocks`: without it the manifests are refused. */
const needs: readonly { readonly minor: number; readonly feature: string; readonly lost: string; readonly blocks: boolean }[] = [
  {
    minor: 31,
    feature: 'selectable fields of custom resources',
    lost: 'lists of revisions by field (`--field-selector spec.function=NAME`) are refused',
    blocks: false,
  },
  { minor: 30, feature: 'preStop sleep', lost: 'requests fail while a gateway or controller is replaced', blocks: true },
  { minor: 30, feature: 'selectable fields in definitions', lost: 'the definition of Revision is refused', blocks: true },
  { minor: 29, feature: 'validation rules (CEL), stable', lost: 'wrong Functions and Routes may be stored', blocks: true },
];

/** Throws Invalid where the server is our own. */
export function refuseEmbedded(version: string): void {
  if (version.includes('+tsumugi'))
    throw new TsumugiError('Invalid', 'this is the embedded cluster of `tsumugi up`, where the platform is built in', {
      hint: 'name a Kubernetes cluster with --context or --kubeconfig',
    });
}

/** What is lost on a server of this version (`v1.30.4-eks-1`), each a line. Throws Invalid where the manifests would be refused. */
export function checkVersion(version: string): readonly string[] {
  refuseEmbedded(version);
  const [, major = 0, minor = 0] = (/^v?(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const missing = major > 1 ? [] : needs.filter((need) => minor < need.minor);
  const lines = missing.map(({ feature, lost }) => `${feature}: ${lost}`);
  if (missing.some(({ blocks }) => blocks))
    throw new TsumugiError('Invalid', `Kubernetes ${version} is too old: ${lines.join('; ')}`, { hint: 'Tsumugi needs 1.31 or newer' });
  return lines;
}

export async function serverVersion(client: KubeClient): Promise<string> {
  return (JSON.parse(await client.raw('/version')) as { gitVersion: string }).gitVersion;
}

const reviews: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
};

interface AccessReview extends KubeObject {
  readonly spec: { readonly resourceAttributes: Readonly<Record<string, string>> };
  readonly status?: { readonly allowed: boolean };
}

/** Whether the caller may do this. */
export async function isAllowed(client: KubeClient, attributes: Readonly<Record<string, string>>): Promise<boolean> {
  const review: AccessReview = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: { name: '' },
    spec: { resourceAttributes: attributes },
  };
  return (await client.create<AccessReview>(reviews, review)).status?.allowed === true;
}

/** Throws Forbidden with all that the caller may not do. */
export async function checkPermissions(client: KubeClient, namespace: string, verbs: readonly string[]): Promise<void> {
  const asked = installedKinds.flatMap((kind) => verbs.map((verb) => ({ kind, verb })));
  const answers = await Promise.all(
    asked.map(({ kind: { group, plural, namespaced }, verb }) =>
      isAllowed(client, { group, resource: plural, verb, ...(namespaced && { namespace }) }),
    ),
  );
  const refused = [...new Set(asked.filter((_, index) => !answers[index]).map(({ kind, verb }) => `${verb} ${kind.plural}`))];
  if (refused.length > 0)
    throw new TsumugiError('Forbidden', `you may not ${refused.join(', ')}`, {
      hint: 'this needs an administrator of the cluster (ClusterRole cluster-admin); choose another with --context',
    });
}

/** Throws Conflict where the platform is in another namespace: there is one for a whole cluster. */
export async function checkOnlyOne(client: KubeClient, namespace: string): Promise<void> {
  const { items } = await client.list<KubeObject>(deployments, { labelSelector: ownSelector });
  const other = items.find(({ metadata }) => metadata.namespace !== namespace)?.metadata.namespace;
  if (other !== undefined)
    throw new TsumugiError('Conflict', `Tsumugi is in namespace ${other} of this cluster, and there can be only one`, {
      hint: `say -n ${other}`,
    });
}

interface Controller extends KubeObject {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly env?: readonly { readonly name: string; readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string } } }[];
        }[];
      };
    };
  };
}

/** Throws Conflict where a database is in use and none is named now: what it holds would be out of sight. */
export async function checkRecordsStay(client: KubeClient, { namespace, databaseSecret }: InstallSettings): Promise<void> {
  if (databaseSecret !== undefined) return;
  const current = await getIfThere<Controller>(client, deployments, { namespace, name: names.controller });
  const env = current?.spec.template.spec.containers.flatMap((container) => container.env ?? []);
  const used = env?.find(({ name }) => name === databaseVariable)?.valueFrom?.secretKeyRef?.name;
  if (used === undefined) return;
  throw new TsumugiError('Conflict', `this installation keeps its records in the database of Secret "${used}"`, {
    hint: `to upgrade it: --database-secret ${used}; to leave the database: \`tsumugi uninstall\` first`,
  });
}

/** Throws NotFound where the database's Secret is missing, or says nothing. */
export async function checkDatabaseSecret(client: KubeClient, { namespace, databaseSecret }: InstallSettings): Promise<void> {
  if (databaseSecret === undefined) return;
  const command = `kubectl create secret generic ${databaseSecret} -n ${namespace} --from-literal=url=postgres://USER:PASSWORD@HOST/DATABASE`;
  try {
    const secret = await client.get<KubeObject & { readonly data?: Readonly<Record<string, string>> }>(secrets, {
      namespace,
      name: databaseSecret,
    });
    if (secret.data?.['url']) return;
    throw new TsumugiError('NotFound', `Secret "${databaseSecret}" in namespace ${namespace} has no key "url"`, { hint: command });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new TsumugiError('NotFound', `Secret "${databaseSecret}" does not exist in namespace ${namespace}`, {
      hint: `make the namespace where it is missing (kubectl create namespace ${namespace}), then: ${command}`,
    });
  }
}
