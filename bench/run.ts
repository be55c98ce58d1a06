/**
 * `npm run bench [-- ROW …] [-- --quick]`: measures the rows of issues 3, 5 and 6 and prints them as a table. Needs wrk (`apt-get install wrk`).
 * Exits 1 when a figure does not reach what it must.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { choose, report } from './lib/report.ts';
import { rows } from './rows/all.ts';

const choice = choose(rows, process.argv.slice(2));
const here = import.meta.dirname;
if (!existsSync(`${here}/node_modules`)) {
  console.error('installing what is compared with (bench/package.json) …');
  const installed = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: here, stdio: 'inherit' });
  if (installed.status !== 0) process.exit(1);
}
process.exit((await report(choice)) > 0 ? 1 : 0);
