/** Functions as their callers see them, on a platform as a user starts it: what `functions-suite.test.ts` does not ask of both substrates. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, eventually, startPlatform, type TestPlatform } from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform({ dir: 'examples/hello' });
});
afterAll(cleanUp);

/** The coded error of an answer. */
async function errorOf(
  response: Response,
): Promise<{ code: string; message: string; function: string; revision: string; requestId: string }> {
  const { error } = (await response.json()) as {
    error: { code: string; message: string; function: string; revision: string; requestId: string };
  };
  expect(response.headers.get('x-request-id')).toBe(error.requestId);
  return error;
}

/** pid of the process that answers. */
const whoSource = 'export default () => String(process.pid);';

describe('a function', () => {
  test('answers at its path and at its host', async () => {
    expect(await (await platform.fetch('/function/hello?name=Ada')).text()).toBe('hello Ada\n');
    expect(await (await platform.fetch('/function/hello.default/any/path')).text()).toBe('hello world\n');
  });

  test('hears that its caller went away', async () => {
    await platform.deploy(
      'patient',
      'export default async (request, context) => { await new Promise((r) => context.signal.addEventListener("abort", r)); console.log("caller is gone"); }',
    );
    const controller = new AbortController();
    const answer = platform.fetch('/function/patient', { signal: controller.signal });
    await sleep(300);
    controller.abort();
    await expect(answer).rejects.toThrow('aborted');
    await eventually('the function has heard it', async () =>
      (await platform.tsumugi('logs', 'patient')).stdout.includes('caller is gone'),
    );
  });
});

describe('what does not exist', () => {
  test('is 404 with what there is, or 405 with the methods', async () => {
    expect(await errorOf(await platform.fetch('/function/helo'))).toMatchObject({ code: 'NotFound' });
    expect(await errorOf(await platform.fetch('/nowhere'))).toMatchObject({ code: 'NotFound' });
    expect(
      (await platform.tsumugi('route', 'create', 'greet', '--function', 'hello', '--path', '/greet/{name}', '--method', 'GET')).code,
    ).toBe(0);
    await eventually('the route is loaded', async () => (await platform.fetch('/greet/Ada?name=Ada')).status === 200);
    const wrong = await platform.fetch('/greet/Ada', { method: 'DELETE' });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toContain('GET');
    expect(await errorOf(wrong)).toMatchObject({ code: 'MethodNotAllowed' });
  });
});

describe('an update', () => {
  test('that is the same makes no new revision', async () => {
    await platform.deploy('same', whoSource);
    await platform.deploy('same', whoSource);
    expect((await platform.tsumugi('get', 'revisions', '-o', 'name')).stdout.match(/\/same-/g)).toHaveLength(1);
  });
});

describe('a broken function gives its caller a clear error', () => {
  test('when it throws: 500, and the stack with the lines of the source in the log', async () => {
    await platform.deploy(
      'throwing',
      'function deep(): never {\n  throw new TypeError("broken inside");\n}\nexport default () => deep();\n',
    );
    const error = await errorOf(await platform.fetch('/function/throwing'));
    expect(error).toMatchObject({ code: 'HandlerError', function: 'throwing', revision: 'throwing-00001' });
    await eventually('the stack is in the log', async () => (await platform.tsumugi('logs', 'throwing')).stdout.includes('throwing.ts:2:'));
  });

  test('when it takes too long: 504, also when it blocks its thread; others are unharmed', async () => {
    await platform.deploy(
      'hanging',
      'export default async (request) => { if (request.url.endsWith("?block")) for (;;); if (request.url.endsWith("?wait")) await new Promise(() => {}); return "fine"; }',
      '--timeout',
      '1',
    );
    for (const how of ['wait', 'block']) {
      const slow = platform.fetch(`/function/hanging?${how}`);
      expect(await (await platform.fetch('/function/hello')).text()).toBe('hello world\n');
      const response = await slow;
      expect(response.status).toBe(504);
      expect(await errorOf(response)).toMatchObject({ code: 'Timeout' });
    }
    await eventually('it answers again', async () => (await (await platform.fetch('/function/hanging')).text()) === 'fine');
  });

  test('when it eats memory: an error that says so, and others are unharmed', async () => {
    await platform.deploy('hungry', 'export default () => { const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1)); }');
    const response = await platform.fetch('/function/hungry');
    expect(response.status).toBe(502);
    expect(await errorOf(response)).toMatchObject({ code: 'OutOfMemory' });
    expect(await (await platform.fetch('/function/hello')).text()).toBe('hello world\n');
  }, 60_000);
});

test('the end of an instance is a line in its log', async () => {
  await platform.deploy('ends', 'export default () => process.exit(7);');
  await expect(platform.deploy('ends-early', 'process.exit(4); export default () => 1;')).rejects.toThrow('could not be loaded');
  await platform.deploy('grows', 'const kept = []; export default () => { for (;;) kept.push(Buffer.alloc(8e6, 1)); };');
  await Promise.all(['ends', 'ends-early', 'grows'].map((name) => platform.fetch(`/function/${name}`)));
  const lastLine = async (name: string): Promise<string | undefined> =>
    (await platform.tsumugi('logs', name)).stdout.trim().split('\n').at(-1);
  const soon = { timeout: 15_000 };
  await expect.poll(() => lastLine('ends'), soon).toBe('the process ended with exit code 7');
  await expect.poll(() => lastLine('ends-early'), soon).toBe('the process ended with exit code 4');
  await expect.poll(() => lastLine('grows'), soon).toBe('the process was ended: it was over its memory limit of 512Mi');
});
