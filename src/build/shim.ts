/** The programs inside a pod of our images, each as one file without dependencies. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';

import { clientOptions } from './client.ts';
import { esbuild } from './esbuild.ts';

const sources = fileURLToPath(new URL('..', import.meta.url));

/** The shim of the runtimes, which begins in milliseconds. */
const nodeShim = {
  name: 'node.cjs',
  entry: 'shims/node/main.ts',
  folders: 'shims,wire,sdk,base',
  options: {
    // Not a module: Node would look at every export of every built-in that it imports, a tenth of the start.
    format: 'cjs',
    platform: 'node',
    minifyWhitespace: true,
  },
} as const;

/** What runs a script instead, with the client: the shim reads it when it is asked to. */
const scriptShim = {
  name: 'script.mjs',
  entry: 'shims/script/main.ts',
  folders: 'shims,client,kube,resources,sdk,base',
  options: clientOptions,
} as const;

interface Shim {
  readonly name: string;
  readonly entry: string;
  readonly folders: string;
  readonly options: BuildOptions;
}

/**
 * Answers the path of the node shim's bundle; `script.mjs` lies beside it. In a checkout both are bundled into the folder of `out`,
 * unless the files there are of the same sources already; in the published package they are in `dist/shims` and nothing is written.
 */
export async function bundleShim(out: string): Promise<string> {
  const [shim] = await Promise.all([bundled(nodeShim, out), bundled(scriptShim, scriptBeside(out))]);
  return shim;
}

/** The file that lies beside a bundle of the node shim. */
export const scriptBeside = (shim: string): string => join(dirname(shim), scriptShim.name);

async function bundled({ name, entry, folders, options }: Shim, out: string): Promise<string> {
  const published = join(sources, 'shims', name);
  if (existsSync(published)) return published;

  const mark = `// shim ${sourceHash(folders)}\n`;
  if ((await firstLine(out)) === mark) return out;
  const { outputFiles } = await esbuild({
    ...options,
    entryPoints: [join(sources, entry)],
    absWorkingDir: sources,
    outfile: basename(name),
    bundle: true,
    target: 'node24',
    charset: 'utf8',
    legalComments: 'none',
  });
  mkdirSync(dirname(out), { recursive: true });
  // Renamed into place: another process may be starting pods from it.
  writeFileSync(`${out}.${process.pid}`, mark + (outputFiles[0]?.text ?? ''));
  renameSync(`${out}.${process.pid}`, out);
  return out;
}

/** Of all that can end up in a bundle: of these folders. */
function sourceHash(folders: string): string {
  const hash = createHash('sha256');
  for (const file of globSync(`{${folders}}/**/*.ts`, { cwd: sources, exclude: ['**/*.test.ts'] }).sort()) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(sources, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

async function firstLine(file: string): Promise<string | undefined> {
  if (!existsSync(file)) return undefined;
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(100), 0, 100, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    return text.slice(0, text.indexOf('\n') + 1);
  } finally {
    await handle.close();
  }
}
