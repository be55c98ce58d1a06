/**
 * What scripts are made of: a shell and the small programs, from this machine's Debian packages. Below `/usr/bin`, with `/bin` a link
 * to it, as Debian has it.
 */
import { execFile } from 'node:child_process';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';

import { TsumugiError } from '../../base/errors.ts';
import { librariesOf } from './base.ts';
import { packageRecords } from './debian.ts';
import type { LayerEntry, LayerFiles } from './layer.ts';

/** Every Debian has these. */
const packages = ['coreutils', 'dash', 'grep', 'sed'];
/** A missing one would only be noticed by a script. */
const needed = ['cat', 'date', 'dash', 'env', 'grep', 'mkfifo', 'sed', 'wc'];

/** Less what lies in `base` already. Throws NotFound where a package is not installed. */
export async function programFiles(base: LayerFiles): Promise<LayerFiles> {
  const { stdout } = await promisify(execFile)('dpkg', ['--listfiles', ...packages]).catch(() => ({ stdout: '' }));
  const paths = [...stdout.matchAll(/^(?:\/usr)?(\/bin\/[^/\n]+)$/gm)].map(([, path]) => `/usr${path}`);
  const files: Record<string, LayerEntry> = {
    bin: { mode: 0o777, target: 'usr/bin' },
    'usr/bin/sh': { mode: 0o777, target: 'dash' },
  };
  const libraries = new Set<string>();
  for (const path of paths.filter((each) => basename(each) !== 'sh')) {
    if ((await lstat(path)).isSymbolicLink()) {
      files[path.slice(1)] = { mode: 0o777, target: await readlink(path) };
      continue;
    }
    const bytes = await readFile(path);
    files[path.slice(1)] = { mode: 0o755, bytes };
    // Some are scripts themselves.
    if (bytes.toString('latin1', 0, 4) === '\x7fELF') for (const library of await librariesOf(path)) libraries.add(library);
  }
  const missing = needed.find((name) => files[`usr/bin/${name}`] === undefined);
  if (missing !== undefined)
    throw new TsumugiError('NotFound', `the packages ${packages.join(', ')} of this machine have no ${missing}`, {
      hint: 'build the image tsumugi/binary on Debian 12 or Ubuntu 24.04',
    });
  const own = [...libraries].filter((path) => !Object.hasOwn(base, path.slice(1)));
  for (const path of own) files[path.slice(1)] = { mode: 0o755, bytes: await readFile(path) };
  const records = await packageRecords([...paths, ...own]);
  return { ...files, ...Object.fromEntries(Object.entries(records).filter(([path]) => !Object.hasOwn(base, path))) };
}
