/**
 * Bundling a function: one TypeScript or JavaScript file and all it imports become `handler.mjs` with a source map.
 *
 * Done at deploy, so that a pod only loads a file: importing TypeScript in a pod would cost 36 ms of each cold start.
 */
import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { BuildOptions } from 'esbuild';

import { TsumugiError } from '../base/errors.ts';
import { clientFile, clientFiles } from './client.ts';
import { describeWarnings, esbuild } from './esbuild.ts';
import { makePackage, type Package } from './package.ts';
import { noFiles, ownImports } from './plugins.ts';

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
  const base = 'file' in source ? fileOptions(source.file) : inlineOptions(source.source, source.name);
  let result = await esbuild(base);
  // A CommonJS dependency needs `require`, `__filename` and `__dirname`, which a module does not have; others are spared the cost.
  if (Object.values(result.metafile.inputs).some((input) => input.format === 'cjs'))
    result = await esbuild({ ...base, banner: { js: requireBanner } });

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

const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  sourcemap: 'linked',
  sourcesContent: true,
  charset: 'utf8',
  // Paths inside the bundle are relative to the user's file: the same code gives the same package on every machine.
  outfile: 'handler.mjs',
  loader: Object.fromEntries([
    ...['.txt', '.md', '.html', '.svg', '.css', '.sql', '.graphql', '.gql', '.csv', '.xml', '.yaml', '.yml'].map((extension) => [
      extension,
      'text',
    ]),
    ...['.wasm', '.bin', '.png', '.jpg', '.jpeg', '.gif', '.webp', '.ico', '.woff2', '.pdf', '.zip', '.gz'].map((extension) => [
      extension,
      'binary',
    ]),
  ]),
} satisfies BuildOptions;

const requireBanner = `import { createRequire as __tsumugiCreateRequire } from 'node:module';
const require = __tsumugiCreateRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;`;

function fileOptions(file: string): BuildOptions {
  const path = resolve(file);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new TsumugiError('NotFound', `there is no file ${file}`);
  return { ...common, absWorkingDir: dirname(path), entryPoints: [path], plugins: [ownImports] };
}

function inlineOptions(source: string, name: string): BuildOptions {
  const sourcefile = `${name}.ts`;
  // No resolveDir and a plugin that answers every import: the control plane's files are not the user's to read.
  return { ...common, absWorkingDir: '/', stdin: { contents: source, sourcefile, loader: 'ts' }, plugins: [noFiles(name)] };
}
