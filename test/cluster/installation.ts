/** For the tests of the installation, which is one for a whole cluster. */
import { expect, vi } from 'vitest';
import type { Discovered } from '../../src/install/foreign.ts';
import { installedKinds } from '../../src/install/kinds.ts';
import { definitions } from '../../src/install/manifests.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { createHttpClient, type HttpKubeClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { isNotFound, type KubeObject, type Resource } from '../../src/resources/object.ts';
import { namespaces } from '../../src/resources/resources.ts';
import { rawRequest } from './raw.ts';

export interface Place {
  readonly connection: Connection;
  readonly client: HttpKubeClient;
  /** A namespace for functions. */
  readonly user: string;
  /** A client that is the ServiceAccount; closed with the rest. */
  as(namespace: string, account: string): Promise<HttpKubeClient>;
  close(): Promise<void>;
}

/** Throws where the cluster has an installation: the tests would take it away. */
export async function placeForInstallation(path: string): Promise<Place> {
  const connection = await loadConnection({ path });
  const client = createHttpClient(connection);
  const clients = [client];
  const user = `install-user-${process.pid}`;
  const { items } = await client.list<KubeObject>(installed('ClusterRole'), { labelSelector: 'app.kubernetes.io/part-of=tsumugi' });
  if (items.length > 0) throw new Error('this cluster has an installation of Tsumugi: give these tests one of their own');
  await removeKinds(client);
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: user } });
  return {
    connection,
    client,
    user,
    as: async (namespace, account) => {
      const { body } = await rawRequest(
        connection,
        'POST',
        `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
        { 'content-type': 'application/json' },
        '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":600}}',
      );
      const { token } = (body as { status: { token: string } }).status;
      const own = createHttpClient({ ...connection, credentials: async () => ({ token }) });
      clients.push(own);
      return own;
    },
    close: async () => {
      await client.delete(namespaces, { name: user });
      for (const each of clients) each.close();
    },
  };
}

/** Our kinds, where other tests have left them: what is to be installed is not there yet. */
async function removeKinds(client: HttpKubeClient): Promise<void> {
  const resource = installed('CustomResourceDefinition');
  for (const { metadata } of definitions()) {
    await client.delete(resource, { name: metadata.name }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    await vi.waitFor(() => expect(client.get(resource, { name: metadata.name })).rejects.toMatchObject({ code: 404 }), { timeout: 30_000 });
  }
}

/** The resource of a kind of our manifests. */
export function installed(kind: string): Resource {
  const found = installedKinds.find((each) => each.kind === kind);
  if (!found) throw new Error(`no manifest has kind ${kind}`);
  return found;
}

/** What the work was refused with. */
export function refusal(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.unreachable('it was done'),
    (error: unknown) => error as Error,
  );
}

/** `resource namespace/name` of every object of the cluster but Events, sorted. */
export async function everything(client: KubeClient): Promise<readonly string[]> {
  const { groups } = JSON.parse(await client.raw('/apis')) as {
    groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
  };
  const found: string[] = [];
  for (const path of ['/api/v1', ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)]) {
    const { resources } = JSON.parse(await client.raw(path)) as Discovered;
    for (const { name, kind, verbs } of resources) {
      if (name.includes('/') || !verbs.includes('list') || kind === 'Event') continue;
      const { items } = JSON.parse(await client.raw(`${path}/${name}`)) as { items: readonly KubeObject[] };
      for (const { metadata } of items) found.push(`${path}/${name} ${metadata.namespace ?? ''}/${metadata.name}`);
    }
  }
  return found.sort();
}
