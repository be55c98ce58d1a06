import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { openPlatformKeys } from './keys.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'tsumugi-keys-')), 'pki');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

it('are made once and stay', () => {
  const first = openPlatformKeys(folder);
  const second = openPlatformKeys(folder);
  expect(second.signing.publicKey).toBe(first.signing.publicKey);
  expect(second.tokenFor('pod', 1)).toBe(first.tokenFor('pod', 1));
});

it('can be read by their owner alone, and nothing half-made is left', () => {
  openPlatformKeys(folder);
  expect(readdirSync(folder).sort()).toEqual(['instances.key', 'signing.pem']);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

it('give every pod, every claim and every platform another token', () => {
  const keys = openPlatformKeys(folder);
  const others = openPlatformKeys(join(folder, 'other'));
  const tokens = [keys.tokenFor('a', 1), keys.tokenFor('b', 1), keys.tokenFor('a', 2), others.tokenFor('a', 1)];
  expect(new Set(tokens).size).toBe(4);
  expect(tokens[0]).toMatch(/^[\w-]{43}$/);
});
