import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type EmbeddedApi, openEmbeddedApi } from '../../embedded/api/index.ts';
import { configMaps, secrets } from '../../resources/resources.ts';
import { resolveConfig } from './environment.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const bytes = Buffer.of(0, 255, 1).toString('base64');

let folder: string;
let api: EmbeddedApi;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-env-'));
  api = await openEmbeddedApi({ data: folder, listen: false });
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
    binaryData: { BYTES: bytes },
  } as never);
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

const resolve = (spec: Parameters<typeof resolveConfig>[2]) => resolveConfig(api.client, 'default', spec);

describe('the environment of a function', () => {
  it('has every key of its ConfigMaps and Secrets and its own variables, the later winning', async () => {
    const { env } = await resolve({ configMaps: ['c'], secrets: ['s'] });
    expect(env).toEqual({ A: 'secret', B: 'ü', C: 'c' });
    expect((await resolve({ secrets: ['s'], env: [{ name: 'A', value: 'own' }, { name: 'EMPTY' }] })).env).toEqual({
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
    expect(await resolve({ env })).toEqual({ env: { X: 'secret', Y: 'c' } });
  });

  it('has every key of its ConfigMaps and Secrets as a file, bytes that are no text too', async () => {
    const { files } = await resolve({ configMaps: ['c'], secrets: ['s'] });
    expect(files).toEqual({
      configs: { c: { A: base64('config'), C: base64('c'), BYTES: bytes } },
      secrets: { s: { A: base64('secret'), B: base64('ü') } },
    });
  });

  it('is refused where its files are too much for a pod to be sent', async () => {
    const names = Array.from({ length: 17 }, (_, n) => `big-${n}`);
    await Promise.all(
      names.map((name) =>
        api.client.create(configMaps, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, namespace: 'default' },
          data: { A: 'x'.repeat(1_000_000) },
        } as never),
      ),
    );
    await expect(resolve({ configMaps: names.slice(0, 4) })).resolves.toHaveProperty('files');
    await expect(resolve({ configMaps: names })).rejects.toMatchObject({
      code: 'Invalid',
      message: 'its Secrets and ConfigMaps have 17 MiB in all, at most 12 MiB are allowed',
    });
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
