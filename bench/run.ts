/**
 * `npm run bench [-- ROW …] [-- --quick]`: measures the rows of issue 3 and prints them as a table. Needs wrk (`apt-get install wrk`).
 * Exits 1 when a figure does not reach what it must.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { rows } from './rows/all.ts';
import type { Figure } from './lib/row.ts';

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const names = args.filter((arg) => !arg.startsWith('--'));
const chosen = names.length === 0 ? rows : rows.filter((row) => names.includes(row.name));
if (chosen.length === 0) {
  console.error(`rows: ${rows.map((row) => row.name).join(', ')}`);
  process.exit(2);
}

const here = import.meta.dirname;
if (!existsSync(`${here}/node_modules`)) {
  console.error('installing what is compared with (bench/package.json) …');
  const installed = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: here, stdio: 'inherit' });
  if (installed.status !== 0) process.exit(1);
}

const effort = quick ? { rounds: 3, seconds: 2, quick } : { rounds: 5, seconds: 5, quick };
console.log(
  `${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}, Node ${process.version}; ${effort.rounds} rounds of ${effort.seconds} s\n`,
);
console.log('| what | measured | reach | aim | | made of |\n|---|---|---|---|---|---|');
let missed = 0;
for (const row of chosen) {
  try {
    for (const figure of await row.run(effort)) {
      const verdict = judge(figure);
      if (verdict === 'missed') missed++;
      console.log(`| ${figure.what} | **${figure.text}** | ${figure.reach} | ${figure.aim} | ${verdict} | ${figure.detail} |`);
    }
  } catch (error) {
    missed++;
    console.log(`| ${row.name} | failed | | | failed | ${(error as Error).message.replaceAll('\n', ' ').slice(0, 300)} |`);
  }
}
process.exit(missed > 0 ? 1 : 0);

function judge({ value, reach, aim, up }: Figure): string {
  const at = (limit: number): boolean => (up ? value >= limit : value <= limit);
  return at(aim) ? 'aim' : at(reach) ? 'reach' : 'missed';
}
