/** Files of a folder as entries of a layer, without what no program ever loads. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { LayerEntry } from './layer.ts';

/** Types, source maps, sources and texts: Node loads none of them from a package (it refuses TypeScript below node_modules). */
const unused = /\.([cm]?ts|tsx|map|md|markdown|flow)$/;
const tests = /\.(test|spec)\.[cm]?[jt]s$/;
/** At the top of a package. */
const unusedFolders = new Set([
  'test',
  'tests',
  '__tests__',
  'bench',
  'benchmark',
  'benchmarks',
  'docs',
  'example',
  'examples',
  'node_modules',
]);
/** Whatever its form: its terms ask that it goes along. */
const licence = /^(licen[sc]e|notice|copying)/i;

/** Adds the files of `folder` to `into`, below `target`. Links are left out. */
export async function addFolder(into: Record<string, LayerEntry>, folder: string, target: string, top = false): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) {
    const [from, to] = [join(folder, entry.name), `${target}/${entry.name}`];
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) {
      if (!top || !unusedFolders.has(entry.name)) await addFolder(into, from, to);
    } else if (
      entry.isFile() &&
      (licence.test(entry.name) || !(unused.test(entry.name) || tests.test(top ? `.${entry.name}` : entry.name)))
    ) {
      into[to] = await readEntry(from);
    }
  }
}

/** One mode for programs, one for the rest: the umask of whoever unpacked them does not matter. */
export async function readEntry(path: string): Promise<LayerEntry> {
  const [{ mode }, bytes] = await Promise.all([stat(path), readFile(path)]);
  return { mode: mode & 0o100 ? 0o755 : 0o644, bytes };
}
