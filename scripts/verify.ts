/** `npm test`: all checks that need only Node, each with its time; the first failure ends it with its output. */
import { spawnSync } from 'node:child_process';

const bin = (name: string): string => `node_modules/.bin/${name}`;
const steps: readonly (readonly [string, string, ...string[]])[] = [
  ['types', bin('tsc'), '-p', '.'],
  ['lint', bin('oxlint'), '--deny-warnings'],
  ['layers', process.execPath, 'scripts/layers.ts'],
  ['unused', bin('knip')],
  ['tests', bin('vitest'), 'run'],
];

for (const [name, command, ...args] of steps) {
  const started = performance.now();
  const live = name === 'tests';
  const result = spawnSync(command, args, { stdio: live ? 'inherit' : 'pipe', encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (result.status !== 0) {
    if (!live) console.error(result.stdout, result.stderr);
    console.error(`✗ ${name} (${seconds} s)`);
    process.exit(1);
  }
  console.log(`✓ ${name} (${seconds} s)`);
}
