import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { FrameType, INITIAL_CREDIT } from '../../wire/protocol.ts';
import { usePods } from './testing/pods.ts';

const newPod = usePods();
const big = Buffer.alloc(10 * 1024 * 1024, 'the quick brown fox ');
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a body of 10 MB', () => {
  test('goes through a handler that streams it back', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize('export default (request) => new Response(request.body, { headers: { "x-a": "b" } })');
    const call = client.start({}, false);
    await client.send(call, big);
    const reply = await call.reply();
    expect([reply.headers['x-a'], sha(reply.body)]).toEqual(['b', sha(big)]);
  });

  test('is read whole, in each way of reading', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      import { createHash } from 'node:crypto';
      export default async (request) => {
        const hash = createHash('sha256');
        switch (new URL(request.url).pathname) {
          case '/text': hash.update(await request.text()); break;
          case '/bytes': hash.update(await request.bytes()); break;
          case '/iterate': for await (const chunk of request.body) hash.update(chunk); break;
        }
        return hash.digest('hex');
      }`);
    for (const target of ['/text', '/bytes', '/iterate']) {
      const call = client.start({ target }, false);
      await client.send(call, big);
      expect((await call.reply()).body.toString(), target).toBe(sha(big));
    }
  });

  test('is answered from bytes, from text and from a stream', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      const big = Buffer.alloc(10 * 1024 * 1024, 'the quick brown fox ');
      const results = { bytes: () => big, text: () => big.toString(), response: () => new Response(big), blob: () => new Response(new Blob([big])),
        chunks: async function* () { for (let at = 0; at < big.length; at += 300_000) yield big.subarray(at, at + 300_000) } };
      export default (request) => results[new URL(request.url).pathname.slice(1)]()`);
    for (const target of ['/bytes', '/text', '/response', '/blob', '/chunks']) {
      expect(sha((await client.request({ target })).body), target).toBe(sha(big));
    }
  });
});

describe('back-pressure', () => {
  test('a client that grants nothing gets the window and no byte more; the handler waits', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      let made = 0;
      export default (request) => request.url.endsWith('made') ? made : (async function* () { for (let i = 0; i < 64; i++) { made++; yield new Uint8Array(64 * 1024); } })()`);
    const call = client.start({ holdCredit: true });
    await call.until(() => call.received === INITIAL_CREDIT);
    expect(Number(await client.text({ target: '/made' }))).toBeLessThanOrEqual(6);
    expect([call.received, call.ended]).toEqual([INITIAL_CREDIT, false]);
    client.grant(call, 100);
    await call.until(() => call.received === INITIAL_CREDIT + 100);
    client.grant(call, 64 * 64 * 1024);
    await call.reply();
    expect(call.received).toBe(64 * 64 * 1024);
  });

  test('a handler that does not read gives no credit, and one that reads does', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      let go; const gate = new Promise((resolve) => go = resolve);
      export default async (request) => {
        if (request.url.endsWith('go')) return go();
        await gate;
        return (await request.bytes()).length;
      }`);
    const call = client.start({}, false);
    const sent = client.send(call, big.subarray(0, 1_000_000));
    await call.until(() => call.credit === 0);
    await client.request({ target: '/go' });
    await sent;
    expect((await call.reply()).body.toString()).toBe('1000000');
  });

  test('a client that sends beyond its credit is cut off', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize('export default () => new Promise(() => {})');
    const call = client.start({}, false);
    for (let i = 0; i < 5; i++) client.connection.send(FrameType.DATA, 0, call.stream, big.subarray(0, 64 * 1024));
    await client.closed;
    expect(call.failed).toBe('closed');
  });
});

describe('a client that gives up', () => {
  test('is told to listeners as a part of its invocation: what they log has its id', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      export default (request, context) => new Promise((resolve) => {
        context.signal.addEventListener('abort', () => { console.log('gone:', context.requestId); resolve(''); });
        console.log('waiting');
      })`);
    const call = client.start({}, false);
    await pod.logged(/waiting/);
    client.abort(call);
    expect(await pod.logged(/gone/)).toMatch(/^\[(\S+)\] gone: \1$/m);
  });

  test('aborts the signals of context and request and the body, with the reason', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      const seen = [];
      export default async (request, context) => {
        if (request.url.endsWith('seen')) return seen;
        console.log('waiting');
        const reading = request.text().catch((error) => error.name);
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }));
        seen.push([context.signal.reason.name, request.signal.aborted, await reading]);
      }`);
    const first = client.start({}, false);
    await pod.logged(/waiting/);
    client.abort(first);
    const second = client.start({}, false);
    await pod.logged(/waiting[^]*waiting/);
    client.abort(second, 'Timeout');
    let seen: unknown[] = [];
    while (seen.length < 2) seen = JSON.parse(await client.text({ target: '/seen' })) as unknown[];
    expect(seen).toEqual([
      ['AbortError', true, 'AbortError'],
      ['TimeoutError', true, 'TimeoutError'],
    ]);
  });

  test('cancels the stream that answers it, even one that never speaks', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      const seen = [];
      export default (request) => {
        const path = new URL(request.url).pathname;
        if (path === '/seen') return seen;
        if (path === '/silent') return new ReadableStream({ cancel() { seen.push('silent') } });
        return (async function* () { try { for (;;) { yield 'a'; await new Promise((go) => setTimeout(go, 1)); } } finally { seen.push('chatty') } })();
      }`);
    const silent = client.start({ target: '/silent' });
    await silent.until(() => silent.status === 200);
    client.abort(silent);
    const chatty = client.start({ target: '/chatty' });
    await chatty.until(() => chatty.received > 0);
    client.abort(chatty);
    let seen: string[] = [];
    while (seen.length < 2) seen = JSON.parse(await client.text({ target: '/seen' })) as string[];
    expect(seen.sort()).toEqual(['chatty', 'silent']);
  });

  test('cannot end the instance with it, even if the code awaits nothing', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      export default async (request, { signal }) => {
        if (request.url.endsWith('alive')) return 'alive';
        const body = request.text();
        const late = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        console.log('waiting');
        if (request.url.endsWith('over')) return 'over';
        await new Promise(() => {});
      }`);
    const call = client.start({}, false);
    await pod.logged(/waiting/);
    client.abort(call);
    const over = client.start({ target: '/over' }, false);
    expect((await over.reply()).body.toString()).toBe('over');
    for (let i = 0; i < 5; i++) expect(await client.text({ target: '/alive' })).toBe('alive');
    expect(pod.child.exitCode).toBeNull();
  });

  test('by losing its connection, ends its invocations and no others', async () => {
    const pod = await newPod();
    const { client } = await pod.specialize(`
      let ended = 0;
      export default async (request, { signal }) => {
        if (request.url.endsWith('ended')) return ended;
        console.log('waiting');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        ended++;
      }`);
    const { client: other } = await pod.connect(`token-of-${pod.uid}`);
    other.start();
    const mine = client.start();
    await pod.logged(/waiting[^]*waiting/);
    other.close();
    let ended = '0';
    while (ended === '0') ended = await client.text({ target: '/ended' });
    expect([ended, mine.failed]).toEqual(['1', undefined]);
  });
});
