import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FrameType } from '../../wire/protocol.ts';
import { generateSigningKey, prepareSealing, sealSpecialize, signDrain, signHello } from '../../wire/seal.ts';
import { bundleHandler, makeTar } from './testing/package.ts';
import { claim, platform, type Pod, seal } from './testing/pod.ts';
import { usePods } from './testing/pods.ts';

const newPod = usePods();
const hello = async (): Promise<Buffer> => makeTar(await bundleHandler('export default () => "hello"'));
/** A handler that tells when it runs and waits until another request lets it go. */
const gated = `
  let open; const gate = new Promise((resolve) => open = resolve);
  export default async (request) => { if (request.url.endsWith('go')) return open(); console.log('started'); await gate; return 'done'; }`;

/** Specialises with a tar; the connection stays open. */
async function offer(pod: Pod, tar: Buffer, options: Parameters<typeof claim>[1] = {}, key = platform) {
  const { client, welcome } = await pod.connect();
  return { client, answer: await client.specialize(seal(claim(pod.uid, options), tar, welcome, key)) };
}

describe('the claim', () => {
  test('is taken once: the same again is fine, any other is refused', async () => {
    const pod = await newPod();
    expect((await pod.connect()).welcome).toMatchObject({ version: 1, pod: pod.uid, draining: false });
    expect((await pod.connect()).welcome.claim).toBeUndefined();
    const tar = await hello();
    const answers = await Promise.all([offer(pod, tar), offer(pod, tar), offer(pod, tar, { revisionUid: 'another' })]);
    expect(answers.filter(({ answer }) => answer.ok)).toHaveLength(2);
    expect((await offer(pod, tar)).answer).toEqual({ ok: true, exports: [] });
    expect((await offer(pod, tar, { epoch: 2 })).answer.error?.reason).toBe('claimed');
    expect((await pod.connect()).welcome.claim).toEqual({ revisionUid: 'revision-1', epoch: 1 });
  });

  test('must be signed by the platform for this pod', async () => {
    const pod = await newPod();
    const tar = await hello();
    expect((await offer(pod, tar, {}, generateSigningKey())).answer.error?.reason).toBe('refused');
    expect((await offer(pod, tar, { pod: 'another' })).answer.error?.reason).toBe('refused');
    expect((await offer(pod, tar)).answer.ok).toBe(true);
  });

  test('names its package: another one is refused, and the pod stays free', async () => {
    const pod = await newPod();
    const { client, welcome } = await pod.connect();
    const head = { ...claim(pod.uid), package: `sha256:${'0'.repeat(64)}` };
    const answer = await client.specialize(sealSpecialize(head, await hello(), prepareSealing(welcome.key), platform));
    expect(answer.error).toMatchObject({ reason: 'refused', message: expect.stringMatching(/the package is sha256:.*, not sha256:0000/) });
    expect((await offer(pod, await hello())).answer.ok).toBe(true);
  });

  test('is told to all other activators: when it is taken, and when its code is there', async () => {
    const pod = await newPod();
    const others = [(await pod.connect()).client, (await pod.connect()).client];
    const { client } = await offer(pod, await hello());
    for (const other of others) {
      const [taken, loaded] = [await other.frame(FrameType.WELCOME, 1), await other.frame(FrameType.WELCOME, 2)].map(String);
      const told = { claim: { revisionUid: 'revision-1', epoch: 1 }, draining: false };
      expect([JSON.parse(taken!), JSON.parse(loaded!)]).toMatchObject([
        { ...told, loaded: false },
        { ...told, loaded: true },
      ]);
    }
    expect((await pod.connect()).welcome).toMatchObject({ loaded: true });
    // Whose claim it is has the answer.
    expect(client.seen.filter(({ type }) => type === FrameType.WELCOME)).toHaveLength(1);
  });

  test('whose code cannot be loaded is told, too: nothing more comes of that pod', async () => {
    const pod = await newPod();
    const { client: other } = await pod.connect();
    expect((await offer(pod, makeTar({ 'handler.mjs': 'throw 1' }))).answer.ok).toBe(false);
    expect(JSON.parse((await other.frame(FrameType.WELCOME, 2)).toString())).toMatchObject({ loaded: false, draining: true });
  });

  test('extracts the whole package into the working folder', async () => {
    const pod = await newPod();
    const files = {
      ...(await bundleHandler('import { readFileSync } from "node:fs"; export default () => readFileSync("data/deep/a.txt", "utf8")')),
      'data/deep/a.txt': 'asset',
    };
    const { answer } = await offer(pod, makeTar(files));
    expect(answer.ok).toBe(true);
    const { client } = await pod.connect(`token-of-${pod.uid}`);
    expect(await client.text()).toBe('asset');
    expect(readFileSync(join(pod.work, 'data/deep/a.txt'), 'utf8')).toBe('asset');
  });
});

