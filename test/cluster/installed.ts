/** A small Tsumugi "in" a real cluster: a real gateway with one instance, and the platform API's packages and logs, in this process. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { openPki } from '../../src/embedded/api/pki.ts';
import { platformEndpoints } from '../../src/functions/api/endpoints.ts';
import { serveEndpoints } from '../../src/api/endpoints.ts';
import type { LogEntry } from '../../src/functions/logs/reader.ts';
import { startGateway } from '../../src/gateway/server.ts';
import { functionEntry, instanceEntry, startTestPlatform } from '../../src/gateway/testing/platform.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { openFileBlobs } from '../../src/records/files/blobs.ts';
import { servePlatformApi } from '../../src/processes/platform-server.ts';
import type { BlobStore } from '../../src/records/blobs.ts';
import type { KubeObject } from '../../src/resources/object.ts';
import { functions, namespaces, secrets } from '../../src/resources/resources.ts';
import { removeShim, startPod } from '../../src/shims/node/testing/pod.ts';
import { addressFor, proxyTo } from './proxied.ts';

export interface Installed {
  readonly namespace: string;
  readonly token: string;
  /** Of the gateway, without the API server in between. */
  readonly gateway: string;
  readonly blobs: BlobStore;
  /** Waits in a follower of the log, and comes out of it. */
  log(entry: LogEntry): void;
  setReady(service: 'tsumugi-api' | 'tsumugi-gateway', ready: boolean): Promise<void>;
  close(): Promise<void>;
}

/** `source`: of the one function, `app` in `functionNamespace`, with these exports. */
export async function install(
  client: KubeClient,
  server: string,
  namespace: string,
  app: { readonly namespace: string; readonly source: string; readonly exports: readonly string[] },
): Promise<Installed> {
  const token = randomBytes(16).toString('hex');
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-installed-'));
  const blobs = await openFileBlobs(join(folder, 'blobs'));

  const pod = await startPod();
  await pod.specialize(app.source);
  const projection = await startTestPlatform();
  const tokenHashes = [createHash('sha256').update(token).digest('hex')];
  projection.put({ kind: 'platform', tokenHashes, ready: true, waitingFor: [] });
  projection.put(functionEntry('app', { namespace: app.namespace, exports: [...app.exports] }));
  projection.put(instanceEntry(pod.uid, pod.address));
  const gateway = await startGateway({ port: 0, host: '0.0.0.0', domain: 'localhost', platform: projection.address, log: silentLog });
  await gateway.loaded;

  const entries: LogEntry[] = [];
  let wake = Promise.withResolvers<void>();
  const stopped = new AbortController();
  const handler = serveEndpoints(
    platformEndpoints({
      blobs,
      functionNames: async (where) => (await client.list(functions, { namespace: where })).items.map(({ metadata }) => metadata.name),
      readLogs: async function* ({ follow, signal }) {
        let next = 0;
        const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        for (;;) {
          for (; next < entries.length; next += 1) yield entries[next] as LogEntry;
          if (!follow || signal.aborted) return;
          await Promise.race([wake.promise, ended]);
        }
      },
      activate: () => Promise.reject(new Error('the one instance is there')),
      reportFailed: async () => undefined,
      ownerOf: async () => undefined,
      endOf: () => Promise.reject(new Error('nothing ends here')),
      subscribe: async function* () {},
      ready: Promise.resolve(),
    }),
    silentLog,
    stopped.signal,
  );
  const { cert, key } = openPki(folder, ['127.0.0.1']);
  const api = await servePlatformApi({
    handler,
    host: '0.0.0.0',
    port: 0,
    tls: { cert, key },
    tokens: [{ token, roles: ['user'] }],
    authenticate: async () => undefined,
    hint: '',
  });

  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const data = { token: Buffer.from(token).toString('base64') };
  await client.create<KubeObject & { data: object }>(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'tsumugi-cli' },
    data,
  });
  const proxied = await proxyTo(client, namespace, await addressFor(server), [
    { name: 'tsumugi-api', port: { name: 'https', number: 443 }, target: api.port },
    { name: 'tsumugi-gateway', port: { name: 'http', number: 80 }, target: gateway.port },
  ]);
  return {
    namespace,
    token,
    gateway: `http://127.0.0.1:${gateway.port}`,
    blobs,
    log: (entry) => {
      entries.push(entry);
      wake.resolve();
      wake = Promise.withResolvers();
    },
    setReady: (service, ready) => proxied.setReady(service, ready),
    close: async () => {
      stopped.abort();
      await client.delete(namespaces, { name: namespace });
      await api.close();
      await gateway.stop();
      await projection.close();
      await pod.stop();
      await removeShim();
      rmSync(folder, { recursive: true });
    },
  };
}
