/** Functions as their callers see them, on a platform as a user starts it. */
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

async function nextText(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await reader.read();
  return Buffer.from(value ?? []).toString();
}

/** pid of the process that answers. */
const whoSource = 'export default () => String(process.pid);';

describe('a function', () => {
  test('answers at its path and at its host', async () => {
    expect(await (await platform.fetch('/function/hello?name=Ada')).text()).toBe('hello Ada\n');
    expect(await (await platform.fetch('/function/hello.default/any/path')).text()).toBe('hello world\n');
  });

  test('streams its answer while it works', async () => {
    await platform.deploy(
      'ticking',
      'export default async function* () { for (const n of [1, 2]) { yield { n }; await new Promise((r) => setTimeout(r, 300)); } }',
    );
    const response = await platform.fetch('/function/ticking');
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const reader = response.body!.getReader();
    const first = await nextText(reader);
    // The whole answer would be two lines: the first came before the second existed.
    expect(first).toBe('{"n":1}\n');
    const second = await nextText(reader);
    expect(second).toBe('{"n":2}\n');
    expect((await reader.read()).done).toBe(true);
  });

  test('reads a body as it comes and answers before its end', async () => {
    await platform.deploy(
      'upper',
      'export default async function* (request) { const d = new TextDecoder(); for await (const c of request.body) yield d.decode(c).toUpperCase(); }',
    );
    const input = new TransformStream<Uint8Array, Uint8Array>();
    const writer = input.writable.getWriter();
    const answer = platform.fetch('/function/upper', { method: 'POST', body: input.readable, duplex: 'half' });
    await writer.write(Buffer.from('first '));
    const reader = (await answer).body!.getReader();
    expect(await nextText(reader)).toBe('FIRST ');
    await writer.write(Buffer.from('second'));
    expect(await nextText(reader)).toBe('SECOND');
    await writer.close();
    expect((await reader.read()).done).toBe(true);
  });

  test('has named exports that are called with JSON', async () => {
    await platform.deploy('math', 'export const add = (a: number, b: number) => a + b; export const nothing = () => undefined;');
    expect(await platform.tsumugi('call', 'math.add', '2', '3')).toMatchObject({ code: 0, stdout: '5\n' });
    const unknown = await platform.tsumugi('call', 'math.sub', '2', '3');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('add, nothing');
    expect((await platform.fetch('/call/math/add', { method: 'POST', body: '[1,2]' })).status).toBe(401);
  });

  test('gets variables and secrets, which no object and no log shows', async () => {
    await platform.deploy(
      'settings',
      'export default () => [process.env.COLOUR, process.env.PASSWORD, process.env.TSUMUGI_FUNCTION];',
      '--env',
      'COLOUR=blue',
      '--secret',
      'PASSWORD=correct horse',
    );
    expect(await (await platform.fetch('/function/settings')).json()).toEqual(['blue', 'correct horse', 'settings']);
    await platform.deploy(
      'settings',
      'export default () => [process.env.COLOUR, process.env.PASSWORD, process.env.SIZE];',
      '--env',
      'SIZE=9',
    );
    expect(await (await platform.fetch('/function/settings')).json()).toEqual(['blue', 'correct horse', '9']);
    for (const kind of ['functions', 'revisions', 'pods'])
      expect((await platform.tsumugi('get', kind, '-o', 'yaml')).stdout).not.toContain('correct horse');
  });

  test('writes to its log with the id of the request', async () => {
    await platform.deploy('talker', 'export default (request) => { console.log("got", new URL(request.url).search); return "ok"; }');
    const response = await platform.fetch('/function/talker?one');
    const id = response.headers.get('x-request-id') ?? '';
    expect(await response.text()).toBe('ok');
    await eventually('the line is in the log', async () => (await platform.tsumugi('logs', 'talker')).stdout.includes(`[${id}] got ?one`));
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
  test('under load moves the traffic without a failed request', async () => {
    await platform.deploy('versioned', 'export default () => "1";');
    const seen = new Set<string>();
    const end = new AbortController();
    const load = Array.from({ length: 8 }, async () => {
      while (!end.signal.aborted) {
        const response = await platform.fetch('/function/versioned');
        seen.add(response.status === 200 ? await response.text() : `${response.status} ${await response.text()}`);
      }
    });
    await platform.deploy('versioned', 'export default () => "2";');
    await eventually('new requests get the new version', () => seen.has('2'));
    end.abort();
    await Promise.all(load);
    expect([...seen].toSorted()).toEqual(['1', '2']);
    expect(await (await platform.fetch('/function/versioned')).text()).toBe('2');
    expect((await platform.tsumugi('get', 'function', 'versioned', '-o', 'json')).stdout).toContain(
      '"latestReadyRevision": "versioned-00002"',
    );
  });

  test('that is the same makes no new revision', async () => {
    await platform.deploy('same', whoSource);
    await platform.deploy('same', whoSource);
    expect((await platform.tsumugi('get', 'revisions', '-o', 'name')).stdout.match(/\/same-/g)).toHaveLength(1);
  });

  test('that does not load leaves the traffic where it is', async () => {
    await platform.deploy('careful', 'export default () => "good";');
    expect(await (await platform.fetch('/function/careful')).text()).toBe('good');
    await expect(platform.deploy('careful', 'throw new Error("at load"); export default () => "bad";')).rejects.toThrow('at load');
    expect(await (await platform.fetch('/function/careful')).text()).toBe('good');
  });
});

describe('scale', () => {
  test('requests beyond the concurrency get more instances, at most as many as allowed; the rest wait', async () => {
    await platform.deploy(
      'slow',
      'export default async () => { await new Promise((r) => setTimeout(r, 500)); return String(process.pid); }',
      '--concurrency',
      '1',
      '--max-scale',
      '2',
    );
    const answers = await Promise.all(Array.from({ length: 4 }, () => platform.fetch('/function/slow')));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    const names = await Promise.all(answers.map((answer) => answer.text()));
    expect(names).toHaveLength(4);
    const pods = (await platform.tsumugi('get', 'pods', '-l', 'tsumugi.dev/function=slow', '-o', 'name')).stdout.trim().split('\n');
    expect(pods).toHaveLength(2);
  });

  test('an idle instance goes, and the next request gets a new one', async () => {
    await platform.deploy('sleepy', 'let n = 0; export default () => String(++n);', '--idle-timeout', '1');
    expect(await (await platform.fetch('/function/sleepy')).text()).toBe('1');
    await eventually(
      'the instance is gone',
      async () => (await platform.tsumugi('get', 'pods', '-l', 'tsumugi.dev/function=sleepy', '-o', 'name')).stdout === '',
      30,
    );
    expect(await (await platform.fetch('/function/sleepy')).text()).toBe('1');
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

  test('when it exits: 502, and the next request gets another instance', async () => {
    await platform.deploy('exiting', 'export default (request) => { if (request.url.endsWith("?exit")) process.exit(7); return "alive"; }');
    const response = await platform.fetch('/function/exiting?exit');
    expect(response.status).toBe(502);
    expect(await errorOf(response)).toMatchObject({ code: 'InstanceExited', revision: 'exiting-00001' });
    expect(await (await platform.fetch('/function/exiting')).text()).toBe('alive');
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

  test('when its source is wrong: deploy fails with file and line, and nothing is made', async () => {
    await expect(platform.deploy('wrong', 'export default () => {\n  return (;\n};')).rejects.toThrow(/wrong\.ts:2:\d+/);
    expect((await platform.fetch('/function/wrong')).status).toBe(404);
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
  await platform.deploy('ends-early', 'process.exit(4); export default () => 1;');
  await platform.deploy('grows', 'const kept = []; export default () => { for (;;) kept.push(Buffer.alloc(8e6, 1)); };');
  await Promise.all(['ends', 'ends-early', 'grows'].map((name) => platform.fetch(`/function/${name}`)));
  const lastLine = async (name: string): Promise<string | undefined> =>
    (await platform.tsumugi('logs', name)).stdout.trim().split('\n').at(-1);
  const soon = { timeout: 15_000 };
  await expect.poll(() => lastLine('ends'), soon).toBe('the process ended with exit code 7');
  await expect.poll(() => lastLine('ends-early'), soon).toBe('the process ended with exit code 4');
  await expect.poll(() => lastLine('grows'), soon).toBe('the process was ended: it was over its memory limit of 512Mi');
});
