import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeTar } from './testing/package.ts';
import { untar } from './untar.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-untar-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('untar', () => {
  test('writes any files as they were, in folders as deep as need be', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8}){0,3}\.txt$/);
    fc.assert(
      fc.property(fc.dictionary(name, fc.uint8Array({ maxLength: 1500 }), { maxKeys: 5 }), (files) => {
        expect(untar(makeTar(files), folder)).toEqual(Object.keys(files));
        for (const [file, content] of Object.entries(files)) expect(Buffer.compare(readFileSync(join(folder, file)), content)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test('knows long names of both kinds', () => {
    const long = `${'deep/'.repeat(30)}file.txt`;
    const gnu = Buffer.concat([makeTar({ '././@LongLink': `${long}\0` }, 'L').subarray(0, 1024), makeTar({ short: 'gnu' })]);
    expect(untar(gnu, folder)).toEqual([long]);
    const record = ` path=${long}2\n`;
    const pax = Buffer.concat([makeTar({ PaxHeader: `${record.length + 3}${record}` }, 'x').subarray(0, 1024), makeTar({ short: 'pax' })]);
    expect(untar(pax, folder)).toEqual([`${long}2`]);
    expect(readFileSync(join(folder, `${long}2`), 'utf8')).toBe('pax');
  });

  test('refuses names outside of the folder and makes no links', () => {
    for (const name of ['../evil', '/tmp/evil', 'a/../../evil'])
      expect(() => untar(makeTar({ [name]: 'x' }), folder), name).toThrow('outside');
    expect(untar(makeTar({ link: '' }, '2'), folder)).toEqual([]);
    expect(existsSync(join(folder, 'link'))).toBe(false);
  });

  test('says when it is no tar, or not all of it', () => {
    expect(() => untar(Buffer.alloc(1024, 'x'), folder)).toThrow('not a tar');
    expect(() => untar(makeTar({ 'a.txt': 'x'.repeat(2000) }).subarray(0, 1024), folder)).toThrow('cut short');
  });
});
