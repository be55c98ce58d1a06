import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type EmbeddedApi, openEmbeddedApi } from '../../embedded/api/index.ts';
import { type ConfigMap, configMap, configMaps } from '../contract/bench.contract.ts';
import type { KubeClient } from '../client.ts';

const closers: (() => Promise<void>)[] = [];
let hooked = false;

/** A real embedded API of its own, in process; closed and removed after the test. */
export async function openTestApi(options: { listen?: boolean } = {}): Promise<EmbeddedApi> {
  const data = await mkdtemp(join(tmpdir(), 'tsumugi-kube-'));
  const api = await openEmbeddedApi({ data, listen: options.listen ?? false });
  onTestEnd(async () => {
    await api.close();
    await rm(data, { recursive: true });
  });
  return api;
}

/** Runs after the test, the last registered first. */
export function onTestEnd(close: () => Promise<void> | void): void {
  if (!hooked) throw new Error('call closeAfterEach() at the top of the test file');
  closers.push(async () => close());
}

export function closeAfterEach(): void {
  hooked = true;
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });
}

/** Shortcuts for ConfigMaps of the default namespace. */
export const maps = {
  create: (client: KubeClient, name: string, data: Record<string, string> = {}, metadata = {}): Promise<ConfigMap> =>
    client.create(configMaps, configMap('default', name, data, metadata)),
  patch: (client: KubeClient, name: string, body: object): Promise<ConfigMap> =>
    client.patch(configMaps, { namespace: 'default', name }, { type: 'merge', body }),
  delete: (client: KubeClient, name: string): Promise<void> => client.delete(configMaps, { namespace: 'default', name }),
};
