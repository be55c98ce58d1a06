/**
 * The database when its process is killed at any moment, again and again on the same data: what was acknowledged is there, whole, and in
 * its order. `TSUMUGI_KILLS=1000` for the long run; `TSUMUGI_SEED` for other moments.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/embedded/storage/sqlite/store.ts';
import type { Change, StoredRow } from '../../src/embedded/storage/store.ts';

const kills = Number(process.env['TSUMUGI_KILLS'] ?? (process.env['CI'] ? 100 : 15));
const given = process.env['TSUMUGI_SEED'] ?? '20261121';
const seed = given === 'random' ? Date.now() % 100_000 : Number(given) % 100_000;

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'tsumugi-kill-'));
});
afterEach(() => rmSync(data, { recursive: true }));

/** What is known of one name: the last write that was acknowledged, and one after it that was not (yet). `n` 0: deleted. */
interface Known {
  n: number;
  revision: number;
  asked?: number;
}

/** Lets a writer write until `lines` lines were heard, then kills it; notes what it said. */
async function writeAndKill(round: number, lines: number, known: Map<string, Known>): Promise<number> {
  const child = spawn(process.execPath, ['test/crash/writer.ts', data, String(seed + round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let heard = 0;
  let acknowledged = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'ready') continue;
    const [mark, name = '', n, revision] = line.split(' ');
    const of = known.get(name) ?? { n: 0, revision: 0 };
    known.set(name, of);
    if (mark === '?') of.asked = Number(n);
    else {
      Object.assign(of, { n: Number(n), revision: Math.max(of.revision, Number(revision)) });
      delete of.asked;
      acknowledged += 1;
    }
    heard += 1;
    if (heard === lines) child.kill('SIGKILL');
  }
  const [code, signal] = (await exited) as [number | null, string | null];
  expect([code, signal]).toEqual([null, 'SIGKILL']);
  return acknowledged;
}

function numberIn(row: StoredRow): number {
  const { data: content, metadata } = JSON.parse(row.text) as {
    data: { n: string; first: string; last: string };
    metadata: { resourceVersion: string };
  };
  expect(metadata.resourceVersion).toBe(String(row.revision));
  expect(content.last, 'written whole').toBe(content.n);
  expect(content.first.replaceAll(`${content.n} `, '')).toBe('');
  return Number(content.n);
}

/** Compares the store with what is known, and takes over what had become true without being told. Answers the last revision. */
async function check(known: Map<string, Known>, lastRevision: number): Promise<number> {
  const store = openSqliteStore({ data });
  try {
    const { rows, revision } = await store.list({ resource: 'configmaps', namespace: 'default' });
    expect(revision, 'revisions never go back').toBeGreaterThanOrEqual(lastRevision);
    const stored = new Map(rows.map((row) => [row.name, row]));
    for (const [name, of] of known) {
      const row = stored.get(name);
      const n = row ? numberIn(row) : 0;
      expect([of.n, of.asked], `${name}: acknowledged, or asked for last`).toContain(n);
      if (row) expect(row.revision).toBeGreaterThanOrEqual(of.revision);
      known.set(name, { n, revision: Math.max(of.revision, row?.revision ?? 0) });
    }
    expect([...stored.keys()].filter((name) => !known.has(name))).toEqual([]);
    expectReplay(await everyChange(store), rows);
    return revision;
  } finally {
    await store.close();
  }
}

/** All changes that are still kept. */
async function everyChange(store: ReturnType<typeof openSqliteStore>): Promise<readonly Change[]> {
  const oldest = await store.changes(0, 'configmaps', 1).then(
    () => 0,
    (error: { oldest: number }) => error.oldest,
  );
  return store.changes(oldest, 'configmaps', 1_000_000);
}

/** The changes end in the present state: a watcher that comes back sees no other world than who lists. */
function expectReplay(changes: readonly Change[], rows: readonly StoredRow[]): void {
  const last = new Map<string, Change>();
  let revision = 0;
  for (const change of changes) {
    expect(change.revision).toBeGreaterThan(revision);
    revision = change.revision;
    last.set(change.row.name, change);
  }
  const present = new Map(rows.map((row) => [row.name, row]));
  for (const [name, change] of last)
    expect(present.get(name)?.revision, name).toBe(change.type === 'DELETED' ? undefined : change.revision);
}

describe('kill -9 while writing', () => {
  test(
    `nothing acknowledged is lost, nothing half-written is seen, revisions never go back (${kills} times)`,
    async () => {
      const known = new Map<string, Known>();
      let state = seed;
      let revision = 0;
      let acknowledged = 0;
      for (let round = 0; round < kills; round++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        acknowledged += await writeAndKill(round, 1 + ((state >>> 8) % 400), known);
        revision = await check(known, revision);
      }
      expect(acknowledged).toBeGreaterThan(kills * 20);
      expect(revision).toBeGreaterThanOrEqual(acknowledged);
    },
    20_000 + kills * 10_000,
  );
});
