import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { logContract } from '../logs.contract.ts';
import { GroupCommit, openDatabase } from './database.ts';
import { openSqliteLogs } from './logs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-logs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('logs in SQLite', () => {
  logContract(async () => openSqliteLogs(join(folder, 'records.db')));
});

describe('a database of records', () => {
  it('brings an older format up to date and keeps its rows', () => {
    const file = join(folder, 'x.db');
    const first = openDatabase(file, ['CREATE TABLE t (a)']);
    first.exec('INSERT INTO t VALUES (1)');
    first.close();
    const second = openDatabase(file, ['CREATE TABLE t (a)', 'ALTER TABLE t ADD COLUMN b DEFAULT 2']);
    expect({ ...second.prepare('SELECT a, b FROM t').get() }).toEqual({ a: 1, b: 2 });
    second.close();
  });

  it('refuses a format that is newer than it knows', () => {
    const file = join(folder, 'x.db');
    openDatabase(file, ['CREATE TABLE t (a)', 'CREATE TABLE u (a)']).close();
    expect(() => openDatabase(file, ['CREATE TABLE t (a)'])).toThrow(/has format 2/);
  });

  it('commits a group even when one of it fails', async () => {
    const database = openDatabase(join(folder, 'x.db'), ['CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT']);
    const group = new GroupCommit(database);
    const insert = database.prepare('INSERT INTO t VALUES (?)');
    const outcomes = await Promise.allSettled([1, 1, 2].map((value) => group.run(() => void insert.run(value))));
    expect(outcomes.map((each) => each.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(database.prepare('SELECT count(*) AS n FROM t').get()).toMatchObject({ n: 2 });
    database.close();
  });
});
