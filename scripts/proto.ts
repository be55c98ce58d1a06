/**
 * Writes `src/jobs/api/generated/` from `proto/`. The compiler is fetched from npm when this runs, in these very versions: it is 90 MB,
 * and needed only here. A test checks that the result is up to date.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const packages = ['@bufbuild/buf@1.75.0', '@bufbuild/protoc-gen-es@2.17.0', '@bufbuild/protobuf@2.17.0'];
const root = join(import.meta.dirname, '..');
const target = join(root, 'src/jobs/api/generated');

const out = mkdtempSync(join(tmpdir(), 'tsumugi-proto-'));
try {
  const opt = ['target=ts', 'import_extension=ts', 'erasable_syntax=true', 'json_types=true'];
  const template = JSON.stringify({ version: 'v2', plugins: [{ local: 'protoc-gen-es', out, opt }] });
  const arguments_ = ['--yes', ...packages.map((each) => `--package=${each}`), '--', 'buf', 'generate', 'proto', '--template', template];
  const { status } = spawnSync('npx', arguments_, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('_pb.ts')) continue;
    const text = readFileSync(join(out, file), 'utf8').replaceAll('_pb.ts"', '.generated.ts"');
    writeFileSync(join(target, basename(file).replace('_pb.ts', '.generated.ts')), text);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
