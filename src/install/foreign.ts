/** What else lives in a namespace: whoever deletes a namespace deletes it all. */
import { systemClock } from '../base/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { ApiError, type KubeObject, type Resource } from '../resources/object.ts';

/** What the API server says of the resources of one group and version. */
export interface Discovered {
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

/** What Kubernetes itself puts into every namespace, and what goes by itself: Events with time, Endpoints with their Service. */
const everywhere = [/^Event\//, /^Endpoints\//, /^ServiceAccount\/default$/, /^ConfigMap\/kube-root-ca\.crt$/];

/** All in the namespace that neither Kubernetes nor an owner put there and that is not about to go. */
export async function foreignObjects(client: KubeClient, namespace: string): Promise<readonly KubeObject[]> {
  const kinds = await namespacedKinds(client);
  const lists = await Promise.all(kinds.map((kind) => listed(client, kind, namespace)));
  return lists
    .flat()
    .filter(({ metadata }) => !metadata.deletionTimestamp && !metadata.ownerReferences?.length)
    .filter(({ kind, metadata }) => !everywhere.some((pattern) => pattern.test(`${kind}/${metadata.name}`)));
}

async function listed(client: KubeClient, kind: Resource, namespace: string, attempts = 10): Promise<readonly KubeObject[]> {
  try {
    return (await client.list<KubeObject>(kind, { namespace })).items;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // A kind that went between discovery and this, or one that only says it can be listed.
    if (error.code === 404 || error.code === 405) return [];
    // The server prepares a kind of a definition that is new.
    if (error.code !== 429 || attempts === 1) throw error;
    await systemClock.sleep(1000);
    return listed(client, kind, namespace, attempts - 1);
  }
}

async function namespacedKinds(client: KubeClient): Promise<readonly Resource[]> {
  const { groups } = JSON.parse(await client.raw('/apis')) as {
    groups: readonly { readonly name: string; readonly preferredVersion: { readonly version: string } }[];
  };
  const versions = [{ group: '', version: 'v1', path: '/api/v1' }].concat(
    groups.map(({ name, preferredVersion: { version } }) => ({ group: name, version, path: `/apis/${name}/${version}` })),
  );
  const discovered = await Promise.all(
    versions.map(async ({ group, version, path }) => {
      // An aggregated API server that is away cannot be asked; deleting the namespace would wait for it as well.
      const { resources } = JSON.parse(await client.raw(path)) as Discovered;
      return resources
        .filter(({ name, namespaced, verbs }) => namespaced && !name.includes('/') && verbs.includes('list') && verbs.includes('delete'))
        .map(({ name, kind, namespaced }) => ({ group, version, plural: name, kind, namespaced }));
    }),
  );
  return discovered.flat();
}