describe('code that cannot be loaded', () => {
  const broken: [name: string, source: string | Record<string, string>, handler: string, message: RegExp][] = [
    ['a syntax error', { 'handler.mjs': 'export default () => {\n  let x = ;\n}' }, '', /SyntaxError: Unexpected token ';'/],
    [
      'a throw at load',
      'interface A {}\nfunction setUp() {\n  throw new Error("no database");\n}\nsetUp();\nexport default () => 1',
      '',
      /Error: no database/,
    ],
    ['a missing import', { 'handler.mjs': "import 'nowhere'; export default 1" }, '', /nowhere/],
    ['no handler.mjs', { 'other.mjs': '' }, '', /handler\.mjs/],
    [
      'a default that is no function',
      'export default { a: 1 }; export const b = () => 1',
      '',
      /default export is no function but a value of type object.*"b"/,
    ],
    ['no function at all', 'export const a = 5', '', /default export is missing.*exports "a"/],
    ['nothing exported', 'globalThis.x = 1', '', /exports nothing/],
    ['a handler that is not exported', 'export const a = () => 1', 'main', /export "main" is missing.*"a"/],
    ['a file outside', { '../evil.txt': 'x' }, '', /outside/],
  ];
  for (const [name, source, handler, message] of broken) {
    test(`${name} is told as such`, async () => {
      const pod = await newPod();
      const files = typeof source === 'string' ? await bundleHandler(source) : source;
      const { answer } = await offer(pod, makeTar(files), { handler });
      expect(answer).toMatchObject({ ok: false, error: { reason: 'load', message: expect.stringMatching(message) as string } });
      await pod.logged(/cannot be loaded/);
    });
  }

  test('shows the lines of the source', async () => {
    const pod = await newPod();
    const { answer } = await offer(
      pod,
      makeTar(
        await bundleHandler('interface A {}\nfunction setUp() {\n  throw new Error("no database");\n}\nsetUp();\nexport default () => 1'),
      ),
    );
    expect(answer.error?.stack).toMatch(/setUp.*hello\.ts:3:/);
  });

  test('shows where the syntax is broken', async () => {
    const pod = await newPod();
    const { answer } = await offer(pod, makeTar({ 'handler.mjs': 'export default () => {\n  let x = ;\n}' }));
    expect(answer.error?.stack).toMatch(/handler\.mjs:2/);
  });
});

describe('a gateway that comes while the code is being loaded', () => {
  /** Waits at its top level until a file is there. */
  const slow = (end: string): string => `
    import { existsSync } from 'node:fs';
    while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5));
    ${end}
    export default () => 'hello';`;

  async function loading(end: string) {
    const pod = await newPod();
    const { client: activator, welcome } = await pod.connect();
    const answer = activator.specialize(seal(claim(pod.uid), makeTar(await bundleHandler(slow(end))), welcome));
    await expect.poll(async () => (await pod.connect()).welcome.claim).toBeDefined();
    let greeted = false;
    const gateway = pod.connect(`token-of-${pod.uid}`).finally(() => (greeted = true));
    gateway.catch(() => undefined);
    await pod.connect();
    expect(greeted).toBe(false);
    writeFileSync(join(pod.work, 'go'), '');
    return { answer, gateway };
  }

  test('is greeted when it can be served', async () => {
    const { answer, gateway } = await loading('');
    expect(await (await gateway).client.text()).toBe('hello');
    expect((await answer).ok).toBe(true);
  });

  test('is sent away when it cannot', async () => {
    const { answer, gateway } = await loading('throw new Error("no");');
    await expect(gateway).rejects.toThrow('closed');
    expect((await answer).ok).toBe(false);
  });
});

