/** The client contract on the embedded API with its controllers: in process, and over HTTPS as kubectl speaks. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { openEmbeddedApi } from '../../src/embedded/api/index.ts';
import { runEmbeddedControllers } from '../../src/embedded/controllers/index.ts';
import { type ContractServer, kubeClientContract } from '../../src/kube/client.contract.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';

async function open(listen: boolean): Promise<ContractServer> {
  const data = await mkdtemp(join(tmpdir(), 'tsumugi-contract-'));
  const api = await openEmbeddedApi({ data, listen });
  const stop = new AbortController();
  const controllers = runEmbeddedControllers({ client: api.client, store: api.store, signal: stop.signal });
  const close = async (): Promise<void> => {
    stop.abort();
    await controllers;
    await api.close();
    await rm(data, { recursive: true });
  };
  if (!listen) return { client: api.client, promisesBookmarks: true, close };

  const path = join(data, 'kubeconfig');
  await writeFile(path, api.kubeconfig, { mode: 0o600 });
  const client = createHttpClient(await loadConnection({ path }));
  return {
    client,
    promisesBookmarks: true,
    close: async () => {
      client.close();
      await close();
    },
  };
}

describe('the client contract in process', () => kubeClientContract(() => open(false)));
describe('the client contract over HTTPS', () => kubeClientContract(() => open(true)));
