/** Says of each RemoteCluster whether it is reached, and what it is; looks again from time to time. */
import { toError, TsumugiError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { remoteConnection } from '../kube/remote.ts';
import type { KubeClient } from '../kube/client.ts';
import { createHttpClient } from '../kube/http/client.ts';
import { Informer } from '../kube/informer.ts';
import { keysOf, type ReconcileResult, runController } from '../kube/reconcile.ts';
import { setCondition } from '../resources/conditions.ts';
import { ApiError, type Condition } from '../resources/object.ts';
import type { RemoteClusterResource } from '../resources/remote-cluster.ts';
import { remoteClusters } from '../resources/resources.ts';

export interface RemoteClustersOptions {
  readonly client: KubeClient;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Until a cluster is asked again: one that answered, one that did not. Seconds; default 60 and 10. */
  readonly again?: { readonly reached: number; readonly failed: number };
}

/** How long a cluster may take to say its version, ms. */
const patienceMs = 10_000;

/** Runs until `signal` is aborted, in the one controller that leads. */
export async function watchRemoteClusters({
  client,
  log,
  signal,
  again = { reached: 60, failed: 10 },
}: RemoteClustersOptions): Promise<void> {
  const informer = new Informer<RemoteClusterResource>(client, remoteClusters, { log });
  const informing = informer.start(signal);
  const reconcile = async (key: string): Promise<ReconcileResult> => {
    const cluster = informer.get(key);
    if (!cluster || cluster.metadata.deletionTimestamp) return;
    const seen = await look(client, cluster, signal);
    if (signal.aborted) return;
    await write(client, cluster, seen);
    return { again: seen.verdict.status === 'True' ? again.reached : again.failed };
  };
  await runController({ name: 'remote-clusters', informers: [keysOf(informer)], reconcile, log, signal }).done;
  await informing;
}

interface Seen {
  readonly verdict: Pick<Condition, 'status' | 'reason' | 'message'>;
  readonly server?: string;
  readonly version?: string;
}

async function look(client: KubeClient, cluster: RemoteClusterResource, stop: AbortSignal): Promise<Seen> {
  let server: string | undefined;
  try {
    const connection = await remoteConnection(client, cluster);
    server = connection.server;
    const remote = createHttpClient(connection);
    try {
      const text = await remote.raw('/version', { signal: AbortSignal.any([stop, AbortSignal.timeout(patienceMs)]) });
      const version = String((JSON.parse(text) as { gitVersion?: unknown }).gitVersion).slice(0, 256);
      return { verdict: { status: 'True', reason: 'Reached', message: `${server} answers` }, server, version };
    } finally {
      remote.close();
    }
  } catch (error) {
    return { verdict: { status: 'False', ...reasonOf(error, server) }, ...(server !== undefined && { server }) };
  }
}

function reasonOf(error: unknown, server: string | undefined): Pick<Condition, 'reason' | 'message'> {
  if (error instanceof TsumugiError) {
    const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    return { reason: error.code === 'NotFound' ? 'SecretMissing' : 'KubeconfigInvalid', message };
  }
  if (error instanceof ApiError && error.code === 401)
    return { reason: 'Unauthorized', message: `${server} does not accept its credentials` };
  const { name, message } = toError(error);
  return { reason: 'Unreachable', message: name === 'TimeoutError' ? `${server} said nothing for ${patienceMs / 1000} s` : message };
}

/** Only what is news. What was known of a cluster stays while it does not answer. */
async function write(client: KubeClient, cluster: RemoteClusterResource, { verdict, server, version }: Seen): Promise<void> {
  const { metadata, status } = cluster;
  const observedGeneration = metadata.generation ?? 1;
  const conditions = setCondition(status?.conditions, { type: 'Ready', ...verdict, observedGeneration }, Date.now());
  const next = {
    ...status,
    conditions,
    observedGeneration,
    ...(server !== undefined && { server }),
    ...(version !== undefined && { version }),
  };
  if (conditions === status?.conditions && next.server === status.server && next.version === status.version) return;
  await client.update<RemoteClusterResource>(
    remoteClusters,
    { ...cluster, status: next },
    { subresource: 'status', fieldManager: 'tsumugi' },
  );
}
