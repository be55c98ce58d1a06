import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { closeAfterEach, onTestEnd, openTestApi } from '../../kube/testing/embedded.ts';
import { openSqliteStore } from '../../records/sqlite/store.ts';
import type { KeyValueStore } from '../../records/store.ts';
import { sweepStore } from './store-upkeep.ts';

closeAfterEach();

it('what is due goes, and what belongs to namespaces that do not exist; an API server that is away removes nothing', async () => {
  const { client } = await openTestApi();
  const folder = await mkdtemp(join(tmpdir(), 'tsumugi-upkeep-'));
  let later = 0;
  const clock = { ...systemClock, now: () => Date.now() + later };
  const store: KeyValueStore = openSqliteStore(join(folder, 'records.db'), clock);
  onTestEnd(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  const entry = { value: new Uint8Array(1), isJson: false };
  await store.set([
    { namespace: 'default', key: 'stays', ...entry },
    { namespace: 'default', key: 'due', ...entry, ttlMs: 1000 },
    { namespace: 'gone', key: 'k', ...entry },
  ]);
  const options = { client, store, clock, log: silentLog, fence: { scope: 'controllers', epoch: 1 } };
  const away = { ...client, get: () => Promise.reject(new Error('away')) };
  await expect(sweepStore({ ...options, client: away as never })).rejects.toThrow('away');
  expect(await sweepStore(options)).toBe(1);
  expect(await store.namespaces()).toEqual(['default']);
  later = 2000;
  expect(await sweepStore(options)).toBe(1);
  expect((await store.list({ namespace: 'default', prefix: '', limit: 10 })).entries.map(({ key }) => key)).toEqual(['stays']);
});
