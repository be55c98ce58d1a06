/** `tsumugi controller` and `tsumugi gateway` where what they need is away: they wait, say so, and end when they are told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, expect, test } from 'vitest';
import { cleanEnv, cleanUp, eventually, temporaryFolder, tsumugi } from './platform.ts';

const children = new Set<ChildProcess>();

/** Its log entries until one has all these fields; those of that entry. */
async function start(args: readonly string[], ...fields: string[]): Promise<{ child: ChildProcess; said: Record<string, string> }> {
  const child = spawn(process.execPath, [resolve('bin/tsumugi.js'), ...args], { env: cleanEnv(), stdio: ['ignore', 'ignore', 'pipe'] });
  children.add(child);
  const said: Record<string, string> = {};
  await new Promise<void>((found, failed) => {
    const lines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      Object.assign(said, line.startsWith('{') ? JSON.parse(line) : {});
      if (fields.every((field) => said[field] !== undefined)) found();
    });
    child.once('close', (code) => failed(new Error(`ended with ${code}: ${lines.join('\n')}`)));
  });
  return { child, said };
}

const end = (child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done(child.exitCode);
    child.once('close', done);
    child.kill(signal);
  });

const get = (url: string): Promise<Response> => fetch(url, { headers: { connection: 'close' } });

afterEach(async () => {
  await Promise.all([...children].map((child) => end(child, 'SIGKILL')));
  children.clear();
});
afterAll(cleanUp);

test('a controller whose API server is away is alive, not ready and says why; SIGTERM ends it', async () => {
  const kubeconfig = join(temporaryFolder(), 'kubeconfig');
  const parts = {
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
    contexts: [{ name: 'c', context: { cluster: 'c' } }],
  };
  writeFileSync(kubeconfig, JSON.stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'c', ...parts }));
  const flags = ['--kubeconfig', kubeconfig, '--host', '127.0.0.1', '--platform-port', '0', '--metrics-port', '0'];
  const { child, said } = await start(['controller', ...flags], 'metrics', 'retryMs');
  const base = said['metrics']?.replace('/metrics', '') ?? '';
  expect((await get(`${base}/healthz`)).status).toBe(200);
  const ready = await get(`${base}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toContain('ECONNREFUSED 127.0.0.1:1');
  expect(await end(child, 'SIGTERM')).toBe(0);
});

test('a gateway without controllers is alive and not ready; SIGTERM ends it', async () => {
  const credentials = join(temporaryFolder(), 'credentials');
  mkdirSync(credentials);
  writeFileSync(join(credentials, 'token'), 'secret');
  writeFileSync(join(credentials, 'ca.crt'), '');
  const flags = [
    '--platform',
    'https://127.0.0.1:1',
    '--credentials',
    credentials,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--metrics-port',
    '0',
  ];
  const { child, said } = await start(['gateway', ...flags], 'gateway');
  await eventually('it is alive', async () => (await get(`${said['gateway']}/healthz`)).status === 200);
  expect((await get(`${said['gateway']}/readyz`)).status).toBe(503);
  expect(await end(child, 'SIGTERM')).toBe(0);
});

test('a wrong setting is one clear error', async () => {
  expect(await tsumugi(['gateway', '--platform', 'http://x'])).toMatchObject({
    code: 2,
    stderr: 'error: --platform (or TSUMUGI_PLATFORM) is "http://x"\n hint: allowed: https://HOST:PORT, with commas between several\n',
  });
  const { code, stderr } = await tsumugi(['controller'], { env: { TSUMUGI_IMAGES: 'tsumugi/other=x' } });
  expect(code).toBe(2);
  expect(stderr).toContain('--images (or TSUMUGI_IMAGES) is "tsumugi/other=x"');
});
