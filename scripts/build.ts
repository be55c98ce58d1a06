/** `npm run build`: what is published. `dist/` holds compiled JavaScript with types, and the shim as one file. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { stopEsbuild } from '../src/build/esbuild.ts';
import { bundleShim } from '../src/build/shim.ts';

rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (status !== 0) process.exit(1);
await bundleShim('dist/shims/node.cjs');
await stopEsbuild();
