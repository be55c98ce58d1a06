/** The command line against a running platform: what it prints, where, and with which exit code. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, eventually, startPlatform, temporaryFolder, type TestPlatform, tsumugi } from './platform.ts';

let platform: TestPlatform;
let folder: string;
beforeAll(async () => {
  platform = await startPlatform();
  folder = temporaryFolder();
  await platform.deploy(
    'echo',
    'export default async (request) => Response.json({ method: request.method, path: new URL(request.url).pathname, type: request.headers.get("content-type"), body: await request.text() });\nexport const twice = (n: number) => 2 * n;',
  );
});
afterAll(cleanUp);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('deploy', () => {
  test('prints name, URL and time on stdout, and where it went on stderr', async () => {
    const result = await platform.tsumugi('deploy', file('helloWorld.ts', 'export default () => "hi";'));
    expect(result).toMatchObject({ code: 0, stderr: `deploying to the platform at ${platform.data}, namespace default\n` });
    expect(result.stdout).toMatch(new RegExp(`^hello-world   ${platform.gateway}/function/hello-world   ready in \\d+\\.\\d\\d s\n$`));
  });

  test('waits unless told not to', async () => {
    const path = file('patient.ts', 'export default () => "hi";');
    expect((await platform.tsumugi('deploy', path, '--wait')).stdout).toContain('ready in');
    expect((await platform.tsumugi('deploy', path, '--no-wait', '--env', 'A=1')).stdout).toMatch(/ {3}deployed\n$/);
  });

  test('into another namespace gives a URL that names it', async () => {
    expect((await platform.tsumugi('apply', '-f', file('ns.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n'))).code).toBe(
      0,
    );
    const result = await platform.tsumugi('deploy', file('cart.ts', 'export default () => "cart";'), '-n', 'shop');
    expect(result.stdout).toContain(`${platform.gateway}/function/cart.shop`);
    expect(await platform.tsumugi('invoke', 'cart.shop')).toMatchObject({ code: 0, stdout: 'cart' });
    expect(await platform.tsumugi('invoke', 'cart', '-n', 'shop')).toMatchObject({ code: 0, stdout: 'cart' });
  });

  test.each([
    [['deploy', 'no-such-file.ts'], 1, 'error: there is no file or folder no-such-file.ts\n'],
    [['deploy', 'examples/hello/helo.ts'], 1, 'error: there is no file or folder examples/hello/helo.ts\n hint: did you mean hello.ts?\n'],
    [['deploy'], 2, "error: missing required argument 'path'\n"],
    [['deploy', 'x.ts', '--timeout', 'soon'], 2, 'error: --timeout is "soon"\n hint: allowed: a duration as 2s, 1m, 1h or 2 (seconds)\n'],
    [['deploy', 'x.ts', '--conurrency', '1'], 2, "error: unknown option '--conurrency'\n hint: did you mean --concurrency?\n"],
    [
      ['deploy', 'src/cli/flags.ts', '--name', 'Bad_Name'],
      1,
      `error: Function "Bad_Name" is not valid: metadata.name must be a DNS label of at most 40 characters: lower case letters, digits and '-'\n`,
    ],
    [['deplyo', 'x.ts'], 2, "error: unknown command 'deplyo'\n hint: did you mean deploy?\n"],
  ])('%j ends with %i and says why', async (args, code, message) => {
    const result = await platform.tsumugi(...args);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(message);
  });
});

describe('invoke and call', () => {
  test('send what they are told and print the answer alone', async () => {
    expect(JSON.parse((await platform.tsumugi('invoke', 'echo', '--path', '/a?b=1')).stdout)).toMatchObject({
      method: 'GET',
      path: '/a',
      body: '',
    });
    const posted = await platform.tsumugi('invoke', 'echo', '--data', '{"x":1}', '-H', 'Content-Type: application/json');
    expect(posted).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(posted.stdout)).toMatchObject({ method: 'POST', type: 'application/json', body: '{"x":1}' });
    expect(
      JSON.parse((await platform.tsumugi('invoke', 'echo', '-X', 'put', '--file', file('body.txt', 'from a file'))).stdout),
    ).toMatchObject({ method: 'PUT', body: 'from a file' });
    const piped = await tsumugi(['invoke', 'echo', '--file', '-'], { env: { TSUMUGI_DATA: platform.data }, input: 'from stdin' });
    expect(JSON.parse(piped.stdout)).toMatchObject({ method: 'POST', body: 'from stdin' });
  });

  test('fail with the code of the error', async () => {
    const missing = await platform.tsumugi('invoke', 'ecko');
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(/^error: NotFound: /);
    const hint = async (...args: string[]): Promise<string> => (await platform.tsumugi(...args)).stderr.split('\n').at(-2) ?? '';
    for (const args of [
      ['invoke', 'ecko'],
      ['call', 'ecko.twice', '1'],
      ['logs', 'ecko'],
      ['describe', 'fn', 'ecko'],
    ])
      expect(await hint(...args), args.join(' ')).toBe(' hint: did you mean echo?');
    expect(await hint('call', 'echo.twise', '1')).toBe(' hint: did you mean twice?');
    expect(await platform.tsumugi('call', 'echo.twice', 'two')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'error: the argument two is no JSON\n hint: a string needs its quotes: \'"two"\'\n',
    });
    expect(await platform.tsumugi('call', 'echo.twice', '4')).toMatchObject({ code: 0, stdout: '8\n', stderr: '' });
    expect(await platform.tsumugi('call', 'echo', '5')).toMatchObject({ code: 0, stdout: '10\n' });
  });
});

test('deploy of a module that throws at load fails, and says where', async () => {
  const source = 'const limit = 3;\nthrow new Error(`at load ${limit}`);\nexport default () => limit;\n';
  const result = await platform.tsumugi('deploy', file('early.ts', source));
  expect(result).toMatchObject({ code: 1, stdout: '' });
  expect(result.stderr).toMatch(/^error: early: RevisionFailed: revision early-00001 failed: .*at load 3[^]*early\.ts:2:/m);
});

describe('a function that fails', () => {
  beforeAll(() =>
    platform.deploy('broken', 'export default () => { throw { a: 1 }; };\nexport const never = () => { throw new RangeError("no"); };'),
  );

  test.each([
    [['invoke', 'broken'], /^error: HandlerError: \{ a: 1 \}\n request: [0-9a-f-]{32,36}\n hint: see: tsumugi logs broken\n$/],
    [['call', 'broken.never'], /^error: HandlerError: RangeError: no\n request: [0-9a-f-]{32,36}\n hint: see: tsumugi logs broken\n$/],
  ])('%j tells the code, the message, the request and where to look', async (args, message) => {
    const result = await platform.tsumugi(...args);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(message);
  });
});

describe('objects', () => {
  test('are applied, shown in every form, changed and deleted', async () => {
    const manifest = file(
      'settings.yaml',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, labels: {app: web}}\ndata: {A: "1", B: "2"}\n',
    );
    expect(await platform.tsumugi('apply', '-f', manifest)).toMatchObject({ code: 0, stdout: 'configmap/settings created\n' });
    expect(await platform.tsumugi('apply', '-f', manifest)).toMatchObject({ code: 0, stdout: 'configmap/settings unchanged\n' });
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(', B: "2"', ', C: "3"'));
    expect(await platform.tsumugi('apply', '-f', manifest)).toMatchObject({ code: 0, stdout: 'configmap/settings configured\n' });
    const shown = await platform.tsumugi('get', 'cm', 'settings', '-o', 'json');
    expect((JSON.parse(shown.stdout) as { data: object }).data).toEqual({ A: '1', C: '3' });
    expect((await platform.tsumugi('get', 'cm', 'settings', '-o', 'yaml')).stdout).toMatch(/^apiVersion: v1\nkind: ConfigMap\n/);
    expect(await platform.tsumugi('get', 'configmaps', '-l', 'app=web', '-o', 'name')).toMatchObject({ stdout: 'configmap/settings\n' });
    const several = await platform.tsumugi('get', 'fn,cm');
    expect(several.stdout).toMatch(
      /^NAME +READY[^]*\nfunction\.tsumugi\.dev\/echo +True[^]*\n\nNAME +DATA +AGE\n[^]*configmap\/settings +2 /,
    );
    const names = (await platform.tsumugi('get', 'cm,fn', '-o', 'name')).stdout.split('\n');
    expect(names).toEqual(expect.arrayContaining(['configmap/settings', 'function.tsumugi.dev/echo']));
    expect((await platform.tsumugi('get', 'fn,nonsense')).stderr).toMatch(
      /there is no kind "nonsense"\n hint: there are: executions, functions, .*pods.* more\n$/,
    );
    expect((await platform.tsumugi('get', 'configmap', 'settings')).stdout).toMatch(/^NAME +DATA +AGE\nsettings +2 +\d+s\n$/);
    expect(await platform.tsumugi('delete', '-f', manifest)).toMatchObject({ code: 0, stdout: 'configmap/settings deleted\n' });
    expect(await platform.tsumugi('delete', '-f', manifest)).toMatchObject({ code: 1, stdout: '' });
    expect(await platform.tsumugi('delete', '-f', manifest, '--ignore-not-found')).toMatchObject({ code: 0 });
  });

  test('that are not there, or not valid, are told with what was meant or allowed', async () => {
    expect(await platform.tsumugi('get', 'fn', 'ecoh')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'error: Function "ecoh" does not exist in namespace default\n hint: did you mean echo?\n',
    });
    expect(await platform.tsumugi('get', 'fucntions')).toMatchObject({
      code: 1,
      stderr: 'error: there is no kind "fucntions"\n hint: did you mean functions?\n',
    });
    const invalid = await platform.tsumugi(
      'apply',
      '-f',
      file(
        'bad.yaml',
        'apiVersion: tsumugi.dev/v1\nkind: Function\nmetadata: {name: bad}\nspec: {source: {inline: "export default () => 1"}, timeoutSeconds: 0}\n',
      ),
    );
    expect(invalid).toMatchObject({ code: 1, stdout: '' });
    expect(invalid.stderr.match(/spec\.timeoutSeconds: /g)).toHaveLength(1);
    expect(invalid.stderr).not.toContain('<nil>');
  });
});

describe('nouns', () => {
  test('create, list and delete', async () => {
    expect(await platform.tsumugi('fn', 'create', 'made', '--code', file('any.ts', 'export default () => "made";'))).toMatchObject({
      code: 0,
    });
    expect(await platform.tsumugi('route', 'create', '--function', 'made', '--path', '/made')).toMatchObject({
      code: 0,
      stdout: 'route.tsumugi.dev/made created\n',
    });
    expect(await platform.tsumugi('route', 'create', '--function', 'made', '--path', '/made')).toMatchObject({ code: 1 });
    await eventually('the route answers', async () => (await (await platform.fetch('/made')).text()) === 'made');
    expect(await platform.tsumugi('route', 'create', '--function', 'made')).toMatchObject({
      code: 2,
      stderr:
        'error: a route needs --path, --prefix or --host\n hint: as --path /made; --prefix / takes all paths that no other route has\n',
    });
    expect(
      await platform.tsumugi('runtime', 'create', 'small', '--image', 'tsumugi/node', '--pool-size', '0', '--memory', '128Mi'),
    ).toMatchObject({ code: 0 });
    for (const [noun, name] of [
      ['fn', 'made'],
      ['route', 'made'],
      ['runtime', 'small'],
    ] as const) {
      expect((await platform.tsumugi(noun, 'list')).stdout).toMatch(new RegExp(`^${name} `, 'm'));
      expect((await platform.tsumugi(noun, 'delete', name)).stdout).toContain(`/${name} deleted\n`);
      expect((await platform.tsumugi(noun, 'list', '-o', 'name')).stdout).not.toContain(`/${name}\n`);
    }
  });
});

describe('which platform', () => {
  test('is found from a folder within the one that it runs in', async () => {
    const project = temporaryFolder();
    const there = await startPlatform({ data: join(project, '.tsumugi') });
    mkdirSync(join(project, 'deep', 'er'), { recursive: true });
    const result = await tsumugi(['kubeconfig'], { cwd: join(project, 'deep', 'er') });
    expect(result.stdout).toBe(readFileSync(there.kubeconfig, 'utf8'));
    expect(await there.stop()).toBe(0);
    expect(await tsumugi(['get', 'fn', '--data', there.data])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`no platform runs on ${there.data}`) as string,
    });
  });

  test('may be named by a kubeconfig, which also says where gateway and platform API are', async () => {
    const options = { env: { KUBECONFIG: platform.kubeconfig }, cwd: folder };
    expect(await tsumugi(['invoke', 'echo', '--path', '/k'], options)).toMatchObject({ code: 0 });
    expect((await tsumugi(['deploy', file('remote.ts', 'export default () => "remote";')], options)).stdout).toContain('/function/remote');
    expect(await tsumugi(['logs', 'remote'], options)).toMatchObject({ code: 0 });
    expect((await tsumugi(['get', 'fn', '--context', 'nope'], options)).stderr).toContain('there is no context "nope"');
  });
});
