/** One TypeScript or JavaScript module and all that it imports, as one file: what functions and scripts have in common. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { BuildOptions, BuildResult } from 'esbuild';
import { TsumugiError } from '../base/errors.ts';
import { esbuild } from './esbuild.ts';
import { ownImports } from './plugins.ts';

const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  sourcemap: 'linked',
  sourcesContent: true,
  charset: 'utf8',
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

/** Throws Invalid with file:line:column and the code at fault. */
export async function bundleModule(options: BuildOptions): Promise<BuildResult<{ write: false; metafile: true }>> {
  const base = { ...common, ...options };
  const result = await esbuild(base);
  // A CommonJS dependency needs `require`, `__filename` and `__dirname`, which a module does not have; others are spared the cost.
  if (!Object.values(result.metafile.inputs).some((input) => input.format === 'cjs')) return result;
  return esbuild({ ...base, banner: { js: requireBanner } });
}

/** The user's file as the entry. Throws NotFound where there is none. */
export function fileEntry(file: string): BuildOptions & { readonly absWorkingDir: string } {
  const path = resolve(file);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new TsumugiError('NotFound', `there is no file ${file}`);
  return { absWorkingDir: dirname(path), entryPoints: [path], plugins: [ownImports] };
}
