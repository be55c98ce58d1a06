import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type EmbeddedApi, openEmbeddedApi } from '../../embedded/api/index.ts';
import { configMaps, secrets } from '../../resources/resources.ts';
import { resolveEnvironment } from './environment.ts';

let folder: string;
let api: EmbeddedApi;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-env-'));
  api = await openEmbeddedApi({ data: folder, listen: false });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  await api.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'default' },
    data: { A: base64('secret'), B: base64('ü') },
  } as never);
  await api.client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', namespace: 'default' },
    data: { A: 'config', C: 'c' },
  } as never);
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

const resolve = (spec: Parameters<typeof resolveEnvironment>[2]) => resolveEnvironment(api.client, 'default', spec);

describe('the environment of a function', () => {
  it('has every key of its ConfigMaps and Secrets and its own variables, the later winning', async () => {
    expect(await resolve({ configMaps: ['c'], secrets: ['s'] })).toEqual({ A: 'secret', B: 'ü', C: 'c' });
    expect(await resolve({ secrets: ['s'], env: [{ name: 'A', value: 'own' }, { name: 'EMPTY' }] })).toEqual({
      A: 'own',
      B: 'ü',
      EMPTY: '',
    });
  });

  it('has single keys under other names', async () => {
    const env = [
      { name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'A' } } },
      { name: 'Y', valueFrom: { configMapKeyRef: { name: 'c', key: 'C' } } },
      { name: 'Z', valueFrom: { secretKeyRef: { name: 'none', key: 'A', optional: true } } },
    ];
    expect(await resolve({ env })).toEqual({ X: 'secret', Y: 'c' });
  });

  it.each([
    ['a Secret', { secrets: ['none'] }, /^Secret "none" does not exist in namespace default/],
    ['a ConfigMap', { configMaps: ['none'] }, /^ConfigMap "none" does not exist/],
    [
      'a key',
      { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'NONE' } } }] },
      /^Secret "s" in namespace default has no key "NONE"/,
    ],
  ])('says which %s is missing and how to make it', async (_, spec, message) => {
    await expect(resolve(spec)).rejects.toMatchObject({
      code: 'NotFound',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/kubectl create/),
    });
  });
});