describe('who may ask', () => {
  test('a wrong token is sent away, and without one nothing is invoked', async () => {
    const pod = await newPod();
    await pod.specialize('export default () => "hello"');
    await expect(pod.connect('wrong')).rejects.toThrow('closed');
    const { client } = await pod.connect();
    await expect(client.request()).rejects.toThrow('Unauthorized');
  });

  test('an activator is the platform, and means this pod', async () => {
    const pod = await newPod();
    for (const hello of [signHello('another', platform), signHello(pod.uid, generateSigningKey()), Buffer.from('{"signature":"AAAA"}')])
      await expect(pod.connect(hello)).rejects.toThrow('closed');
    expect((await pod.connect(signHello(pod.uid, platform))).welcome.pod).toBe(pod.uid);
  });

  test('a generic pod knows no token', async () => {
    const pod = await newPod();
    await expect(pod.connect('')).rejects.toThrow('closed');
  });

  test('another version is told so', async () => {
    const pod = await newPod();
    const { client } = await pod.connect();
    client.connection.flushNow();
    client.connection.socket.write(Buffer.from([0, 0, 0, 0, 99, 12, 0, 0, 0, 0, 0, 0]));
    expect((await client.frame(FrameType.GOAWAY)).toString()).toBe('version');
    await client.closed;
  });
});

describe('concurrency', () => {
  test('beyond it the answer is BUSY, before any handler runs', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(gated, { concurrency: 2 });
    const calls = [client.start(), client.start(), client.start()];
    await calls[2]!.until(() => calls[2]!.failed === 'busy');
    expect([calls[0]!.failed, calls[1]!.failed]).toEqual([undefined, undefined]);
    await pod.logged(/started[^]*started/);
    client.abort(calls[0]!);
    // Given up by its client, but its handler still runs: the place is not free.
    await expect(client.request()).rejects.toThrow('busy');
  });

  test('a free place is taken again', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize('export default async () => { await null; return "x" }', { concurrency: 1 });
    for (let i = 0; i < 5; i++) expect(await client.text()).toBe('x');
  });

  test('ACCEPTED names a request before its handler starts, even when that kills the process', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize('export default () => process.kill(process.pid, "SIGKILL")');
    const call = client.start();
    await client.closed;
    expect([client.accepted, call.failed]).toEqual([call.stream, 'closed']);
  });
});

describe('a pod for one request', () => {
  test('takes no second one, not even while it lives, and exits when it has answered', async () => {
    const pod = await newPod();
    const { client, activator } = await pod.specialize('export default () => "the one";', { once: true, concurrency: 1 });
    const goodbye = activator.frame(FrameType.GOAWAY);
    const [first, second] = [client.start(), client.start()];
    await expect(first.reply()).resolves.toMatchObject({ status: 200 });
    await second.until(() => second.failed === 'busy');
    expect((await goodbye).toString()).toBe('it serves one request');
    expect(await pod.exited).toEqual({ code: 0, signal: null });
  });

  test('is of no more use when its caller goes away: it takes no work, and exits when the handler ends', async () => {
    const pod = await newPod();
    const { client, activator } = await pod.specialize(
      'export default (_, { signal }) => new Promise((done) => signal.addEventListener("abort", () => setTimeout(done, 50)));',
      { once: true, concurrency: 1 },
    );
    const goodbye = activator.frame(FrameType.GOAWAY);
    const call = client.start();
    await client.frame(FrameType.ACCEPTED);
    client.abort(call);
    await goodbye;
    expect(await pod.exited).toEqual({ code: 0, signal: null });
  });
});

