import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readManifest } from './package.ts';
import { isProgram, packageProgram, runsPrograms } from './program.ts';
import { readTar } from './tar.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsumugi-program-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each<[name: string, content: string, mode: number, expected: boolean]>([
  ['counter.sh', '#!/bin/sh\ndate\n', 0o644, true],
  ['no-first-line.sh', 'date\n', 0o644, true],
  ['report.py', '#!/usr/bin/env python3\n', 0o644, true],
  ['machine-code', '\x7fELF\x02', 0o644, true],
  ['executable', 'date\n', 0o755, true],
  ['notes.txt', 'node, sh\n', 0o644, false],
  ['tool', '#!/usr/bin/env node\n', 0o755, false],
  ['hello.ts', 'export default () => 1;', 0o755, false],
  ['hello.mjs', '#!/bin/sh\n', 0o755, false],
])('%s: %j with mode %o', (name, content, mode, expected) => {
  const file = join(folder, name);
  writeFileSync(file, content, 'latin1');
  chmodSync(file, mode);
  expect(isProgram(file)).toBe(expected);
});

test('a file that is not there is said', () => {
  expect(() => isProgram(join(folder, 'nothing.sh'))).toThrow('there is no file');
});

test('its package is the file as it is, and the same each time', () => {
  const bytes = Buffer.from('#!/bin/sh\r\n\0');
  const made = packageProgram(bytes);
  expect(Buffer.from(readTar(made.bytes)['handler'] ?? [])).toEqual(bytes);
  expect(readManifest(made.bytes)).toEqual({ formatVersion: 1, exports: ['default'] });
  expect(packageProgram(bytes).id).toBe(made.id);
});

test('runtimes of the image run nothing else', () => {
  expect(['tsumugi/binary', 'tsumugi/binary:0.1.0', 'tsumugi/binary-like', 'tsumugi/node'].map(runsPrograms)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
