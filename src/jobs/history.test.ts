import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import type { RunStore } from '../records/runs.ts';
import { openSqliteFences } from '../records/sqlite/fences.ts';
import { openSqliteRuns } from '../records/sqlite/runs.ts';
import { type HistoryOptions, trimHistory } from './history.ts';

const day = 86_400_000;
let folder: string;
let runs: RunStore;
let forgotten: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-history-'));
  runs = openSqliteRuns(join(folder, 'records.db'));
  forgotten = [];
});
afterEach(async () => {
  await runs.close();
  rmSync(folder, { recursive: true });
});

const options = (more: Partial<HistoryOptions> = {}): HistoryOptions => ({
  runs,
  days: 30,
  forget: async ({ uid }) => {
    forgotten.push(uid);
    await runs.want(uid, 'delete');
  },
  clock: systemClock,
  log: silentLog,
  ...more,
});

async function ended(ago: Readonly<Record<string, number>>): Promise<void> {
  await runs.insert(
    Object.keys(ago).map((uid) => ({
      uid,
      namespace: 'default',
      name: uid,
      kind: 'runner' as const,
      place: 'pods' as const,
      job: 'f',
      spec: {},
      createdAt: 1,
    })),
  );
  await runs.commit(
    Object.entries(ago).map(([uid, days]) => ({
      uid,
      set: { status: 'failed' as const, endedAt: Date.now() - days * day },
      events: [{ uid }],
    })),
  );
}

test('what ended longer ago than is kept is forgotten, once; what goes on stays, however old', async () => {
  await ended({ old: 31, young: 29 });
  await runs.insert([{ uid: 'open', namespace: 'default', name: 'open', kind: 'runner', place: 'pods', job: 'f', spec: {}, createdAt: 1 }]);
  expect(await trimHistory(options())).toBe(false);
  await trimHistory(options());
  expect(forgotten).toEqual(['old']);
  expect(await runs.events({ limit: 9 })).toHaveLength(2);
});

test('events are dropped after the same time', async () => {
  await ended({ young: 1 });
  await trimHistory(options({ clock: { ...systemClock, now: () => Date.now() + 31 * day } }));
  expect(forgotten).toEqual(['young']);
  expect(await runs.events({ limit: 9 })).toEqual([]);
});

test('there is more to do after a whole batch', async () => {
  await ended(Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`r${n}`, 40])));
  expect(await trimHistory(options())).toBe(true);
  await runs.delete(forgotten);
  expect(await trimHistory(options())).toBe(false);
  expect(forgotten).toHaveLength(501);
});

test('a leader whose epoch is over drops nothing', async () => {
  await ended({ old: 40 });
  const fences = openSqliteFences(join(folder, 'records.db'));
  await fences.raise({ scope: 'controllers', epoch: 2 });
  await fences.close();
  await expect(trimHistory(options({ fence: { scope: 'controllers', epoch: 1 } }))).rejects.toMatchObject({ code: 'Conflict' });
  expect(forgotten).toEqual([]);
});
