/** An image with a shell and what goes with it, made of this machine's own programs: kubectl's tests need more than Node. */
import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { promisify } from 'node:util';
import { architectureOf, baseFiles, thisHost } from '../../src/install/images/base.ts';
import { importCommand, importImages } from '../../src/install/images/import.ts';
import { buildLayer } from '../../src/install/images/layer.ts';
import type { LayerEntry } from '../../src/install/images/layer.ts';
import { makeImage, referencesOf } from '../../src/install/images/oci.ts';

const programs =
  'sh cat ls tar echo printf sleep stty tty env id touch mkdir rm date kill wc seq head tail true false test readlink grep tee ln uname';

/** Answers the image's name in the cluster. `importer`: as TSUMUGI_IMAGE_IMPORT. */
export async function importToolsImage(importer: string): Promise<string> {
  const files: Record<string, LayerEntry> = { ...(await baseFiles()) };
  for (const name of programs.split(' ')) {
    const path = await realpath(`/usr/bin/${name}`);
    files[`bin/${name}`] = { mode: 0o755, bytes: await readFile(path) };
    const { stdout } = await promisify(execFile)('ldd', [path]).catch(() => ({ stdout: '' }));
    for (const [library] of stdout.matchAll(/\/\S+/g)) files[library.slice(1)] = { mode: 0o755, bytes: await readFile(library) };
  }
  const image = makeImage({
    name: 'tsumugi/test-tools',
    version: '1',
    layers: [await buildLayer(files)],
    architecture: architectureOf(thisHost()),
    user: '0',
    entrypoint: ['/bin/sh'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    workingDir: '/tmp',
    description: 'for tests',
  });
  await importImages([image], importCommand(importer, undefined));
  return referencesOf(image)[1] as string;
}
