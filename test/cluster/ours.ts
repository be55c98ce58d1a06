/** The embedded API on fresh data, with its controllers, beside a real one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedApi, openEmbeddedApi } from '../../src/embedded/api/index.ts';
import { runEmbeddedControllers } from '../../src/embedded/controllers/index.ts';

export async function openOurs(): Promise<{ readonly api: EmbeddedApi; readonly close: () => Promise<void> }> {
  const data = await mkdtemp(join(tmpdir(), 'tsumugi-ours-'));
  const api = await openEmbeddedApi({ data });
  const stop = new AbortController();
  const controllers = runEmbeddedControllers({ client: api.client, store: api.store, signal: stop.signal });
  return {
    api,
    async close() {
      stop.abort();
      await controllers;
      await api.close();
      await rm(data, { recursive: true });
    },
  };
}
