/** The client contract on the embedded API with its controllers: in process, and over HTTPS as kubectl speaks. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { openEmbeddedApi } from '../../src/embedded/api/index.ts';
import { runEmbeddedControllers } from '../../src/embedded/controllers/index.ts';
import { type ContractServer, kubeClientContract } from '../../src/kube/client.contract.ts';
import { configMap, configMaps } from '../../src/kube/contract/bench.contract.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';

async function open(listen: boolean): Promise<ContractServer> {
  const data = await mkdtemp(join(tmpdir(), 'tsumugi-contract-'));
  const api = await openEmbeddedApi({ data, listen, history: { maxBytes: 4 << 20 } });
  const stop = new AbortController();
  const controllers = runEmbeddedControllers({ client: api.client, store: api.store, signal: stop.signal });
  const close = async (): Promise<void> => {
    stop.abort();
    await controllers;
    await api.close();
    await rm(data, { recursive: true });
  };
  /** Changes one object until the changes before are forgotten. */
  const expiredVersion = async (): Promise<string> => {
    const { metadata } = await api.client.create(configMaps, configMap('default', 'churn'));
    for (let n = 0; n < 6; n++) await api.client.update(configMaps, configMap('default', 'churn', { big: `${n}`.repeat(1 << 20) }));
    await api.client.delete(configMaps, { namespace: 'default', name: 'churn' });
    return metadata.resourceVersion ?? '';
  };
  const common = { promisesBookmarks: true, expiredVersion };
  if (!listen) return { ...common, client: api.client, close };

  const path = join(data, 'kubeconfig');
  await writeFile(path, api.kubeconfig, { mode: 0o600 });
  const client = createHttpClient(await loadConnection({ path }));
  return {
    ...common,
    client,
    close: async () => {
      client.close();
      await close();
    },
  };
}

describe('the client contract in process', () => kubeClientContract(() => open(false)));
describe('the client contract over HTTPS', () => kubeClientContract(() => open(true)));
