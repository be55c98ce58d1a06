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
