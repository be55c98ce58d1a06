/**
 * Bundling a function: one TypeScript or JavaScript file and all it imports become `handler.mjs` with a source map.
 *
 * Done at deploy, so that a pod only loads a file: importing TypeScript in a pod would cost 36 ms of each cold start.
 */
import { basename } from 'node:path';
import type { BuildOptions } from 'esbuild';

import { TsumugiError } from '../base/errors.ts';
import { clientFile, clientFiles } from './client.ts';
import { describeWarnings } from './esbuild.ts';
import { bundleModule, fileEntry } from './module.ts';
import { makePackage, type Package } from './package.ts';
import { noFiles } from './plugins.ts';

/** A file of the user, or (from a manifest) source text that may see no file at all. */
export type FunctionSource = { readonly file: string } | { readonly source: string; readonly name: string; readonly noFiles: true };

export interface Bundled extends Package {
  /** Same bytes as `bytes`. */
  readonly package: Uint8Array;
  /** Names the module exports, sorted; `default` is the handler. */
  readonly exports: readonly string[];
  /** For the user's eyes, each with file:line:column. */
  readonly warnings: readonly string[];
}

/**
 * Bundles one function. Throws Invalid with file:line:column and the code at fault.
 *
 * @example const { id, package: tar, exports } = await bundleFunction({ file: 'hello.ts' });
 */
export async function bundleFunction(source: FunctionSource): Promise<Bundled> {
  const entry = 'file' in source ? fileEntry(source.file) : inlineOptions(source.source, source.name);
  const result = await bundleModule({ ...entry, outfile });
  const exports = Object.values(result.metafile.outputs).flatMap((output) => (output.entryPoint === undefined ? [] : output.exports));
  if (exports.length === 0) {
    const what = 'file' in source ? source.file : `the source of "${source.name}"`;
    throw new TsumugiError('Invalid', `${what} exports nothing`, { hint: 'export a handler: `export default () => "hello"`' });
  }
  exports.sort();
  const imported = Object.values(result.metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  const files = {
    ...(imported.includes(`./${clientFile}`) && (await clientFiles())),
    ...Object.fromEntries(result.outputFiles.map((file) => [basename(file.path), file.contents])),
  };
  const made = makePackage(files, { formatVersion: 1, exports });
  return { ...made, package: made.bytes, exports, warnings: await describeWarnings(result.warnings) };
}

// Paths inside the bundle are relative to the user's file: the same code gives the same package on every machine.
const outfile = 'handler.mjs';

function inlineOptions(source: string, name: string): BuildOptions {
  const sourcefile = `${name}.ts`;
  // No resolveDir and a plugin that answers every import: the control plane's files are not the user's to read.
  return { absWorkingDir: '/', stdin: { contents: source, sourcefile, loader: 'ts' }, plugins: [noFiles(name)] };
}
