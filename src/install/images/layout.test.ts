import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { readTar } from '../../build/tar.ts';
import { buildLayer, sha256 } from './layer.ts';
import { layoutFiles, writeArchive, writeLayout } from './layout.ts';
import { type Descriptor, type Image, makeImage, referencesOf } from './oci.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-layout-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

async function image(name: string, content: string): Promise<Image> {
  const entry = (value: string) => ({ mode: 0o644, bytes: Buffer.from(value) });
  return makeImage({
    name,
    version: '1.2.3',
    layers: [await buildLayer({ base: entry('base') }), await buildLayer({ own: entry(content) })],
    architecture: 'amd64',
    user: '65532:65532',
    entrypoint: ['/run'],
    env: { HOME: '/tmp' },
    workingDir: '/app',
    description: 'a test',
  });
}

it('names an image by version, and by what is in it', async () => {
  const [one, same, other] = [await image('x/a', '1'), await image('x/a', '1'), await image('x/a', '2')];
  expect(referencesOf(one)).toEqual(['x/a:1.2.3', `x/a:1.2.3-${one.manifest.digest.slice(7, 19)}`]);
  expect(referencesOf(same)).toEqual(referencesOf(one));
  expect(other.tags[1]).not.toBe(one.tags[1]);
});

it('has every blob that the manifests name, under the digest and with the size that they say', async () => {
  const images = [await image('x/a', '1'), await image('x/b', '2')];
  const files = layoutFiles(images);
  const blob = ({ digest, size }: Descriptor): Uint8Array => {
    const bytes = files[`blobs/${digest.replace(':', '/')}`] as Uint8Array;
    expect([sha256(bytes), bytes.length]).toEqual([digest, size]);
    return bytes;
  };
  const index = JSON.parse(text(files['index.json'])) as { manifests: (Descriptor & { annotations: Record<string, string> })[] };
  expect(index.manifests.map(({ annotations }) => annotations['io.containerd.image.name'])).toEqual(
    images.flatMap((each) => referencesOf(each).map((reference) => `docker.io/${reference}`)),
  );
  for (const descriptor of index.manifests) {
    const manifest = JSON.parse(text(blob(descriptor))) as { config: Descriptor; layers: Descriptor[] };
    const config = JSON.parse(text(blob(manifest.config))) as { config: { User: string }; rootfs: { diff_ids: string[] } };
    expect(config.config.User).toBe('65532:65532');
    expect(config.rootfs.diff_ids).toHaveLength(manifest.layers.length);
    manifest.layers.forEach(blob);
  }
  // The base is there once: 2 manifests, 2 configurations, 3 layers.
  expect(Object.keys(files).filter((path) => path.startsWith('blobs/'))).toHaveLength(7);
});

it('is a Docker archive too', async () => {
  const built = await image('x/a', '1');
  const files = readTar(writeArchive([built]));
  const [docker] = JSON.parse(text(files['manifest.json'])) as { Config: string; RepoTags: string[]; Layers: string[] }[];
  expect(docker?.RepoTags).toEqual(referencesOf(built));
  for (const path of [docker?.Config ?? '', ...(docker?.Layers ?? [])])
    expect(sha256(files[path] as Uint8Array)).toContain(path.slice(-64));
});

it('writes over a layout, and over nothing else', async () => {
  const output = join(folder, 'new', 'layout');
  await writeLayout([await image('x/a', '1')], output);
  await writeLayout([await image('x/a', '2')], output);
  expect(readFileSync(join(output, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}');
  const other = join(folder, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'thesis.txt'), '');
  await expect(writeLayout([await image('x/a', '1')], other)).rejects.toThrow(/not empty and no OCI layout/);
});
