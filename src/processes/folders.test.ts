import { mkdtempSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readPlatformFile } from '../client/data-folder.ts';
import { lockData, prepareFolders, writePlatformFile } from './folders.ts';

const base = mkdtempSync(join(tmpdir(), 'tsumugi-folders-'));
const runs: string[] = [];
afterAll(() => {
  for (const folder of [base, ...runs]) rmSync(folder, { recursive: true, force: true });
});

function prepare(name: string): { data: string; run: string } {
  const folders = prepareFolders(join(base, name));
  runs.push(folders.run);
  return folders;
}

test('the run folder is short, only ours, the same each time, and linked from the data folder', () => {
  const deep = `${'deep/'.repeat(30)}data`;
  const { data, run } = prepare(deep);
  expect(run.length).toBeLessThan(70);
  expect(statSync(run).mode & 0o777).toBe(0o700);
  expect(readlinkSync(join(data, 'run'))).toBe(run);
  expect(prepare(deep)).toEqual({ data, run });
  expect(prepare('other').run).not.toBe(run);
});

test.runIf(process.platform === 'linux')('a folder that cannot be made is refused, not tried for ever', () => {
  expect(() => prepareFolders('/proc/tsumugi/data')).toThrow(/the data folder \/proc\/tsumugi\/data cannot be made or written/);
});

test('a stale link is mended', () => {
  const { data, run } = prepare('stale');
  rmSync(join(data, 'run'));
  symlinkSync(join(base, 'gone'), join(data, 'run'));
  expect(prepare('stale').run).toBe(run);
  expect(readlinkSync(join(data, 'run'))).toBe(run);
});

test('one holds the data at a time; the other hears who does', () => {
  const { data, run } = prepare('locked');
  const lock = lockData(data);
  const file = {
    version: '1',
    pid: 42,
    data,
    gateway: 'http://127.0.0.1:1',
    api: '',
    platform: '',
    metrics: '',
    socket: '',
    domain: 'localhost',
  };
  writePlatformFile(run, file);
  expect(readPlatformFile(data)).toEqual(file);
  expect(() => lockData(data)).toThrow(
    expect.objectContaining({
      code: 'Conflict',
      message: expect.stringContaining('pid 42, gateway http://127.0.0.1:1') as string,
    }) as Error,
  );
  lock.release();
  lockData(data).release();
});
