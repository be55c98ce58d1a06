/**
 * `npm run test:package`: the published package works elsewhere. Packed, installed into an empty folder with only its own
 * dependencies, run with the oldest Node that it promises (24), from compiled JavaScript, with nothing on the screen but ours.
 */
import { spawn, spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const folder = mkdtempSync(join(tmpdir(), 'tsumugi-package-'));
const oldest = '24.21.0';

/** Runs to the end; throws with the output when it fails. */
function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): { stdout: string; stderr: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return { stdout, stderr };
}

function step(name: string): void {
  console.log(`· ${name}`);
}

try {
  step('npm pack');
  const tarball = run('npm', ['pack', '--pack-destination', folder], resolve('.')).stdout.trim().split('\n').at(-1) ?? '';

  step(`npm install in an empty folder, with Node ${oldest}`);
  const user = join(folder, 'user');
  const node = join(folder, 'node');
  for (const path of [user, node]) {
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), '{"private":true,"type":"module"}');
  }
  run('npm', ['install', '--no-audit', '--no-fund', join(folder, tarball)], user);
  run('npm', ['install', '--no-audit', '--no-fund', `node-${process.platform}-${process.arch}@${oldest}`], node);
  assert.deepEqual(
    globSync('node_modules/{node-linux-*,node-bin-*,typescript,vitest}', { cwd: user }),
    [],
    'the package brings what only the checkout needs',
  );
  const installed = join(user, 'node_modules', 'tsumugi');
  assert.ok(!existsSync(join(installed, 'src')), 'the package has sources');
  assert.ok(existsSync(join(installed, 'dist', 'shims', 'node.cjs')), 'the package has no shim');

  const bins = join(node, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
  const env = { ...process.env, PATH: `${bins}:${process.env['PATH']}` };
  assert.equal(run('node', ['--version'], user, env).stdout.trim(), `v${oldest}`);
  const bin = join(user, 'node_modules', '.bin', 'tsumugi');
  const version = run(bin, ['version'], user, env);
  assert.match(version.stdout, /^\d+\.\d+\.\d+/);
  assert.equal(version.stderr, '', 'there is noise on the screen');

  const plugin = run(join(dirname(bin), 'kubectl-tsumugi'), ['get', '--help'], user, env).stdout;
  assert.match(plugin, /^Usage: kubectl tsumugi get/, "kubectl's plugin does not know what it is");

  step('the types of tsumugi/sdk and tsumugi/client');
  mkdirSync(join(user, 'functions'));
  writeFileSync(
    join(user, 'functions', 'greet.ts'),
    "import type { Handler } from 'tsumugi/sdk';\nimport { getContext } from 'tsumugi/sdk';\nconst greet: Handler = (request, context) => `hello from ${context.function}${new URL(request.url).search}`;\nexport const who = (): string => getContext().function;\nexport default greet;\n",
  );
  run(
    resolve('node_modules/.bin/tsc'),
    ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,dom', '--types', '', 'functions/greet.ts'],
    user,
  );
  writeFileSync(
    join(user, 'who.ts'),
    "import { call, Kube } from 'tsumugi/client';\nconst maps = await (await Kube.load()).namespace().listConfigMaps('none');\nconsole.log(await call<string>('greet.who'), maps.length);\n",
  );
  const types = join(resolve('node_modules'), '@types');
  run(
    resolve('node_modules/.bin/tsc'),
    ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--typeRoots', types, '--types', 'node', 'who.ts'],
    user,
  );

  const typed = run(bin, ['types', 'functions'], user, env);
  assert.deepEqual(typed, { stdout: 'functions/tsumugi-functions.d.ts written: greet, who\n', stderr: '' });
  const runner = (argument: string): string =>
    `import { Runner } from 'tsumugi/client';\nconst runner = await Runner.load();\nawait runner.who(${argument});\n`;
  const checked = [
    '--noEmit',
    '--strict',
    '--allowImportingTsExtensions',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--lib',
    'es2024,dom',
  ];
  const check = (argument: string): unknown => {
    writeFileSync(join(user, 'runs.ts'), runner(argument));
    const files = ['runs.ts', 'functions/tsumugi-functions.d.ts'];
    return run(resolve('node_modules/.bin/tsc'), [...checked, '--typeRoots', types, '--types', 'node', ...files], user);
  };
  check('');
  assert.throws(() => check('15'), /Expected 0 arguments, but got 1/);

  step('tsumugi up, a request, a call, and the end');
  const ports = ['--port', '0', '--api-port', '0', '--platform-port', '0', '--metrics-port', '0'];
  const up = spawn(bin, ['up', 'functions', ...ports], { cwd: user, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let noise = '';
  up.stderr.setEncoding('utf8').on('data', (text: string) => (noise += text));
  const ended = new Promise<number | null>((done) => up.once('close', done));
  let gateway = '';
  for await (const line of createInterface({ input: up.stdout })) {
    const entry = JSON.parse(line) as { msg: string; gateway: string };
    if (entry.msg !== 'ready') continue;
    gateway = entry.gateway;
    break;
  }
  assert.notEqual(gateway, '', `up ended: ${noise}`);
  up.stdout.resume();
  assert.equal(await (await fetch(`${gateway}/function/greet?x`)).text(), 'hello from greet?x');
  assert.equal(run(bin, ['call', 'greet.who'], user, env).stdout, '"greet"\n');
  assert.deepEqual(run(bin, ['run', 'who.ts'], user, env), { stdout: 'greet 0\n', stderr: '' });
  assert.equal(run('node', ['who.ts'], user, { ...env, NODE_NO_WARNINGS: '1' }).stdout, 'greet 0\n');
  up.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.equal(noise, '', 'there is noise on the screen');
  console.log('✓ the package works elsewhere');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
