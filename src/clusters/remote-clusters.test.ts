/** RemoteClusters of an embedded API, beside another embedded API that is the remote one. */
import { describe, expect, test } from 'vitest';
import { silentLog } from '../base/log.ts';
import { closeAfterEach, onTestEnd, openTestApi } from '../kube/testing/embedded.ts';
import type { KubeClient } from '../kube/client.ts';
import { conditionOf } from '../resources/conditions.ts';
import type { KubeObject } from '../resources/object.ts';
import type { RemoteClusterResource } from '../resources/remote-cluster.ts';
import { remoteClusters, secrets } from '../resources/resources.ts';
import { watchRemoteClusters } from './remote-clusters.ts';

closeAfterEach();
const key = { namespace: 'default', name: 'far' };

async function world(): Promise<KubeClient> {
  const { client } = await openTestApi();
  const stop = new AbortController();
  const done = watchRemoteClusters({ client, log: silentLog, signal: stop.signal, again: { reached: 0.05, failed: 0.05 } });
  onTestEnd(async () => {
    stop.abort();
    await done;
  });
  await client.create<KubeObject>(remoteClusters, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'RemoteCluster',
    metadata: key,
    spec: { secretRef: { name: 'far' } },
  } as KubeObject);
  return client;
}

async function setSecret(client: KubeClient, kubeconfig: string): Promise<void> {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: key, stringData: { kubeconfig } } as KubeObject;
  await client.delete(secrets, key).catch(() => undefined);
  await client.create(secrets, secret);
}

/** Once it is said for this reason. */
async function said(client: KubeClient, reason: string): Promise<{ status: string; message: string; cluster: RemoteClusterResource }> {
  let last: RemoteClusterResource | undefined;
  await expect
    .poll(
      async () => {
        last = await client.get<RemoteClusterResource>(remoteClusters, key);
        return conditionOf(last, 'Ready')?.reason;
      },
      { timeout: 15_000 },
    )
    .toBe(reason);
  const { status = '', message = '' } = conditionOf(last ?? {}, 'Ready') ?? {};
  return { status, message, cluster: last as RemoteClusterResource };
}

describe('a RemoteCluster', () => {
  test('is Ready while its API server answers, with its version, and says so when it does not any more', async () => {
    const client = await world();
    expect((await said(client, 'SecretMissing')).message).toContain('kubectl create secret generic far -n default --from-file=kubeconfig=');
    const remote = await openTestApi({ listen: true });
    await setSecret(client, remote.kubeconfig);
    const { status, cluster } = await said(client, 'Reached');
    expect(status).toBe('True');
    expect(cluster.status).toMatchObject({ version: expect.stringMatching(/^v1\./), server: expect.stringMatching(/^https:\/\/127/) });
    await setSecret(client, remote.kubeconfig.replace(/token: .*/, 'token: wrong'));
    expect((await said(client, 'Unauthorized')).status).toBe('False');
    await setSecret(client, remote.kubeconfig);
    await said(client, 'Reached');
    await remote.close();
    const away = await said(client, 'Unreachable');
    // What is known of it stays.
    expect(away.cluster.status?.version).toBe(cluster.status?.version);
  });

  test.each([
    ['a program', 'user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false}}', '"exec" of user "u"'],
    ['a file of this machine', 'user: {tokenFile: /etc/passwd}', '"tokenFile" of user "u"'],
  ])('whose kubeconfig names %s is refused: it would be the platform’s', async (_, user, what) => {
    const client = await world();
    await setSecret(
      client,
      `{current-context: c, contexts: [{name: c, context: {cluster: k, user: u}}], clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: u, ${user}}]}`,
    );
    const { status, message } = await said(client, 'KubeconfigInvalid');
    expect(status).toBe('False');
    expect(message).toContain(what);
    expect(message).toContain('--flatten');
  });

  test('whose Secret is no kubeconfig says what is wrong with it', async () => {
    const client = await world();
    await setSecret(client, 'just: text');
    expect((await said(client, 'KubeconfigInvalid')).message).toContain('no current context in Secret default/far');
  });
});
