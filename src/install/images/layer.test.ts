import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { addFolder } from './files.ts';
import { buildLayer, type LayerEntry, sha256 } from './layer.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-layer-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const file = (text: string, mode = 0o644): LayerEntry => ({ mode, bytes: Buffer.from(text) });

/** The same files, written by somebody with another umask at another time. */
function program(name: string, umask: number, time: number): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'lib'), { recursive: true });
  writeFileSync(join(root, 'lib', 'index.js'), 'export {};');
  writeFileSync(join(root, 'run'), '#!/bin/node');
  chmodSync(join(root, 'lib', 'index.js'), 0o666 & ~umask);
  chmodSync(join(root, 'run'), 0o777 & ~umask);
  utimesSync(join(root, 'run'), time, time);
  return root;
}

it('is the same for the same files, whatever their times, modes by umask, and order', async () => {
  const layers = [];
  for (const [name, umask, time] of [
    ['a', 0o022, 1],
    ['b', 0o077, 2_000_000_000],
  ] as const) {
    const files: Record<string, LayerEntry> = {};
    await addFolder(files, program(name, umask, time), 'app');
    layers.push(await buildLayer(files), await buildLayer(Object.fromEntries(Object.entries(files).toReversed())));
  }
  expect(new Set(layers.map(({ digest }) => digest)).size).toBe(1);
  expect(new Set(layers.map(({ diffId }) => diffId)).size).toBe(1);
});

it('is another one when one byte or one mode is', async () => {
  const layers = await Promise.all([
    buildLayer({ a: file('1') }),
    buildLayer({ a: file('2') }),
    buildLayer({ a: file('1', 0o755) }),
    buildLayer({ b: file('1') }),
  ]);
  expect(new Set(layers.map(({ diffId }) => diffId)).size).toBe(4);
});

it("is unpacked by the system's tar: modes, folders above files, links, what is large once under both names", async () => {
  const large = Buffer.alloc(1024 * 1024, 'x');
  const layer = await buildLayer({
    'usr/bin/run': file('#!', 0o755),
    'a/large': { mode: 0o755, bytes: large },
    'b/large': { mode: 0o755, bytes: large },
    'b/plain': { mode: 0o644, bytes: large },
    tmp: { mode: 0o1777 },
    bin: { mode: 0o777, target: 'usr/bin' },
  });
  writeFileSync(join(folder, 'layer.tar.gz'), layer.bytes);
  execFileSync('tar', ['-xpzf', 'layer.tar.gz'], { cwd: folder });
  const modeOf = (path: string): string => (statSync(join(folder, path)).mode & 0o7777).toString(8);
  expect(['usr', 'usr/bin', 'usr/bin/run', 'b/plain', 'tmp'].map(modeOf)).toEqual(['755', '755', '755', '644', '1777']);
  expect(readFileSync(join(folder, 'bin/run'), 'utf8')).toBe('#!');
  const inode = (path: string): number => statSync(join(folder, path)).ino;
  expect(inode('a/large')).toBe(inode('b/large'));
  expect(inode('b/plain')).not.toBe(inode('a/large'));
  expect(readFileSync(join(folder, 'b/large')).equals(large)).toBe(true);
  expect(layer.digest).toBe(sha256(layer.bytes));
  expect(layer.diffId).toBe(sha256(execFileSync('gzip', ['-dc', join(folder, 'layer.tar.gz')], { maxBuffer: 16 * 1024 * 1024 })));
});

it('takes of a package what a program loads, and its licence', async () => {
  const root = join(folder, 'package');
  for (const path of ['lib/test', 'test', 'docs', 'node_modules/other']) mkdirSync(join(root, path), { recursive: true });
  const kept = ['LICENSE.md', 'index.js', 'lib/data.json', 'lib/test.js', 'lib/test/index.js', 'package.json'];
  const left = [
    'README.md',
    '.npmrc',
    'index.d.ts',
    'index.js.map',
    'lib/index.test.js',
    'lib/source.ts',
    'test.js',
    'test/a.js',
    'docs/b.js',
    'node_modules/other/c.js',
  ];
  for (const path of [...kept, ...left]) writeFileSync(join(root, path), path);
  symlinkSync('/etc/hostname', join(root, 'link.js'));
  const files: Record<string, LayerEntry> = {};
  await addFolder(files, root, 'app', true);
  expect(Object.keys(files).sort()).toEqual(kept.map((path) => `app/${path}`));
});
