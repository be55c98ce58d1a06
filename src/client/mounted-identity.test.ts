import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { find } from './find.ts';
import { mountedIdentity } from './mounted-identity.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-mounted-'));
  mkdirSync(join(folder, 'tsumugi'));
  for (const [name, text] of Object.entries({ platform: 'p1\n', gateway: 'g1', 'platform-ca.crt': 'PEM' }))
    writeFileSync(join(folder, 'tsumugi', name), text);
  vi.stubEnv('TSUMUGI_IDENTITY', join(folder, 'tsumugi'));
  vi.stubEnv('TSUMUGI_NAMESPACE', 'shop');
  vi.stubEnv('TSUMUGI_PLATFORM_URL', 'https://platform');
  vi.stubEnv('TSUMUGI_API_URL', 'https://kubernetes');
  vi.stubEnv('TSUMUGI_GATEWAY_URL', 'http://gateway');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test('it is what the files say now', () => {
  const identity = mountedIdentity();
  expect(identity).toMatchObject({
    namespace: 'shop',
    gateway: 'http://gateway',
    platform: { url: 'https://platform', ca: 'PEM' },
    kubernetes: { url: 'https://kubernetes' },
  });
  expect([identity?.token('platform'), identity?.token('gateway'), identity?.token('kubernetes')]).toEqual(['p1', 'g1', undefined]);
  writeFileSync(join(folder, 'tsumugi', 'platform'), 'p2');
  expect(identity?.token('platform')).toBe('p2');
});

test('without a sandbox its files are where those of Secrets are', () => {
  vi.stubEnv('TSUMUGI_IDENTITY', '/secrets/nowhere');
  vi.stubEnv('TSUMUGI_SECRETS', folder);
  expect(mountedIdentity()?.token('platform')).toBe('p1');
});

test('who has one connects with it', async () => {
  const { connection, where } = await find({});
  expect([connection.server, connection.namespace, where]).toEqual(['https://kubernetes', 'shop', 'the identity of this pod']);
  await expect(connection.credentials()).rejects.toMatchObject({ code: 'Forbidden', hint: expect.stringContaining('manage') });
});

test('others have none', () => {
  vi.stubEnv('TSUMUGI_IDENTITY', '');
  expect(mountedIdentity()).toBeUndefined();
});
