import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { findDependencies } from './dependencies.ts';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tsumugi-dependencies-')));
});

afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, manifest: object = {}): void {
  mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, path, 'package.json'), JSON.stringify(manifest));
}

const needs = (...names: string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, '*']));

async function found(path: string): Promise<Record<string, string>> {
  const placed = await findDependencies(join(folder, path), 'app');
  return Object.fromEntries([...placed].map(([target, from]) => [target, from.slice(folder.length + 1)]));
}

it('finds what a checkout needs, and not what it is developed with', async () => {
  put('.', { dependencies: needs('a'), devDependencies: needs('tool') });
  put('node_modules/a', { dependencies: needs('@x/b') });
  put('node_modules/@x/b', { dependencies: needs('a') });
  put('node_modules/tool');
  expect(await found('.')).toEqual({ 'app/node_modules/a': 'node_modules/a', 'app/node_modules/@x/b': 'node_modules/@x/b' });
});

it('keeps two versions apart, as the one who needs each finds it', async () => {
  // Installed into a project that uses another "shared" itself: ours lies in our own folder, that of "a" beside it.
  put('node_modules/us', { dependencies: needs('a', 'shared') });
  put('node_modules/us/node_modules/shared');
  put('node_modules/a', { dependencies: needs('shared', 'deep') });
  put('node_modules/deep', { dependencies: needs('shared') });
  put('node_modules/shared');
  expect(await found('node_modules/us')).toEqual({
    'app/node_modules/a': 'node_modules/a',
    'app/node_modules/shared': 'node_modules/us/node_modules/shared',
    'app/node_modules/a/node_modules/shared': 'node_modules/shared',
    'app/node_modules/deep': 'node_modules/deep',
    'app/node_modules/deep/node_modules/shared': 'node_modules/shared',
  });
});

it('leaves out programs of other machines and optional packages that are not there', async () => {
  put('.', { optionalDependencies: needs('mine', 'others', 'absent', 'anywhere') });
  put('node_modules/mine', { os: [process.platform], cpu: [process.arch] });
  put('node_modules/others', { os: ['plan9'] });
  put('node_modules/anywhere', { os: ['!plan9'] });
  expect(Object.keys(await found('.')).sort()).toEqual(['app/node_modules/anywhere', 'app/node_modules/mine']);
});

it('says which dependency is not installed', async () => {
  put('.', { dependencies: needs('surely-not-installed') });
  await expect(found('.')).rejects.toThrow(/surely-not-installed, which .* needs, is not installed/);
});
