import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import type { KindDefinition } from '../../resources/kind.ts';
import { kindFor } from '../../resources/kinds.ts';
import { openSqliteStore } from '../storage/sqlite/store.ts';
import { admin } from './authorize.ts';
import type { Call } from './core.ts';
import { ApiServer } from './server.ts';

it('removes events an hour after their last news, and nothing else', async () => {
  const data = mkdtempSync(join(tmpdir(), 'tsumugi-events-'));
  let now = Date.parse('2026-01-01T00:00:00Z');
  const clock = { now: () => now, sleep: () => Promise.reject(new Error('nobody sleeps here')) };
  const store = openSqliteStore({ data, clock });
  const server = new ApiServer({ store, clock });
  await server.start();
  const kind = kindFor('', 'v1', 'events') as KindDefinition;
  const call: Call = { user: admin, kind, namespace: 'default', name: '', subresource: '', warn: () => {} };
  const make = (name: string, more: object = {}): Promise<unknown> =>
    server.create(
      call,
      { metadata: { name }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', type: 'Normal', ...more },
      {},
    );
  await make('old');
  await make('repeated', { lastTimestamp: '2026-01-01T00:30:00Z' });
  now += 50 * 60_000;
  await make('young');
  expect(await server.expireEvents()).toBe(0);
  now += 11 * 60_000;
  expect(await server.expireEvents()).toBe(1);
  expect((await server.list(call, {})).rows.map((row) => row.name)).toEqual(['repeated', 'young']);
  expect((await store.list({ resource: 'namespaces' })).rows).toHaveLength(2);
  server.close();
  await store.close();
  rmSync(data, { recursive: true });
});
