/** A real API server with our kinds, and ours with its controllers, for the same scripts. */
import { vi } from 'vitest';
import { createHttpClient } from '../../../src/kube/http/client.ts';
import type { Connection } from '../../../src/kube/connection.ts';
import { loadConnection } from '../../../src/kube/kubeconfig.ts';
import { isAlreadyExists, type KubeObject } from '../../../src/resources/object.ts';
import { configMaps, namespaces, serviceAccounts } from '../../../src/resources/resources.ts';
import { installKinds } from '../custom-kinds.ts';
import { openOurs } from '../ours.ts';
import { plain } from './plain.ts';
import { Session } from './session.ts';

export type Script = (session: Session) => Promise<void>;

export interface Both {
  readonly real: Connection;
  readonly ours: Connection;
  /** What both servers say to the script, each in a namespace of this name. */
  play(namespace: string, script: Script): Promise<{ theirs: unknown[]; mine: unknown[] }>;
  /** A namespace on both, with what pods need in it. */
  makeNamespace(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function openBoth(kubeconfig: string): Promise<Both> {
  const real = await loadConnection({ path: kubeconfig });
  const client = createHttpClient(real);
  await installKinds(client);
  const { api, close } = await openOurs();
  const ours = { server: api.url, ca: api.ca, credentials: async () => ({ token: api.token }) } as Connection;
  const made = new Set<string>();

  const makeNamespace = async (name: string): Promise<void> => {
    made.add(name);
    const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await Promise.all([client.create(namespaces, namespace), api.client.create(namespaces, namespace)]);
    // A namespace takes pods once it has its account: its controller is not awaited.
    const account: KubeObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } };
    await client.create(serviceAccounts, account).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
    // Each namespace there has this one; here as well, so that pages are cut at the same places.
    const authority = { namespace: name, name: 'kube-root-ca.crt' };
    await vi.waitFor(() => client.get(configMaps, authority), { timeout: 30_000, interval: 20 });
    await api.client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: authority });
  };

  return {
    real,
    ours,
    makeNamespace,
    async play(namespace, script) {
      await makeNamespace(namespace);
      const [theirs, mine] = await Promise.all(
        [real, ours].map(async (connection) => {
          const session = new Session(connection, namespace);
          try {
            await script(session);
          } finally {
            session.close();
          }
          return plain(session.transcript, namespace);
        }),
      );
      return { theirs: theirs as unknown[], mine: mine as unknown[] };
    },
    async close() {
      await Promise.all([...made].map((name) => client.delete(namespaces, { name }).catch(() => undefined)));
      client.close();
      await close();
    },
  };
}
