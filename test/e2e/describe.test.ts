/** `describe` and `wait`: what a user asks when something is not as it should be. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, eventually, startPlatform, temporaryFolder, type TestPlatform } from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform({ dir: 'examples/hello' });
});
afterAll(cleanUp);

const section = (text: string, title: string): string => new RegExp(`^${title}.*\n((?:  .*\n?)+)`, 'm').exec(text)?.[1] ?? '';

describe('describe', () => {
  test('tells where a function answers, how it is set up, which pods serve it and what happened', async () => {
    await platform.deploy(
      'busy',
      'export default () => "here"; export const add = (a, b) => a + b;',
      '--env',
      'COLOUR=blue',
      '--secret',
      'KEY=hidden value',
    );
    await (await platform.fetch('/function/busy')).text();
    const shown = async (): Promise<string> => (await platform.tsumugi('describe', 'fn', 'busy')).stdout;
    await eventually('its pod is told', async () => /busy-00001/.test(section(await shown(), 'Pods')));
    const text = await shown();
    expect(text).toMatch(
      /^Function busy in namespace default: Ready\n\nURL +http:\/\/127\.0\.0\.1:\d+\/function\/busy\nRevision +busy-00001\n/,
    );
    expect(text).toContain(`URL         ${platform.gateway}/function/busy\n`);
    expect(text).toMatch(/^Source +package sha256:[0-9a-f]{64}\nRuntime +node, handler default$/m);
    expect(text).toMatch(/^Variables +COLOUR\nSecrets +busy-env\nExports +add$/m);
    expect(section(text, 'Conditions')).toMatch(/^ {2}Ready +True +\S+ +Ready +revision busy-00001 gets the traffic$/m);
    expect(section(text, 'Pods')).toMatch(/^ {2}node-\w+ +Running +busy-00001 +\S+ +tsumugi$/m);
    expect(section(text, 'Events')).toMatch(/Normal +TrafficMoved +revision busy-00001 gets the traffic/);
    expect(text).not.toMatch(/blue|hidden|Last error/);
  });

  test('tells the last error in full', async () => {
    const source = 'export default (request) => (request.url.endsWith("?now") ? process.exit(3) : "alive");';
    const manifest = join(temporaryFolder(), 'dies.yaml');
    writeFileSync(manifest, `apiVersion: tsumugi.dev/v1\nkind: Function\nmetadata: {name: dies}\nspec: {source: {inline: '${source}'}}\n`);
    expect((await platform.tsumugi('apply', '-f', manifest)).code).toBe(0);
    expect((await platform.tsumugi('wait', 'fn/dies')).code).toBe(0);
    const whole = async (): Promise<string> => (await platform.tsumugi('describe', 'function', 'dies')).stdout;
    expect(await whole()).toContain('Pods\n  none: one starts with the next request\n');
    expect(await whole()).not.toContain('Last error');
    await (await platform.fetch('/function/dies')).text();
    await eventually('its pod is told', async () => /dies-00001/.test(section(await whole(), 'Pods')));
    await (await platform.fetch('/function/dies?now')).text();
    const shown = async (): Promise<string> => section(await whole(), 'Last error');
    await eventually('the event is there', async () => (await shown()) !== '');
    expect(await shown()).toBe('  InstanceFailed: an instance ended: Error, exit code 3\n  see: tsumugi logs dies -n default\n');
  });

  test('shows runtimes, revisions, routes and pods by what matters, other kinds by their spec, and no secret', async () => {
    expect((await platform.tsumugi('route', 'create', 'greet', '--function', 'hello', '--path', '/greet/{name}')).code).toBe(0);
    await platform.deploy('keeper', 'export default () => 1;', '--secret', 'WORD=correct horse');
    const of = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await platform.tsumugi('describe', ...words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return stdout;
    };
    expect(await of('rt', 'node')).toMatch(/^Runtime node: Ready\n\nImage +tsumugi\/node\nPool +3 warm pods/);
    expect(section(await of('rt', 'node'), 'Pods')).toMatch(/\(warm\)/);
    expect(await of('revision', 'hello-00001')).toMatch(/^Revision hello-00001 in namespace default.*\n\nFunction +hello\n/);
    expect(await of('route', 'greet')).toMatch(/Hosts +any\nPath +\/greet\/\{name\}\nMethods +any\nFunction +hello\n/);
    const secret = await of('secret', 'keeper-env');
    expect(secret).toMatch(/Keys +WORD \(13 B\)\nOwner +Function keeper\n/);
    expect(secret).not.toMatch(/correct horse|Y29ycmVjd/);
    const pod = (await platform.tsumugi('get', 'pods', '-o', 'name')).stdout.split('\n')[0]?.split('/')[1] ?? '';
    expect(await of('pod', pod)).toMatch(/: Running\n\nPhase +Running\nNode +tsumugi\n/);
    expect(await of('node', 'tsumugi')).toContain('Node tsumugi');
  });

  test('says what was meant where there is no such object', async () => {
    expect(await platform.tsumugi('describe', 'fn', 'helo')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: Function "helo" does not exist in namespace default\n hint: did you mean hello?\n',
    });
  });
});

describe('wait', () => {
  test('ends when the condition is met, of all that are named', async () => {
    expect(await platform.tsumugi('wait', 'fn/hello')).toEqual({
      code: 0,
      stdout: 'function.tsumugi.dev/hello condition met\n',
      stderr: '',
    });
    const waiting = platform.tsumugi('wait', 'fn', 'hello', 'later', '--for', 'condition=Ready', '--timeout', '20s');
    await platform.deploy('later', 'export default () => 1;');
    expect((await waiting).stdout.trim().split('\n').toSorted()).toEqual([
      'function.tsumugi.dev/hello condition met',
      'function.tsumugi.dev/later condition met',
    ]);
    expect(await platform.tsumugi('wait', 'fn/later', '--for=jsonpath={.status.latestReadyRevision}=later-00001')).toMatchObject({
      code: 0,
    });
  });

  test('ends when the object is gone', async () => {
    await platform.deploy('short', 'export default () => 1;');
    const waiting = platform.tsumugi('wait', 'fn/short', '--for=delete', '--timeout', '20s');
    expect((await platform.tsumugi('delete', 'fn', 'short')).code).toBe(0);
    expect(await waiting).toMatchObject({ code: 0, stdout: 'function.tsumugi.dev/short condition met\n' });
  });

  test.each([
    [
      ['fn/hello', '--for=delete', '--timeout', '1'],
      1,
      'error: Function "hello" after 1 s: it is still there\n hint: see: tsumugi describe function hello\n',
    ],
    [
      ['fn/none', '--timeout', '1'],
      1,
      'error: Function "none" after 1 s: it does not exist\n hint: `tsumugi get functions` lists what there is\n',
    ],
    [
      ['fn/hello', '--for', 'jsonpath={.spec.runtime}=python', '--timeout', '1'],
      1,
      'error: Function "hello" after 1 s: .spec.runtime is node\n hint: see: tsumugi describe function hello\n',
    ],
    [['fn/hello', '--for', 'ready'], 2, 'error: --for is "ready"\n hint: allowed: condition=Ready'],
    [['fn'], 2, 'error: which fn?\n hint: name it: tsumugi wait fn/NAME\n'],
    [['fn/hello', 'hello'], 2, 'error: "hello" is no KIND/NAME\n hint: as fn/hello\n'],
  ])('%j ends with %i and says why', async (args, code, message) => {
    const result = await platform.tsumugi('wait', ...args);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(message);
  });
});
