/**
 * `tsumugi/client` as files of a function's package, beside its own module: what a program seldom needs of it (kubeconfigs, with the
 * YAML parser) is a file apart, which is not read before it is used.
 */
import { basename } from 'node:path';
import type { BuildOptions } from 'esbuild';
import { esbuild } from './esbuild.ts';
import { ownFile } from './own.ts';
import type { Files } from './tar.ts';

/** What the module of a function imports. */
export const clientFile = 'tsumugi-client.mjs';

let made: Promise<Files> | undefined;

/** Of this install, made once a process. */
export function clientFiles(): Promise<Files> {
  made ??= bundleClient().catch((error: unknown) => {
    made = undefined;
    throw error;
  });
  return made;
}

/** How our own modules become small ones for pods. */
export const clientOptions = {
  format: 'esm',
  // Not `node`: dependencies then come as CommonJS, which needs a `require`.
  platform: 'neutral',
  mainFields: ['module', 'main'],
  external: ['node:*'],
  minify: true,
  // Names in stacks and messages stay.
  keepNames: true,
} satisfies BuildOptions;

async function bundleClient(): Promise<Files> {
  const { outputFiles } = await esbuild({
    ...clientOptions,
    entryPoints: { 'tsumugi-client': ownFile('tsumugi/client') },
    chunkNames: 'tsumugi-client-[hash]',
    outdir: '/',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    target: 'node24',
    charset: 'utf8',
    legalComments: 'none',
  });
  return Object.fromEntries(outputFiles.map((file) => [basename(file.path), file.contents]));
}