describe('the end', () => {
  test('an idle pod drains when told by the platform, and exits', async () => {
    const pod = await newPod();
    const { activator, client } = await pod.specialize('export default () => "hello"');
    expect(await client.text()).toBe('hello');
    expect(await activator.drain(signDrain(pod.uid, 3_600_000, platform))).toEqual({ drained: false, active: 0 });
    expect(await client.text()).toBe('hello');
    expect(await activator.drain(signDrain(pod.uid, 0, platform))).toEqual({ drained: true, active: 0 });
    expect((await client.frame(FrameType.GOAWAY)).toString()).toBe('idle');
    expect(await pod.exited).toEqual({ code: 0, signal: null });
  });

  test('a drain that nobody signed changes nothing', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize('export default () => "hello"');
    const { client: forger } = await pod.connect();
    await expect(forger.drain(signDrain(pod.uid, 0, generateSigningKey()))).rejects.toThrow('closed');
    expect(await client.text()).toBe('hello');
  });

  test('SIGTERM: no new work, what runs is finished and answered, exit 0', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(gated);
    const call = client.start();
    await pod.logged(/started/);
    pod.child.kill('SIGTERM');
    expect((await client.frame(FrameType.GOAWAY)).toString()).toBe('stopping');
    await expect(client.request()).rejects.toThrow('busy');
    expect(call.failed).toBeUndefined();
    expect(pod.child.exitCode).toBeNull();
  });

  test('SIGTERM: the last answer is delivered before the process ends', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(
      `export default async () => { console.log('started'); await new Promise((go) => process.once('SIGTERM', () => setTimeout(go, 20))); return 'x'.repeat(1_000_000) }`,
    );
    const call = client.start();
    await pod.logged(/started/);
    pod.child.kill('SIGTERM');
    expect((await call.reply()).body.length).toBe(1_000_000);
    expect(await pod.exited).toEqual({ code: 0, signal: null });
  });

  test('SIGTERM ends a blank pod', async () => {
    const pod = await newPod();
    pod.child.kill('SIGTERM');
    expect(await pod.exited).toEqual({ code: 0, signal: null });
  });

  test('the end of the life-line is the end, whatever runs and whatever would rather stay', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`process.on('exit', () => { for (;;); }); ${gated}`);
    client.start();
    await pod.logged(/started/);
    pod.lifeline.end();
    expect((await pod.exited).signal).toBe('SIGKILL');
  });

  for (const [name, source, says] of [
    [
      'an error that nobody catches',
      'export default () => { setTimeout(() => { throw new Error("lost") }); return new Promise(() => {}) }',
      /thrown and nobody caught.*lost[^]*hello\.ts:1/,
    ],
    [
      'a rejection that nobody catches',
      'export default () => { void Promise.reject(new Error("lost")); return new Promise(() => {}) }',
      /rejected and nobody caught.*lost/,
    ],
  ] as const) {
    test(`${name} ends the pod with exit code 1 and its stack in the log`, async () => {
      const pod = await newPod();
      const { client } = await pod.specialize(source);
      const call = client.start({ requestId: 'deadly' });
      expect(await pod.exited).toEqual({ code: 1, signal: null });
      await client.closed;
      expect(call.failed).toBe('closed');
      expect(pod.log()).toMatch(says);
    });
  }

  test('process.exit in user code ends the pod with that code', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize('export default () => process.exit(7)');
    const call = client.start();
    expect(await pod.exited).toEqual({ code: 7, signal: null });
    await client.closed;
    expect([client.accepted, call.failed]).toEqual([1, 'closed']);
  });
});

test('an activator hears STATS when something has changed', async () => {
  const pod = await newPod();
  const { client, activator } = await pod.specialize('export default () => "hello"');
  await client.text();
  await client.text();
  const stats = JSON.parse((await activator.frame(FrameType.STATS)).toString()) as { active: number; served: number; idleMs: number };
  expect(stats).toMatchObject({ active: 0, served: 2 });
  expect(stats.idleMs).toBeGreaterThan(0);
});
