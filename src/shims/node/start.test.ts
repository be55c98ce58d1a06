import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makePackage } from '../../build/package.ts';
import { signHello } from '../../wire/seal.ts';
import { Client } from './testing/client.ts';
import { bundleHandler } from './testing/package.ts';
import { bundleShim, claim, platform, seal } from './testing/pod.ts';
import { usePods } from './testing/pods.ts';

const newPod = usePods();

test('on Kubernetes the variables say who it is, and it listens on TCP', async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const cwd = mkdtempSync(join(tmpdir(), 'tsumugi-start-'));
  const env = { TSUMUGI_POD_UID: 'pod-k', TSUMUGI_LISTEN: `tcp:127.0.0.1:${port}`, TSUMUGI_PUBLIC_KEY: platform.publicKey };
  const child = spawn(process.execPath, [await bundleShim()], { cwd, env, stdio: 'inherit' });
  const exited = once(child, 'exit');
  try {
    const dial = async (): Promise<Client> => {
      for (;;) {
        const socket = connect(port, '127.0.0.1');
        const ready = await new Promise<boolean>((resolve) =>
          socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
        );
        if (ready) return new Client(socket);
        await new Promise((go) => setTimeout(go, 10));
      }
    };
    const activator = await dial();
    const welcome = await activator.hello(signHello('pod-k', platform));
    const head = claim('pod-k');
    const files = Object.entries(await bundleHandler('export default () => "from TCP"')).map(([name, text]) => [name, Buffer.from(text)]);
    const { bytes: tar } = makePackage(Object.fromEntries(files) as Record<string, Buffer>, { formatVersion: 1, exports: ['default'] });
    expect(await activator.specialize(seal(head, tar, welcome))).toEqual({ ok: true, exports: [] });
    const client = await dial();
    await client.hello(head.token);
    expect(await client.text()).toBe('from TCP');
    activator.close();
    client.close();
  } finally {
    child.kill('SIGTERM');
    await exited;
    rmSync(cwd, { recursive: true });
  }
  expect(child.exitCode).toBe(0);
});

test('outside of a pod it says what it needs', async () => {
  const child = spawn(process.execPath, [await bundleShim()], { env: {}, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  expect([code, said]).toEqual([2, expect.stringContaining('TSUMUGI_LIFELINE')]);
});

test("Node's own web classes are not loaded until somebody needs them", async () => {
  const pod = await newPod();
  const { client } = await pod.specialize(`export default async (request) => {
    const before = process.moduleLoadList.filter((name) => name.includes('undici') || name.includes('webstreams/readablestream'));
    const body = await request.json();
    const answer = Response.json({ before, body, host: request.headers.get('host'), isOurs: request instanceof Request, url: new URL(request.url).pathname });
    if (request.url.endsWith('load')) answer.headers.set('x-form', [...await new Response('a=b', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }).formData()].join());
    return answer;
  }`);
  const options = { body: '{"a":1}', headers: { host: 'h' }, target: '/x' };
  expect(JSON.parse(await client.text(options))).toEqual({ before: [], body: { a: 1 }, host: 'h', isOurs: true, url: '/x' });
  expect(JSON.parse(await client.text(options))).toMatchObject({ before: [] });
  expect((await client.request({ ...options, target: '/load' })).headers['x-form']).toBe('a,b');
  expect((JSON.parse(await client.text(options)) as { before: string[] }).before.length).toBeGreaterThan(0);
});
