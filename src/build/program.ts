/** A function that is a program: its file goes into the package as it is. */
import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';

import { TsumugiError } from '../base/errors.ts';
import { makePackage, type Package, programFile } from './package.ts';

/** The runtime that runs programs where nobody names another. */
export const programRuntime = 'binary';

/** The image of runtimes whose functions are programs, whatever their files look like. */
export const programImage = 'tsumugi/binary';

/** Runtimes of JavaScript also run programs; those of this image nothing else. */
export const runsPrograms = (image: string): boolean => image === programImage || image.startsWith(`${programImage}:`);

const modules = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.tsx', '.jsx']);
/** Interpreters of what is bundled: `#!/usr/bin/env node` is a module, too. */
const ofModules = /(^|[/\s])(node|deno|bun|tsx|ts-node)(\s|$)/;

/** JavaScript or TypeScript by its name. */
export const isModuleFile = (file: string): boolean => modules.has(extname(file).toLowerCase());

/** By its name, its first line, or because it is machine code or may be executed. Throws NotFound where there is no such file. */
export function isProgram(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile()) throw new TsumugiError('NotFound', `there is no file ${file}`);
  if (isModuleFile(file)) return false;
  const bytes = readFileSync(file);
  if (bytes.toString('latin1', 0, 2) === '#!') return isProgramText(bytes.toString('latin1', 0, 256));
  return bytes.toString('latin1', 0, 4) === '\x7fELF' || (found.mode & 0o111) !== 0 || extname(file) === '.sh';
}

/** A script with a first line that names its interpreter. */
export function isProgramText(text: string): boolean {
  const [first = ''] = text.split('\n', 1);
  return first.startsWith('#!') && !ofModules.test(first);
}

export const packageProgram = (bytes: Uint8Array): Package =>
  makePackage({ [programFile]: bytes }, { formatVersion: 1, exports: ['default'] });
