import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, assert, dictionary, property, stringMatching, uint8Array } from 'fast-check';
import { expect, it } from 'vitest';

import { readTar, writeTar } from './tar.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it('reads what it wrote, whatever the files', () => {
  const name = array(stringMatching(/^[a-zé_][a-z0-9.é-]{0,30}$/), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  assert(
    property(dictionary(name, uint8Array({ maxLength: 2000 }), { noNullPrototype: true }), (files) => {
      expect(readTar(writeTar(files))).toEqual(files);
    }),
  );
});

it('does not depend on the order in which files were given', () => {
  expect(writeTar({ a: bytes('1'), b: bytes('2') })).toEqual(writeTar({ b: bytes('2'), a: bytes('1') }));
});

it("is understood by the system's tar, long names too", () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsumugi-tar-'));
  const long = `${'d'.repeat(90)}/${'f'.repeat(90)}.txt`;
  writeFileSync(join(folder, 'x.tar'), writeTar({ [long]: bytes('long'), 'a.txt': bytes('a') }));
  execFileSync('tar', ['-xf', 'x.tar'], { cwd: folder });
  expect(readFileSync(join(folder, long), 'utf8') + readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('longa');
  rmSync(folder, { recursive: true });
});

it.each([
  ['is cut off', (tar: Uint8Array) => tar.subarray(0, 600)],
  ['has a flipped bit', (tar: Uint8Array) => tar.with(3, 0x7a)],
  ['is something else', () => bytes('x'.repeat(2048))],
])('refuses a tar that %s', (_, spoil) => {
  expect(() => readTar(spoil(writeTar({ 'some.txt': bytes('hello') })))).toThrow(/not a tar that can be read/);
});

it.each(['/etc/passwd', '../up', 'a/../../b'])('refuses the path %s', (path) => {
  expect(() => readTar(writeTar({ [path]: bytes('x') }))).toThrow(/leaves the package/);
});
