import { connect } from 'node:http2';
import { createServer as createTcp } from 'node:net';
import { request } from 'node:https';
import { afterEach, expect, test } from 'vitest';
import { TsumugiError } from '../base/errors.ts';
import { makeAuthority, makeServerCertificate } from '../base/authority.ts';
import { servePlatformApi, type PlatformServer } from './platform-server.ts';

const ca = makeAuthority();
let server: PlatformServer | undefined;
afterEach(() => server?.close());

type Options = Parameters<typeof servePlatformApi>[0];

async function serve(
  handler: Options['handler'] = (_, response) => response.end('{}'),
  authenticate: Options['authenticate'] = async () => undefined,
): Promise<number> {
  server = await servePlatformApi({
    handler,
    host: '127.0.0.1',
    port: 0,
    tls: makeServerCertificate(ca.key, ['localhost']),
    tokens: [
      { token: 'of-a-gateway', roles: ['gateway'] },
      { token: 'of-a-user', roles: ['user'] },
    ],
    authenticate,
    hint: 'look there',
  });
  return server.port;
}

/** The status, once all of the answer is there; undefined when the connection broke. */
function ask(port: number, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({ host: '127.0.0.1', servername: 'localhost', port, path, headers, ca: ca.cert, agent: false }, (answer) => {
      answer.resume();
      answer.on('error', () => resolve(undefined)).on('end', () => resolve(answer.statusCode));
    });
    outgoing.on('error', () => resolve(undefined)).end();
  });
}

/** The same over HTTP/2. */
async function askHttp2(port: number, path: string, headers: Record<string, string>): Promise<number | undefined> {
  const session = connect(`https://127.0.0.1:${port}`, { ca: ca.cert, servername: 'localhost' });
  try {
    return await new Promise((resolve) => {
      session.on('error', () => resolve(undefined));
      const stream = session.request({ ':path': path, ...headers });
      let status: number | undefined;
      stream.on('response', (head) => (status = head[':status'])).resume();
      stream.on('error', () => resolve(undefined)).on('aborted', () => resolve(undefined));
      stream.on('end', () => resolve(status));
    });
  } finally {
    session.destroy();
  }
}

test('each token opens what its role needs, in either header', async () => {
  const port = await serve();
  const gateway = { authorization: 'Bearer of-a-gateway' };
  const user = { authorization: 'Basic from a proxy', 'tsumugi-authorization': 'Bearer of-a-user' };
  const logs = '/v1/namespaces/default/functions/f/logs?tail=1';
  for (const path of ['/v1/projection', '/v1/activate', '/v1/instances/x/end']) {
    expect(await ask(port, path, gateway), path).toBe(200);
    expect(await ask(port, path, user), path).toBe(403);
  }
  for (const path of ['/v1/packages', logs]) {
    expect(await ask(port, path, user), path).toBe(200);
    expect(await ask(port, path, gateway), path).toBe(403);
  }
  for (const headers of [
    {},
    { authorization: 'Bearer another' },
    { authorization: 'Bearer of-a-user', 'tsumugi-authorization': 'Bearer another' },
  ])
    expect(await ask(port, logs, headers)).toBe(401);
  expect(await askHttp2(port, logs, { authorization: 'Bearer of-a-user' })).toBe(200);
  expect(await askHttp2(port, logs, gateway)).toBe(403);
  expect(await askHttp2(port, logs, {})).toBe(401);
});

test('a path is what endpoints make of it, however it is written', async () => {
  const port = await serve();
  const written = ['/v1/packages/../activate', '/v1/packages/%2e%2e/activate', '/v1/./activate', '//host/v1/packages/../activate'];
  const statuses = (token: string): Promise<(number | undefined)[]> =>
    Promise.all(written.map((path) => ask(port, path, { authorization: `Bearer ${token}` })));
  expect(await statuses('of-a-user')).toEqual([403, 403, 403, 403]);
  expect(await statuses('of-a-gateway')).toEqual([200, 200, 200, 200]);
});

test('a token that is none of its own is asked for, and opens what its code may call', async () => {
  const account = { namespace: 'shop', name: 'tsumugi-function-f' };
  const port = await serve(undefined, async (token) => {
    if (token === 'of-nobody') return undefined;
    if (token === 'of-one-who-cannot-be-asked') throw new TsumugiError('Unavailable', 'the API server is away');
    return { ...account, ...(token === 'of-a-keeper' && { permissions: { store: true } }) };
  });
  const status = (token: string, path: string): Promise<number | undefined> => ask(port, path, { authorization: `Bearer ${token}` });
  expect(await status('of-nobody', '/v1/namespaces/shop/store')).toBe(401);
  expect(await status('of-one-who-cannot-be-asked', '/v1/namespaces/shop/store')).toBe(503);
  expect(await status('of-a-stranger', '/v1/namespaces/shop/store')).toBe(403);
  expect(await status('of-a-keeper', '/v1/namespaces/shop/store/entry?key=k')).toBe(200);
  for (const path of ['/v1/namespaces/other/store', '/v1/namespaces/shop/stores', '/v1/packages', '/v1/activate', '/v1/tokens/review'])
    expect(await status('of-a-keeper', path), path).toBe(403);
});

test.each([
  ['HTTP/1.1', ask],
  ['HTTP/2', askHttp2],
])('at its end it finishes what is asked over %s, and ends only streams', async (_, asked) => {
  const arrived = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  let open = 0;
  const port = await serve((incoming, response) => {
    response.writeHead(200).flushHeaders();
    if (++open === 2) arrived.resolve();
    if (incoming.url === '/v1/activate') void finish.promise.then(() => response.end());
  });
  const headers = { authorization: 'Bearer of-a-gateway' };
  const stream = asked(port, '/v1/projection', headers);
  const activation = asked(port, '/v1/activate', headers);
  await arrived.promise;
  const closed = server?.close(10_000);
  expect(await stream).toBeUndefined();
  finish.resolve();
  expect(await activation).toBe(200);
  await closed;
  // The port is free.
  const next = createTcp();
  await new Promise<void>((resolve, reject) => next.once('error', reject).listen(port, '127.0.0.1', resolve));
  await new Promise((resolve) => next.close(resolve));
  server = undefined;
});
