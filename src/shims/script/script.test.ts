/** The program of our images, told to run a script, as a container starts it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stopEsbuild } from '../../build/esbuild.ts';
import { bundleShim } from '../../build/shim.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsumugi-script-'));
let shim: string;
beforeAll(async () => {
  shim = await bundleShim(join(folder, 'shims', 'node.cjs'));
  await stopEsbuild();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of that name; `whileItRuns` is told what it wrote. */
function run(
  name: string,
  text: string,
  args: readonly string[] = [],
  whileItRuns?: (stdout: string, pid: number) => void,
): Promise<Ended> {
  const file = join(folder, name);
  writeFileSync(file, text);
  const child = spawn(process.execPath, [shim, `--script=${file}`, ...args], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    whileItRuns?.(stdout, child.pid ?? 0);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr })));
}

test('a key of a ConfigMap is a program: types, top-level await, arguments, the client with and without an import', async () => {
  const text = `import { ApiError } from 'tsumugi/client';
    const wait: number = 1;
    await new Promise((done) => setTimeout(done, wait));
    console.log(typeof Kube.load, typeof call, ApiError.name, ...process.argv.slice(2));`;
  expect(await run('nightly', text, ['a', '--b=c'])).toEqual({ code: 0, stdout: 'function function ApiError a --b=c\n', stderr: '' });
});

test('imports what lies beside it', async () => {
  writeFileSync(join(folder, 'words.ts'), 'export const word: string = "beside";');
  expect(await run('main.ts', "import { word } from './words.ts'; console.log(word);")).toMatchObject({ code: 0, stdout: 'beside\n' });
});

test('its exit code is the program’s, and what it throws is on stderr with its line', async () => {
  expect((await run('three', 'process.exitCode = 3;')).code).toBe(3);
  const failed = await run('failing', 'interface A { a: 1 }\nconst fail = (): never => { throw new TypeError("no"); };\nfail();');
  expect(failed).toMatchObject({ code: 1, stdout: '' });
  expect(failed.stderr).toMatch(/^TypeError: no\n +at fail \(file:.*\/failing:2:/);
  const unsaid = await run('elsewhere', 'await call("math.add");');
  expect(unsaid).toMatchObject({ code: 1, stderr: expect.stringContaining('no kubeconfig') });
});

test('a signal ends it as a container’s program must', async () => {
  let asked = false;
  const ended = await run('long', 'console.log("up"); setInterval(() => {}, 1000);', [], (_, pid) => {
    if (!asked) process.kill(pid, 'SIGTERM');
    asked = true;
  });
  expect(ended).toMatchObject({ code: 143, stdout: 'up\n' });
});

test('without a file it says what is allowed', async () => {
  const child = spawn(process.execPath, [shim, '--script'], { env: {}, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  expect(await new Promise((done) => child.once('close', done))).toBe(1);
  expect(stderr).toContain('allowed: --script=FILE');
});
