/** The program inside a node pod, as one file without dependencies. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { esbuild } from './esbuild.ts';

const sources = fileURLToPath(new URL('..', import.meta.url));

/**
 * Answers the path of the node shim's bundle. In a checkout it is bundled into `out` from `shims/node/main.ts`, unless the file
 * there is of the same sources already; in the published package it is `dist/shims/node.cjs` and nothing is written.
 */
export async function bundleShim(out: string): Promise<string> {
  const published = join(sources, 'shims', 'node.cjs');
  if (existsSync(published)) return published;

  const mark = `// shim ${sourceHash()}\n`;
  if ((await firstLine(out)) === mark) return out;
  const { outputFiles } = await esbuild({
    entryPoints: [join(sources, 'shims', 'node', 'main.ts')],
    absWorkingDir: sources,
    outfile: 'node.cjs',
    bundle: true,
    // Not a module: Node would look at every export of every built-in that it imports, a tenth of the start.
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    minifyWhitespace: true,
    charset: 'utf8',
    legalComments: 'none',
  });
  mkdirSync(dirname(out), { recursive: true });
  // Renamed into place: another process may be starting pods from it.
  writeFileSync(`${out}.${process.pid}`, mark + (outputFiles[0]?.text ?? ''));
  renameSync(`${out}.${process.pid}`, out);
  return out;
}

/** Of all that can end up in the bundle: the shims and what they may import. */
function sourceHash(): string {
  const hash = createHash('sha256');
  for (const file of globSync('{shims,wire,sdk,base}/**/*.ts', { cwd: sources, exclude: ['**/*.test.ts'] }).sort()) {
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
