/**
 * `npm run soak`: random sequences of requests to a real API server and to ours for an hour (TSUMUGI_SOAK_SECONDS), and where they
 * differ. TSUMUGI_FUZZ_SEED: where to begin, default the time. TSUMUGI_WRITE=1 puts the result into docs/reliability.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Soaked {
  readonly sequences: number;
  readonly operations: number;
  readonly seconds: number;
  readonly firstSeed: number;
  readonly failures: readonly { readonly seed: number; readonly differences: readonly string[] }[];
}

const page = 'docs/reliability.md';
const [start, end] = ['<!-- soak -->', '<!-- /soak -->'];

const folder = mkdtempSync(join(tmpdir(), 'tsumugi-soak-'));
const result = join(folder, 'result.json');
const env = {
  ...process.env,
  TSUMUGI_FUZZ_RESULT: result,
  TSUMUGI_FUZZ_SECONDS: process.env['TSUMUGI_SOAK_SECONDS'] ?? '3600',
  TSUMUGI_FUZZ_SEED: process.env['TSUMUGI_FUZZ_SEED'] ?? String(Math.floor(Date.now() / 1000)),
};
const { status } = spawnSync(process.execPath, ['scripts/test-cluster.ts', 'cluster', 'test/cluster/fuzz.test.ts'], {
  stdio: 'inherit',
  env,
});
try {
  const soaked = JSON.parse(readFileSync(result, 'utf8')) as Soaked;
  const { sequences, operations, seconds, firstSeed, failures } = soaked;
  const lines = [
    `${new Date().toISOString().slice(0, 10)}, ${seconds} s: ${sequences} sequences of ${operations} requests, seeds ${firstSeed} to ${firstSeed + sequences - 1}; ${failures.length} of them answered differently${failures.length > 0 ? ':' : '.'}`,
    ...failures.map(({ seed, differences }) => `- seed ${seed}: ${(differences[0] ?? '').slice(0, 300)}`),
  ];
  console.log(lines.join('\n'));
  if (process.env['TSUMUGI_WRITE'] === '1') {
    const old = readFileSync(page, 'utf8');
    const [from, to] = [old.indexOf(start), old.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${page} has no ${start} … ${end}`);
    writeFileSync(
      page,
      `${old.slice(0, from + start.length)}\n\n${lines[0]}\n${lines
        .slice(1)
        .map((line) => `\n${line}`)
        .join('')}\n${old.slice(to)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(status ?? 1);
