/**
 * Images as files: an OCI image layout, which is a folder or one tar. The tar is a Docker archive as well (`manifest.json`), since
 * not all that load images read the former.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { TsumugiError } from '../../base/errors.ts';
import { type Files, writeTar } from '../../build/tar.ts';
import { type Blob, descriptorOf, type Image, mediaTypes, referencesOf } from './oci.ts';

/** The files of a layout with all the images; what they share is there once. */
export function layoutFiles(images: readonly Image[]): Files {
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.flatMap((image) =>
      image.tags.map((tag) => ({
        ...descriptorOf(image.manifest),
        annotations: {
          'org.opencontainers.image.ref.name': tag,
          // containerd, and so kind, k3s and minikube, takes the whole name from here, as Kubernetes completes it.
          'io.containerd.image.name': `docker.io/${image.name}:${tag}`,
        },
      })),
    ),
  };
  const blobs = images.flatMap(({ manifest, config, layers }) => [manifest, config, ...layers]);
  return {
    'oci-layout': json({ imageLayoutVersion: '1.0.0' }),
    'index.json': json(index),
    ...Object.fromEntries(blobs.map((blob) => [pathOf(blob), blob.bytes])),
  };
}

/** One tar, for all programs that load images. */
export function writeArchive(images: readonly Image[]): Uint8Array {
  const docker = images.map((image) => ({
    Config: pathOf(image.config),
    RepoTags: referencesOf(image),
    Layers: image.layers.map(pathOf),
  }));
  return writeTar({ ...layoutFiles(images), 'manifest.json': json(docker) });
}

/** Writes the layout as a folder. Throws Conflict where the folder has something else. */
export async function writeLayout(images: readonly Image[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const there = await readdir(folder);
  if (there.length > 0 && !there.includes('oci-layout'))
    throw new TsumugiError('Conflict', `the folder ${folder} is not empty and no OCI layout`, { hint: 'name another one with --output' });
  for (const [path, bytes] of Object.entries(layoutFiles(images))) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

const pathOf = ({ digest }: Blob): string => `blobs/${digest.replace(':', '/')}`;

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
