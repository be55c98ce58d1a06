/** Which functions and manifests lie in a folder: the rule of `tsumugi up DIR`. */
import { existsSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

import { TsumugiError } from '../base/errors.ts';
import { esbuild } from './esbuild.ts';
import { functionName } from './names.ts';

export interface Discovered {
  readonly functions: readonly { readonly name: string; readonly file: string }[];
  /** Paths of YAML files, sorted. */
  readonly manifests: readonly string[];
}

const sourceFile = /\.(ts|mts|js|mjs)$/;
const indexFiles = ['index.ts', 'index.mts', 'index.js', 'index.mjs'];

/**
 * Every top-level `*.ts|mts|js|mjs` with a default or named export and every subfolder with `index.*` is a function, named by
 * its base name in kebab-case; skipped: `_*`, `.*`, `*.test.*`, `*.d.ts`, node_modules. `*.yaml|yml` are manifests.
 * Two of one name are Invalid.
 */
export async function discover(folder: string): Promise<Discovered> {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new TsumugiError('NotFound', `the folder ${folder} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const functions = new Map<string, string>();
  const manifests: string[] = [];
  for (const { name, ...entry } of entries
    .map((each) => ({ name: each.name, isFolder: each.isDirectory() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, name);
    if (/^[_.]/.test(name) || name === 'node_modules') continue;
    let file: string | undefined;
    if (entry.isFolder) file = indexFiles.map((index) => join(path, index)).find((index) => existsSync(index));
    else if (/\.ya?ml$/.test(name)) manifests.push(path);
    else if (sourceFile.test(name) && !/\.test\.|\.d\.[cm]?ts$/.test(name) && (await exportsSomething(path))) file = path;
    if (!file) continue;
    const called = functionName(name);
    const other = functions.get(called);
    if (other)
      throw new TsumugiError('Invalid', `${other} and ${file} would both be the function "${called}"`, { hint: 'rename one of them' });
    functions.set(called, file);
  }
  return { functions: [...functions].map(([name, file]) => ({ name, file })), manifests };
}

/** A file that cannot be parsed counts: it was meant as something, and deploying it will say what is wrong. */
async function exportsSomething(file: string): Promise<boolean> {
  try {
    const { metafile } = await esbuild({ entryPoints: [file], bundle: false, format: 'esm', outdir: '/' });
    const [input] = Object.values(metafile.inputs);
    return input?.format === 'cjs' || Object.values(metafile.outputs).some((output) => output.exports.length > 0);
  } catch (error) {
    if (error instanceof TsumugiError && error.code === 'Invalid') return true;
    throw error;
  }
}
