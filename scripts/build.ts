/** `npm run build`: what is published. `dist/`, or the folder given, holds compiled JavaScript with types, and the shim as one file. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { stopEsbuild } from '../src/build/esbuild.ts';
import { bundleShim } from '../src/build/shim.ts';

const dist = process.argv[2] ?? 'dist';
rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', dist], { stdio: 'inherit' });
if (status !== 0) process.exit(1);
await bundleShim(join(dist, 'shims', 'node.cjs'));
await stopEsbuild();
