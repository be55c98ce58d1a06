/** A real API server and ours, asked the same. */
import { nameSuffix } from '../../src/base/ids.ts';
import type { EmbeddedApi } from '../../src/embedded/api/index.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { createHttpClient, type HttpKubeClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { namespaces } from '../../src/resources/resources.ts';
import { installKinds } from './custom-kinds.ts';
import { openOurs } from './ours.ts';
import { type RawAnswer, rawRequest } from './raw.ts';

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: object | string | Uint8Array;
}

export interface Pair {
  /** One of both, there and here. */
  readonly namespace: string;
  readonly theirs: Connection;
  readonly mine: Connection;
  readonly client: HttpKubeClient;
  readonly api: EmbeddedApi;
  ask(asked: Asked): Promise<{ readonly theirs: RawAnswer; readonly mine: RawAnswer }>;
  close(): Promise<void>;
}

/** Ours has its controllers; both have our kinds and one namespace of the same name. */
export async function openPair(kubeconfig: string): Promise<Pair> {
  const theirs = await loadConnection({ path: kubeconfig });
  const client = createHttpClient(theirs);
  await installKinds(client);
  const { api, close } = await openOurs();
  const mine: Connection = { ...theirs, server: api.url, ca: api.ca, credentials: async () => ({ token: api.token }) };
  const namespace = `pair-${nameSuffix()}`;
  for (const each of [client, api.client])
    await each.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  return {
    namespace,
    theirs,
    mine,
    client,
    api,
    async ask({ method = 'GET', path, headers = {}, body }) {
      const sent = typeof body === 'object' && !(body instanceof Uint8Array) ? JSON.stringify(body) : body;
      const send = (connection: Connection): Promise<RawAnswer> => rawRequest(connection, method, path, headers, sent);
      const [there, here] = await Promise.all([send(theirs), send(mine)]);
      return { theirs: there, mine: here };
    },
    async close() {
      await client.delete(namespaces, { name: namespace });
      client.close();
      await close();
    },
  };
}

/** The text of an answer without what differs from one run to the next: uids, times, versions, tokens. */
export const steady = (text: string): string =>
  text
    .replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, 'TOKEN')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replaceAll(/"resourceVersion":"\d+"/g, '"resourceVersion":"RV"');
