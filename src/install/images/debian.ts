/** What Debian knows of files: scanners of images look up a package's version for its flaws, and its licence asks to go along. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import type { LayerEntry, LayerFiles } from './layer.ts';

const run = promisify(execFile);

/** The records and licences of the packages that `paths` come from. Files that no package has are passed over. */
export async function packageRecords(paths: readonly string[]): Promise<LayerFiles> {
  const files: Record<string, LayerEntry> = {};
  // Scanners ask first which distribution it is.
  await add(files, '/etc/os-release');
  for (const name of await packagesOf(paths)) {
    const { stdout } = await run('dpkg-query', ['--status', name]);
    files[`var/lib/dpkg/status.d/${name}`] = { mode: 0o644, bytes: Buffer.from(stdout) };
    await add(files, `/usr/share/doc/${name}/copyright`);
  }
  return files;
}

/** A package may have recorded a file below `/lib` or `/usr/lib`, which are the same folder. */
async function packagesOf(paths: readonly string[]): Promise<string[]> {
  const search = ['--search', ...paths.flatMap((path) => [path, `/usr${path}`])];
  // It fails where it does not find one of them, and has told the others all the same.
  const { stdout } = await run('dpkg-query', search).catch((error: unknown) => error as { stdout?: string });
  return [...new Set([...(stdout ?? '').matchAll(/^([a-z0-9][a-z0-9.+-]+)(?::\w+)?: /gm)].map(([, name]) => name as string))].sort();
}

async function add(files: Record<string, LayerEntry>, path: string): Promise<void> {
  if (existsSync(path)) files[path.slice(1)] = { mode: 0o644, bytes: await readFile(path) };
}
