/** `tsumugi run`: a script is a program of its own, connected to the platform. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cleanUp, type Run, startPlatform, temporaryFolder, type TestPlatform, tsumugi } from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(cleanUp);

const folder = temporaryFolder();
function script(name: string, source: string): string {
  const file = join(folder, name);
  writeFileSync(file, source);
  return file;
}
const run = (source: string, ...args: string[]): Promise<Run> => platform.tsumugi('run', script('program.ts', source), ...args);

test('calls functions and reaches the cluster, and its output alone is on stdout', async () => {
  await platform.deploy('math', 'export const add = (a: number, b: number) => a + b;');
  const source = `
    import { call, Kube } from 'tsumugi/client';
    import { parse } from './parse.ts';
    const sum: number = await call('math.add', ...process.argv.slice(2).map(parse));
    const here = (await Kube.load()).namespace();
    await here.createConfigMap({ metadata: { name: 'sum' }, data: { sum: String(sum) } });
    console.log((await here.getConfigMap('sum')).data?.sum);`;
  script('parse.ts', 'export const parse = (text: string): number => Number(text);');
  expect(await run(source, '--', '2', '3')).toEqual({ code: 0, stdout: '5\n', stderr: '' });
});

test('needs no import for what it is given', async () => {
  const { code, stdout } = await run(`console.log(await call('math.add', 1, 1), typeof Kube.load, typeof Runner.load);`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '2 function function\n' });
});

test('belongs to the namespace that is said', async () => {
  const source = `console.log((await Kube.load()).namespace().name);`;
  expect((await run(source, '-n', 'shop')).stdout).toBe('shop\n');
});

test('its exit code is the command’s', async () => {
  expect((await run('process.exitCode = 3;')).code).toBe(3);
  expect((await run('process.exit(4);')).code).toBe(4);
  expect((await run('setTimeout(() => process.exit(5), 10);')).code).toBe(5);
});

test('what it throws is told with the lines of its own file, and fails it', async () => {
  const { code, stdout, stderr } = await run(
    'interface Long { a: string }\n\nconst fail = (): never => { throw new TypeError("no"); };\nconsole.log(1);\nfail();',
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: '1\n' });
  expect(stderr).toMatch(new RegExp(`^TypeError: no\n +at fail \\(${join(folder, 'program.ts')}:3:`));
});

test('what a function throws comes with its code and what to do', async () => {
  await platform.deploy('picky', 'export const picky = () => { throw new Error("not this"); };');
  const { code, stderr } = await run(`try { await call('picky'); } catch (error) { console.error(error.code); throw error; }`);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^HandlerError\nTsumugiError: HandlerError: .*not this\n(    at .*\n)+ hint: see: tsumugi logs picky\n$/);
});

test('code that does not compile, a file that is not there, and no platform are told before anything runs', async () => {
  const broken = await run('const a = ;');
  expect(broken).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^error: program\.ts:1:11: /) });
  expect(await platform.tsumugi('run', '/no/such.ts')).toMatchObject({ code: 1, stderr: 'error: there is no file /no/such.ts\n' });
  const alone = await tsumugi(['run', script('alone.ts', 'console.log(1)')], { cwd: folder, env: { HOME: folder } });
  expect(alone).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('hint: start a platform') });
});

test('in a pod it is who it is here, and leaves nothing', async () => {
  const source = `
    import { call, Kube } from 'tsumugi/client';
    import { parse } from './parse.ts';
    console.log('in', process.argv[2], await call('math.add', parse('20'), 3));
    console.log('');
    const here = (await Kube.load()).namespace();
    console.log((await here.listJobs({ labelSelector: 'tsumugi.dev/script' })).length, here.name);
    process.exitCode = 7;`;
  expect(await run(source, '--in-pod', '--', 'there')).toEqual({ code: 7, stdout: 'in there 23\n\n1 default\n', stderr: '' });
  const failed = await run('const fail = () => { throw new TypeError("no"); };\nfail();', '--in-pod');
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringMatching(/^TypeError: no\n +at fail .*program\.ts:1/) });
  const nowhere = await run('console.log(1)', '--in-pod', '--image', 'nowhere');
  expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('its pod cannot start: ImageUnavailable') });
  for (const kind of ['jobs', 'configmaps', 'secrets'])
    expect((await platform.tsumugi('get', kind, '-o', 'name')).stdout).not.toContain('/script-');
  expect((await run('1', '--image', 'host')).code).toBe(2);
});
