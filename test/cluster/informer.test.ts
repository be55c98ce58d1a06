/** The informer on a real Kubernetes whose API server is killed and comes back. */
import { spawnSync } from 'node:child_process';
import { expect, it, vi } from 'vitest';
import { nameSuffix } from '../../src/base/ids.ts';
import { type ConfigMap, configMap, configMaps } from '../../src/kube/contract/bench.contract.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBECONFIG'];
/** `… PROGRAM SECONDS` kills a program of the cluster and starts it again; only where the cluster is ours alone. */
const restart = process.env['TSUMUGI_TEST_CLUSTER_RESTART'];
const missing = kubeconfig && restart ? '' : 'needs a cluster of its own: npm run test:cluster without TSUMUGI_TEST_KUBECONFIG';

it('sees what happened while the API server was killed and started again', { timeout: 120_000 }, async ({ skip }) => {
  skip(missing !== '', missing);
  const client = createHttpClient(await loadConnection({ path: kubeconfig ?? '' }));
  const name = `informer-${nameSuffix()}`;
  const abort = new AbortController();
  const informer = new Informer<ConfigMap>(client, configMaps, { namespace: 'default', fieldSelector: `metadata.name=${name}` });
  const told: string[] = [];
  informer.on(({ type, object }) => told.push(`${type} ${object.data?.['n']}`));
  const running = informer.start(abort.signal);
  try {
    await informer.synced();
    await client.create(configMaps, configMap('default', name, { n: '1' }));
    await vi.waitFor(() => expect(told).toEqual(['added 1']), { timeout: 10_000 });

    const [command = '', ...args] = (restart ?? '').split(' ');
    const { status, stderr } = spawnSync(command, [...args, 'kube-apiserver', '1'], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const patched = (): Promise<ConfigMap> =>
      client.patch(configMaps, { namespace: 'default', name }, { type: 'merge', body: { data: { n: '2' } } });
    await vi.waitFor(patched, { timeout: 60_000, interval: 200 });
    await vi.waitFor(() => expect(told).toEqual(['added 1', 'updated 2']), { timeout: 60_000 });
    await client.delete(configMaps, { namespace: 'default', name });
    await vi.waitFor(() => expect(told).toEqual(['added 1', 'updated 2', 'deleted 2']), { timeout: 10_000 });
  } finally {
    abort.abort();
    await running;
    client.close();
  }
});
