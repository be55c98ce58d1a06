/** History is forgotten while much is written: who asks for what is gone is told so, and nobody who watches misses anything. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEmbeddedApi } from '../../src/embedded/api/index.ts';
import type { ApiError, KubeObject } from '../../src/resources/object.ts';
import { configMaps } from '../../src/resources/resources.ts';

interface ConfigMap extends KubeObject {
  data: { n: string; fill: string };
}

const count = 1500;
const object = (n: number): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name: `c${n % 7}` },
  data: { n: String(n), fill: 'x'.repeat(1000) },
});

test('watchers see each write once and in order, those from before what is kept are told 410, and so are pages', async () => {
  const data = mkdtempSync(join(tmpdir(), 'tsumugi-compaction-'));
  // Some hundred writes are kept, of thousands.
  const api = await openEmbeddedApi({ data, history: { maxBytes: 256 * 1024 } });
  const stop = new AbortController();
  try {
    for (let n = 0; n < 7; n++) await api.client.create(configMaps, object(n));
    const { metadata } = await api.client.list<ConfigMap>(configMaps, { namespace: 'default', limit: 3 });
    const since = metadata.resourceVersion;
    const watching = Array.from({ length: 20 }, async () => {
      const seen: number[] = [];
      for await (const { object: changed } of api.client.watch<ConfigMap>(configMaps, { resourceVersion: since, signal: stop.signal })) {
        seen.push(Number(changed.data.n));
        if (changed.data.n === String(count)) break;
      }
      return seen;
    });
    for (let n = 7; n <= count; n++) {
      await api.client.update(configMaps, object(n));
      // Now and then many at once wait for one commit.
      if (n % 100 === 0)
        await Promise.all(
          Array.from({ length: 20 }, () => api.client.patch(configMaps, { namespace: 'default', name: 'c0' }, { type: 'merge', body: {} })),
        );
    }
    const wanted = Array.from({ length: count - 6 }, (_, index) => index + 7);
    for (const seen of await Promise.all(watching)) expect(seen).toEqual(wanted);

    const failure = (what: Promise<unknown>): Promise<unknown> =>
      what.then(
        () => 'none',
        (error: ApiError) => [error.code, error.status.reason],
      );
    const next = api.client.watch(configMaps, { resourceVersion: since, signal: stop.signal })[Symbol.asyncIterator]().next();
    expect(await failure(next)).toEqual([410, 'Expired']);
    const token = metadata.continue;
    expect(token).toBeTruthy();
    expect(await failure(api.client.list(configMaps, { namespace: 'default', limit: 3, continue: token as string }))).toEqual([
      410,
      'Expired',
    ]);
    const now = await api.client.list<ConfigMap>(configMaps, { namespace: 'default' });
    expect(now.items.map((item) => Number(item.data.n)).toSorted((a, b) => a - b)).toEqual(wanted.slice(-7));
  } finally {
    stop.abort();
    await api.close();
    rmSync(data, { recursive: true });
  }
});
