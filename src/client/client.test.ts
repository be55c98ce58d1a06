/** How a program finds its platform, and what it then sends: against a server that writes down what it is asked. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setIdentity } from '../sdk/identity.ts';
import { call, connect } from './index.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly authorization: string | undefined;
  readonly token: string | undefined;
}

/** A server that answers everything with the given JSON. */
async function listen(answer: object, status = 200): Promise<{ url: string; asked: Asked[]; close(): void }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({
        method,
        url,
        body,
        authorization: headers.authorization,
        token: headers['tsumugi-authorization'] as string | undefined,
      });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  servers.push(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close };
}

const servers: (() => void)[] = [];
const before = { ...process.env };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-client-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('TSUMUGI_')) delete process.env[name];
  process.env['HOME'] = folder;
  delete process.env['KUBECONFIG'];
});

afterEach(() => {
  for (const close of servers.splice(0)) close();
  rmSync(folder, { recursive: true });
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  setIdentity(undefined);
});

const list = { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [] };
const configMaps = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };

describe('a program finds its platform', () => {
  test('by an address and a token', async () => {
    const api = await listen(list);
    const platform = await connect({ api: `${api.url}/`, token: 'secret', platform: api.url, namespace: 'mine' });
    await platform.kube.list(configMaps, { namespace: platform.namespace });
    await platform.platform('/v1/anything');
    platform.close();
    expect(api.asked.map(({ url, authorization }) => [url, authorization])).toEqual([
      ['/api/v1/namespaces/mine/configmaps', 'Bearer secret'],
      ['/v1/anything', 'Bearer secret'],
    ]);
  });

  test('by the variables, with a token whose file is read again', async () => {
    const api = await listen(list);
    const tokenFile = join(folder, 'token');
    Object.assign(process.env, { TSUMUGI_API_URL: api.url, TSUMUGI_TOKEN_FILE: tokenFile, TSUMUGI_NAMESPACE: 'here' });
    writeFileSync(tokenFile, 'first\n');
    const platform = await connect();
    await platform.kube.list(configMaps, {});
    writeFileSync(tokenFile, 'second\n');
    await platform.kube.list(configMaps, {});
    platform.close();
    expect(platform.namespace).toBe('here');
    expect(api.asked.map(({ authorization }) => authorization)).toEqual(['Bearer first', 'Bearer second']);
  });

  test('by the identity of its function, whatever the machine has', async () => {
    const [api, gateway] = [await listen(list), await listen([5])];
    let renewed = 0;
    const listener = { url: api.url };
    setIdentity({
      kubernetes: listener,
      platform: listener,
      gateway: gateway.url,
      namespace: 'shop',
      token: (of) => `${of}-${++renewed}`,
    });
    process.env['TSUMUGI_DATA'] = folder;
    const platform = await connect();
    await platform.kube.list(configMaps, {});
    await platform.kube.list(configMaps, {});
    await platform.call('/call/x');
    platform.close();
    expect(platform.namespace).toBe('shop');
    expect(api.asked.map(({ authorization }) => authorization)).toEqual(['Bearer kubernetes-1', 'Bearer kubernetes-2']);
    expect(gateway.asked.map(({ token }) => token)).toEqual(['Bearer gateway-3']);
  });

  test('not at all in a function without permissions: the kubeconfig of the machine is not its own', async () => {
    mkdirSync(join(folder, '.kube'));
    writeFileSync(join(folder, '.kube', 'config'), 'current-context: a\n');
    process.env['TSUMUGI_FUNCTION'] = 'hello';
    await expect(connect()).rejects.toMatchObject({ code: 'Forbidden', hint: expect.stringContaining('permissions') });
  });

  test('and is told where none runs', async () => {
    process.env['TSUMUGI_DATA'] = folder;
    await expect(connect()).rejects.toMatchObject({ code: 'Unavailable', message: `no platform runs on ${folder}` });
    delete process.env['TSUMUGI_DATA'];
    await expect(connect({ kubeconfig: join(folder, 'none') })).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('and is told which address is missing, when it needs it', async () => {
    const platform = await connect({ api: 'https://127.0.0.1:1', token: 'x' });
    await expect(platform.call('/call/x')).rejects.toThrow('nobody said where the gateway of https://127.0.0.1:1 is');
    await expect(platform.platform('/v1/x')).rejects.toThrow('nobody said where the platform API of https://127.0.0.1:1 is');
  });
});

describe('call', () => {
  test('sends the arguments and answers the result', async () => {
    const gateway = await listen({ sum: 5 });
    Object.assign(process.env, { TSUMUGI_API_URL: 'http://127.0.0.1:1', TSUMUGI_TOKEN: 'mine', TSUMUGI_GATEWAY_URL: gateway.url });
    expect(await call('math.add', 2, [3], null)).toEqual({ sum: 5 });
    await call('math');
    await call('math.shop/add');
    expect(gateway.asked.map(({ method, url, body, token }) => [method, url, body, token])).toEqual([
      ['POST', '/call/math.default/add', '[2,[3],null]', 'Bearer mine'],
      ['POST', '/call/math.default', '[]', 'Bearer mine'],
      ['POST', '/call/math.shop/add', '[]', 'Bearer mine'],
    ]);
  });

  test.each(['', 'Math.add', 'math.add.more', 'a/b', '../x'])('refuses the name "%s"', async (name) => {
    await expect(call(name)).rejects.toMatchObject({ code: 'Invalid' });
  });
});
