import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Clock } from '../../../base/clock.ts';
import { storeContract } from '../store.contract.ts';
import type { WriteResult } from '../store.ts';
import { openSqliteStore } from './store.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'tsumugi-store-'));

describe('the SQLite store', () => {
  storeContract(() => {
    const data = folder();
    let now = 1_000_000;
    const clock: Clock = { now: () => now, sleep: () => Promise.reject(new Error('nobody sleeps here')) };
    return {
      open: (history = {}) => openSqliteStore({ data, clock, history }),
      pass: (ms) => {
        now += ms;
      },
      dispose: () => rmSync(data, { recursive: true }),
    };
  });
});

describe('the database file', () => {
  let data: string;
  beforeEach(() => {
    data = folder();
  });
  afterEach(() => rmSync(data, { recursive: true }));

  it('is for its owner alone', async () => {
    const store = openSqliteStore({ data });
    expect(statSync(join(data, 'api.db')).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it('refuses a second opener, and says why', async () => {
    const store = openSqliteStore({ data });
    expect(() => openSqliteStore({ data })).toThrow(/api\.db is in use by another process/);
    await store.close();
    await openSqliteStore({ data }).close();
    expect(() => statSync(join(data, 'api.db-wal'))).toThrow('ENOENT');
  });

  it('refuses a format of a later release', () => {
    const db = new DatabaseSync(join(data, 'api.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => openSqliteStore({ data })).toThrow(/has format 99; this release knows formats up to \d+/);
  });

  it('tells nobody of a write, and shows it to nobody, before the disk has it; what comes meanwhile shares the next sync', async () => {
    const syncs: (() => void)[] = [];
    const store = openSqliteStore({ data, sync: () => new Promise((resolve) => syncs.push(resolve)) });
    const told: string[] = [];
    store.subscribe((changes) => told.push(changes.map(({ row }) => row.name).join()));
    const index = { labels: {}, fields: {}, cells: [], owners: [] };
    const key = (name: string) => ({ resource: 'r', namespace: '', name });
    const write = (name: string) => {
      const done = store.write([{ key: key(name), expect: 0, next: () => ({ uid: 'u', text: name, index }) }]);
      void done.then(() => told.push(`${name} is answered`));
      return done;
    };
    const first = write('a');
    await expect.poll(() => syncs.length).toBe(1);
    const before = store.revision();
    void store.get([key('a')]).then(([row]) => told.push(`${row?.name} is read`));
    void store.list({ resource: 'r' }).then(({ rows }) => told.push(`${rows.length} listed`));
    const others = [write('b'), write('c')];
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([told, syncs.length, store.revision()]).toEqual([[], 1, before]);
    syncs[0]!();
    await first;
    await expect.poll(() => syncs.length).toBe(2);
    expect(told).toContain('a');
    expect(told).not.toContain('b,c');
    syncs[1]!();
    await Promise.all(others);
    expect(told.filter((each) => !each.includes(' '))).toEqual(['a', 'b,c']);
    await expect.poll(() => told).toEqual(expect.arrayContaining(['a is read', '1 listed']));
    await store.close();
  });

  it('keeps its log short', async () => {
    const store = openSqliteStore({ data });
    const index = { labels: {}, fields: {}, cells: [], owners: [] };
    const text = 'x'.repeat(100_000);
    for (let n = 0; n < 120; n++)
      await store.write([{ key: { resource: 'r', namespace: '', name: `${n}` }, expect: 0, next: () => ({ uid: `${n}`, text, index }) }]);
    expect(statSync(join(data, 'api.db-wal')).size).toBeLessThan(6_000_000);
    await store.close();
  });

  it('shows after a transaction that failed what was there before', async () => {
    const store = openSqliteStore({ data });
    const index = { labels: {}, fields: {}, cells: [], owners: [] };
    const write = (name: string, expected: number, text: string): Promise<readonly WriteResult[]> =>
      store.write([{ key: { resource: 'r', namespace: '', name }, expect: expected, next: () => ({ uid: 'u', text, index }) }]);
    await write('a', 0, 'old');
    const tried = await Promise.allSettled([write('a', 2, 'new'), write('b', 0, 'new'), write('c', 0, undefined as unknown as string)]);
    expect(tried.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    const found = await store.get(['a', 'b', 'c'].map((name) => ({ resource: 'r', namespace: '', name })));
    expect(found.map((row) => row?.text)).toEqual(['old', undefined, undefined]);
    expect((await write('a', 2, 'newer'))[0]?.ok).toBe(true);
    await store.close();
  });

  it('holds every answered write when its process is killed', async () => {
    const program = `
      import { openSqliteStore } from ${JSON.stringify(new URL('store.ts', import.meta.url).href)};
      const store = openSqliteStore({ data: ${JSON.stringify(data)} });
      const index = { labels: {}, fields: {}, cells: [], owners: [] };
      for (let n = 0; ; n++) {
        const [result] = await store.write([{ key: { resource: 'r', namespace: '', name: 'n' + n }, expect: 0, next: () => ({ uid: 'u', text: 't', index }) }]);
        process.stdout.write(result.row.revision + '\\n');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    let answered = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      answered = Number(line);
      if (answered > 200) child.kill('SIGKILL');
    }
    await exited;
    const store = openSqliteStore({ data });
    expect(store.revision()).toBeGreaterThanOrEqual(answered);
    const { rows } = await store.list({ resource: 'r' });
    expect(Math.max(...rows.map((row) => row.revision))).toBe(store.revision());
    await store.close();
  });
});
