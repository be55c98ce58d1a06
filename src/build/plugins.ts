/** How imports of a function are found: ours from this install, the platform's from Node, the rest from the user. */
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';
import { clientFile } from './client.ts';
import { ownFile, ownModules } from './own.ts';

/** `tsumugi/…` is this install's wherever the user's file lies, and has no machine's path in the bundle. */
export const ownImports: Plugin = {
  name: 'tsumugi',
  setup(build) {
    build.onResolve({ filter: /^tsumugi\// }, ({ path }) => {
      if (path === 'tsumugi/client') return { path: `./${clientFile}`, external: true };
      return ownModules.includes(path)
        ? { path, namespace: 'tsumugi' }
        : { errors: [{ text: `"${path}" does not exist; a function may import ${ownModules.join(', ')}` }] };
    });
    // What our module consists of: the files beside it.
    build.onResolve({ filter: /^\.\//, namespace: 'tsumugi' }, ({ path, importer }) => ({
      path: `${ownModules.find((own) => importer.startsWith(own)) ?? importer}${path.slice(1)}`,
      namespace: 'tsumugi',
    }));
    build.onLoad({ filter: /.*/, namespace: 'tsumugi' }, async ({ path }) => {
      const own = ownModules.find((name) => path.startsWith(name)) ?? path;
      const file = path === own ? ownFile(own) : join(dirname(ownFile(own)), path.slice(own.length));
      return { contents: await readFile(file, 'utf8'), loader: file.endsWith('.ts') ? 'ts' : 'js' };
    });
  },
};

/** For code from a manifest: Node's modules and ours, nothing from a disk. */
export const noFiles = (name: string): Plugin => ({
  name: 'no-files',
  setup(build) {
    void ownImports.setup(build);
    build.onResolve({ filter: /.*/ }, ({ path, kind }) => {
      if (kind === 'entry-point' || path.startsWith('tsumugi/')) return undefined;
      if (isBuiltin(path)) return { path, external: true };
      const what = /^[./]/.test(path) || path.startsWith('file:') ? 'files' : 'packages';
      return {
        errors: [
          {
            text: `the inline source of function "${name}" cannot import "${path}": there are no ${what} beside a manifest; use \`tsumugi deploy FILE\`, which bundles them`,
          },
        ],
      };
    });
  },
});
