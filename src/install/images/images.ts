/** The images of this install: built from the files of this machine, written by our own code, the same each time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundleShim, scriptBeside } from '../../build/shim.ts';
import type { ImageName } from '../settings.ts';
import { architectureOf, baseFiles, imageUser, nodePath, thisHost } from './base.ts';
import { readEntry } from './files.ts';
import { buildLayer, type LayerFiles } from './layer.ts';
import { type Image, makeImage } from './oci.ts';
import { appFolder, platformFiles } from './platform.ts';
import { programFiles } from './programs.ts';

interface Recipe {
  readonly description: string;
  /** What lies on the base. */
  readonly files: (base: LayerFiles) => Promise<LayerFiles>;
  /** Below the folder of programs. */
  readonly program: string;
}

/** `src/install/images` and `dist/install/images` lie three folders below our package.json. */
const root = fileURLToPath(new URL('../../..', import.meta.url));

const recipes: Readonly<Record<ImageName, Recipe>> = {
  'tsumugi/platform': {
    description: 'Tsumugi: controller, gateway and command line',
    files: () => platformFiles(root),
    program: 'bin/tsumugi.js',
  },
  'tsumugi/node': { description: 'Tsumugi: runtime of functions on Node.js', files: shimFiles, program: 'node.cjs' },
  'tsumugi/binary': {
    description: 'Tsumugi: runtime of functions that are programs, with sh and coreutils',
    files: async (base) => ({ ...(await shimFiles()), ...(await programFiles(base)) }),
    program: 'node.cjs',
  },
};

/**
 * Builds images, which share their base layer.
 *
 * @throws TsumugiError Unavailable on a machine that cannot give the base's files; Invalid where a checkout does not compile
 */
export async function buildImages(names: readonly ImageName[], version: string): Promise<readonly Image[]> {
  const architecture = architectureOf(thisHost());
  const inBase = await baseFiles();
  const base = await buildLayer(inBase);
  const images: Image[] = [];
  for (const name of names) {
    const { description, files, program } = recipes[name];
    const layers = [base, await buildLayer(await files(inBase))];
    images.push(
      makeImage({
        name,
        version,
        layers,
        architecture,
        user: `${imageUser}:${imageUser}`,
        entrypoint: [`/${nodePath}`, `/${appFolder}/${program}`],
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp' },
        workingDir: `/${appFolder}`,
        description,
      }),
    );
  }
  return images;
}

async function shimFiles(): Promise<LayerFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'tsumugi-shim-'));
  try {
    const shim = await bundleShim(join(folder, 'node.cjs'));
    return { [`${appFolder}/node.cjs`]: await readEntry(shim), [`${appFolder}/script.mjs`]: await readEntry(scriptBeside(shim)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
