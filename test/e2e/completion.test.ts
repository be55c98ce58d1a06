/** Completion in the real shells: bash, and zsh and fish where they are installed. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanEnv, cleanUp, startPlatform, type TestPlatform, tsumugi } from './platform.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'tsumugi-completion-'));
let platform: TestPlatform;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  platform = await startPlatform();
  await platform.deploy('greet', 'export const hello = () => 1; export const hullo = () => 2;');
  await platform.deploy('orders', 'export default () => 1;', '--secret', 'KEY=x');
  const manifest = join(folder, 'shop.yaml');
  writeFileSync(manifest, 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n');
  await platform.tsumugi('apply', '-f', manifest);
  symlinkSync(resolve('bin/tsumugi.js'), join(folder, 'tsumugi'));
  env = { ...cleanEnv(), TSUMUGI_DATA: platform.data, PATH: [folder, dirname(process.execPath), process.env['PATH']].join(delimiter) };
  for (const shell of ['bash', 'zsh', 'fish']) writeFileSync(join(folder, shell), (await tsumugi(['completion', shell])).stdout);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await cleanUp();
});

const installed = (shell: string): boolean => (process.env['PATH'] ?? '').split(delimiter).some((path) => existsSync(join(path, shell)));

/** What is typed behind `tsumugi`, as bash splits it, and what it may become. */
const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['dep'], ['deploy']],
  [
    ['fn', ''],
    ['create', 'list', 'delete'],
  ],
  [['deploy', '--vis'], ['--visibility']],
  [
    ['deploy', '--visibility', ''],
    ['public', 'private'],
  ],
  [['get', '-o', 'y'], ['yaml']],
  [['get', 'funct'], ['functions']],
  [
    ['get', 'functions', ''],
    ['greet', 'orders'],
  ],
  [['get', 'fn', 'greet', ''], ['orders']],
  [['logs', 'or'], ['orders']],
  [
    ['call', 'greet.h'],
    ['greet.hello', 'greet.hullo'],
  ],
  [['wait', 'fn/g'], ['fn/greet']],
  [['get', 'fn', '-n', 's'], ['shop']],
  [['get', 'fn', '-n', 'shop', ''], []],
  [['deploy', 'x.ts', '--secret', ''], ['orders-env']],
  [['fn', 'delete', 'greet', 'o'], ['orders']],
  [['help', 'descr'], ['describe']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['nonsense', ''], []],
  [['get', 'nonsense', ''], []],
  [['logs', '--data', '/nowhere', ''], []],
];

describe('bash', () => {
  const complete = async (words: readonly string[], before = ''): Promise<readonly string[]> => {
    const script = `source '${join(folder, 'bash')}'; ${before} COMP_WORDS=(tsumugi "$@"); COMP_CWORD=$#; _tsumugi; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await run('bash', ['--norc', '-c', script, 'bash', ...words], { env });
    expect(stderr).toBe('');
    return stdout.split('\n').filter((line) => line !== '');
  };

  test.each(cases)('%j', async (words, wanted) => {
    expect((await complete(words)).toSorted()).toEqual([...wanted].toSorted());
  });

  test('an option with its value in one word, which bash takes apart', async () => {
    expect(await complete(['get', 'fn', '--output', '=', 'j'])).toEqual(['json']);
    expect(await complete(['deploy', '--reuse', '='])).toEqual(['always', 'never']);
  });

  test('files and folders are the shell’s own', async () => {
    const there = `cd '${folder}';`;
    expect(await complete(['apply', '-f', 'sh'], there)).toEqual(['shop.yaml']);
    expect(await complete(['deploy', 'sh'], there)).toEqual(['shop.yaml']);
    expect(await complete(['up', 'sh'], there)).toEqual([]);
  });
});

describe.skipIf(!installed('fish'))('fish', () => {
  test.each(cases)('%j', async (words, wanted) => {
    const line = ['tsumugi', ...words].join(' ');
    const { stdout } = await run('fish', ['--no-config', '-c', `source '${join(folder, 'fish')}'; complete -C '${line}'`], { env });
    const said = stdout.split('\n').filter((each) => each !== '');
    expect(said.map((each) => each.split('\t')[0] ?? '').toSorted()).toEqual([...wanted].toSorted());
  });
});

describe.skipIf(!installed('zsh'))('zsh', () => {
  test.each(cases)('%j', async (words, wanted) => {
    // What completion would offer is told instead of shown.
    const script = `_describe() { local name=$4; print -rl -- "\${(@P)name}" }; _files() { : }; compdef() { : }
      source '${join(folder, 'zsh')}'; words=(tsumugi "$@"); CURRENT=\${#words}; _tsumugi`;
    const { stdout, stderr } = await run('zsh', ['-f', '-c', script, 'zsh', ...words], { env });
    expect(stderr).toBe('');
    const said = stdout.split('\n').filter((each) => each !== '');
    expect(said.map((each) => each.split(/(?<!\\):/)[0] ?? '').toSorted()).toEqual([...wanted].toSorted());
  });
});

test('another shell is told which there are', async () => {
  expect(await tsumugi(['completion', 'tcsh'])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('bash, zsh, fish') });
});
