/** Who code is, and what it may: tokens of functions with permissions, tried where they are worth something and where they are not. */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/kube/connection.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { readPlatformFile } from '../../src/client/data-folder.ts';
import { rawRequest } from '../cluster/raw.ts';
import { cleanUp, eventually, startPlatform, type TestPlatform } from './platform.ts';

let platform: TestPlatform;
let api: Connection;
let platformApi: Connection;

type Of = 'gateway' | 'platform' | 'kubernetes';
type TokensOf = Readonly<Record<Of, string>>;

/** Hands out what it has, as no function should. */
const source = `export default async (request, context) => {
  const identity = globalThis[Symbol.for('tsumugi.identity')];
  return {
    tokens: identity && Object.fromEntries(['gateway', 'platform', 'kubernetes'].map((of) => [of, identity.token(of)])),
    credentials: await context.credentials().catch((error) => error.code + ': ' + error.message),
    secrets: Object.entries(process.env).filter(([, value]) => /^ey[\\w-]+\\./.test(value)),
  };
};
export const whoami = () => 'me';`;

interface Told {
  readonly tokens?: TokensOf;
  readonly credentials: string | { readonly authorization: string };
  readonly secrets: readonly unknown[];
}

const told = async (name: string): Promise<Told> => (await (await platform.fetch(`/function/${name}`)).json()) as Told;
const tokensOf = async (name: string): Promise<TokensOf> => (await told(name)).tokens ?? expect.unreachable(`${name} has no tokens`);
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** Status and body of a request with this token. */
async function ask(
  where: Connection,
  token: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: unknown }> {
  const headers = { 'content-type': 'application/json' };
  return rawRequest({ ...where, credentials: async () => ({ token }) }, method, path, headers, body && JSON.stringify(body));
}
const may = async (token: string, method: string, path: string, body?: object): Promise<number> =>
  (await ask(api, token, method, path, body)).status;
const stored = async (token: string, namespace = 'default'): Promise<number> =>
  (await ask(platformApi, token, 'GET', `/v1/namespaces/${namespace}/store`)).status;
const guarded = async (token: string): Promise<number> => (await platform.fetch('/guarded', { headers: bearer(token) })).status;

const configMap = (name: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
const inNamespace = (namespace: string, kind: string): string => `/api/v1/namespaces/${namespace}/${kind}`;

beforeAll(async () => {
  platform = await startPlatform();
  api = await loadConnection({ path: platform.kubeconfig });
  platformApi = { ...api, server: readPlatformFile(platform.data)?.platform ?? '' };
  const { status } = await ask(api, (await api.credentials()).token ?? '', 'POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'other' },
  });
  expect(status).toBe(201);
  await platform.deploy('keeper', source, '--permission', 'store');
  await platform.deploy('manager', source, '--permission', 'configmaps', '--permission', 'jobs');
  await platform.deploy('stranger', source, '--permission', 'store', '--permission', 'configmaps', '-n', 'other');
  await platform.deploy('nobody', source);
  await platform.deploy('target', 'export default (request) => Object.fromEntries(request.headers);');
  await platform.deploy('private', source, '--visibility', 'private');
  const route = await platform.tsumugi('route', 'create', 'guarded', '--function', 'target', '--path', '/guarded', '--auth', 'token');
  expect(route).toMatchObject({ code: 0 });
  await eventually('the route is there', async () => (await platform.fetch('/guarded')).status === 401);
});
afterAll(cleanUp);

describe('a function without permissions', () => {
  test('has no identity, and no token anywhere', async () => {
    expect(await told('nobody')).toEqual({ credentials: expect.stringMatching(/^Forbidden: .*no identity/), secrets: [] });
    const accounts = await ask(api, (await api.credentials()).token ?? '', 'GET', inNamespace('default', 'serviceaccounts'));
    const names = (accounts.body as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name);
    expect(names.toSorted()).toEqual(['default', 'tsumugi-function-keeper', 'tsumugi-function-manager']);
  });

  test('cannot connect to the platform', async () => {
    const program = `import { connect } from 'tsumugi/client';
      export default async () => connect().then(() => 'connected', (error) => error.code + ': ' + error.hint);`;
    await platform.deploy('climber', program);
    expect(await (await platform.fetch('/function/climber')).text()).toMatch(/^Forbidden: .*permissions/);
  });
});

describe('context.credentials()', () => {
  test('open a Route that asks for a token, which the function behind it does not see', async () => {
    const { credentials } = await told('keeper');
    const answer = await platform.fetch('/guarded', { headers: credentials as Record<string, string> });
    expect([answer.status, await answer.json()]).toEqual([200, expect.not.objectContaining({ authorization: expect.anything() })]);
    const refused = await platform.fetch('/guarded');
    expect([refused.status, await refused.json()]).toEqual([
      401,
      { error: expect.objectContaining({ code: 'Unauthorized', hint: expect.stringContaining('credentials()') }) },
    ]);
  });

  test('open private functions and calls of their namespace, and nothing of another', async () => {
    const [ours, theirs] = [(await tokensOf('keeper')).gateway, (await tokensOf('stranger.other')).gateway];
    const call = async (token: string): Promise<[number, number]> => [
      (await platform.fetch('/function/private', { headers: bearer(token) })).status,
      (await platform.fetch('/call/private/whoami', { method: 'POST', body: '[]', headers: bearer(token) })).status,
    ];
    expect(await call(ours)).toEqual([200, 200]);
    expect(await call(theirs)).toEqual([403, 403]);
    expect(await guarded(theirs)).toBe(403);
  });

  test('of `kubectl create token --audience tsumugi/gateway` do the same', async () => {
    const admin = (await api.credentials()).token ?? '';
    const request = async (audiences?: readonly string[]): Promise<string> => {
      const { body } = await ask(api, admin, 'POST', inNamespace('default', 'serviceaccounts/default/token'), {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 600, ...(audiences && { audiences }) },
      });
      return (body as { status: { token: string } }).status.token;
    };
    expect(await guarded(await request(['tsumugi/gateway']))).toBe(200);
    for (const audiences of [undefined, ['tsumugi'], ['another']]) expect(await guarded(await request(audiences))).toBe(401);
  });
});

describe('a token', () => {
  test('is worth something to the one that it was made for, and to nobody else', async () => {
    const { gateway, platform: store, kubernetes } = await tokensOf('manager');
    const keeper = await tokensOf('keeper');
    const list = inNamespace('default', 'configmaps');
    expect(await Promise.all([gateway, store, kubernetes].map((token) => may(token, 'GET', list)))).toEqual([401, 401, 200]);
    expect(await Promise.all([keeper.gateway, keeper.platform].map((token) => stored(token)))).toEqual([401, 200]);
    expect(await Promise.all([gateway, store, kubernetes].map((token) => guarded(token)))).toEqual([200, 401, 401]);
    // Who manages nothing has none for the Kubernetes API.
    expect(keeper.kubernetes).toBeUndefined();
  });

  /** The token with other claims, signed by whoever has the key. */
  function forged(token: string, key: string, change: (claims: Record<string, unknown>) => void): string {
    const [head = '', body = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    change(claims);
    const signed = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    const signature = sign('sha256', Buffer.from(signed), { key: createPrivateKey(key), dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }
  const own = (): string => readFileSync(join(platform.data, 'pki', 'service-account.key'), 'utf8');
  const another = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  const none = (token: string): string => {
    const [, body = ''] = token.split('.');
    return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.AA`;
  };

  test.each<readonly [string, number, (token: string) => string]>([
    ['signed again with the platform’s key', 200, (token) => forged(token, own(), () => {})],
    ['that has ended', 401, (token) => forged(token, own(), (claims) => (claims['exp'] = Date.now() / 1000 - 1))],
    ['that begins later', 401, (token) => forged(token, own(), (claims) => (claims['nbf'] = Date.now() / 1000 + 600))],
    ['for another audience', 401, (token) => forged(token, own(), (claims) => (claims['aud'] = ['another']))],
    ['of another issuer', 401, (token) => forged(token, own(), (claims) => (claims['iss'] = 'https://evil.example'))],
    ['signed with another key', 401, (token) => forged(token, another, () => {})],
    ['that is not signed', 401, none],
    ['whose signature was cut', 401, (token) => token.slice(0, -4)],
    ['whose claims were changed', 401, (token) => token.replace(/\.(...)/, '.eyJ0')],
  ])('%s gets %i everywhere', async (_, wanted, change) => {
    const { gateway, platform: store } = await tokensOf('keeper');
    const { kubernetes } = await tokensOf('manager');
    expect(await guarded(change(gateway))).toBe(wanted);
    expect(await stored(change(store))).toBe(wanted);
    expect(await may(change(kubernetes), 'GET', inNamespace('default', 'configmaps'))).toBe(wanted);
  });
});

/** The status of a GET whose path nobody tidies up on the way. */
function asWritten(path: string, token: string): Promise<number> {
  const { hostname, port } = new URL(platformApi.server);
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path, headers: bearer(token), agent: false, ...(api.ca !== undefined && { ca: api.ca }) };
    const asked = request(options, (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)));
    asked.on('error', reject).end();
  });
}

describe('a function may', () => {
  test('manage what it declares in its namespace, and nothing else', async () => {
    const { kubernetes } = await tokensOf('manager');
    expect(await may(kubernetes, 'POST', inNamespace('default', 'configmaps'), configMap('made-by-code'))).toBe(201);
    expect(await may(kubernetes, 'DELETE', inNamespace('default', 'configmaps/made-by-code'))).toBe(200);
    const refused: [string, string, object?][] = [
      ['GET', inNamespace('other', 'configmaps')],
      ['POST', inNamespace('other', 'configmaps'), configMap('x')],
      ['GET', '/api/v1/configmaps'],
      ['GET', inNamespace('default', 'secrets')],
      ['GET', inNamespace('default', 'serviceaccounts')],
      [
        'POST',
        inNamespace('default', 'serviceaccounts/default/token'),
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
      ],
      [
        'POST',
        inNamespace('default', 'pods'),
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { containers: [{ name: 'x', image: 'host' }] } },
      ],
      ['DELETE', inNamespace('default', 'pods')],
      ['GET', '/apis/tsumugi.dev/v1/namespaces/default/functions'],
      ['DELETE', '/apis/tsumugi.dev/v1/namespaces/default/functions/manager'],
      ['GET', '/api/v1/namespaces'],
      ['GET', '/api/v1/nodes'],
    ];
    expect(await Promise.all(refused.map(async ([method, path, body]) => [path, await may(kubernetes, method, path, body)]))).toEqual(
      refused.map(([, path]) => [path, 403]),
    );
    expect((await ask(api, kubernetes, 'GET', inNamespace('default', 'secrets'))).body).toMatchObject({
      message: expect.stringContaining('User "system:serviceaccount:default:tsumugi-function-manager" cannot list resource "secrets"'),
    });
  });

  test('use the store of its namespace alone, and nothing else of the platform API, however the path is written', async () => {
    const { platform: token } = await tokensOf('keeper');
    expect(await stored(token)).toBe(200);
    const paths = [
      '/v1/namespaces/other/store',
      '/v1/namespaces/default/store/../../other/store',
      '/v1/namespaces/default/store/%2e%2e/%2e%2e/other/store',
      '/v1/namespaces/default%2f..%2fother/store',
      '/v1/namespaces/default/functions/keeper/logs',
      '/v1/projection',
      '/v1/namespaces/default/store/../../../activate',
    ];
    expect(await Promise.all(paths.map(async (path) => [path, await asWritten(path, token)]))).toEqual(paths.map((path) => [path, 403]));
    expect(await stored((await tokensOf('manager')).platform)).toBe(403);
  });

  test('do so with tsumugi/client, which finds out by itself who it is', async () => {
    const program = `import { connect } from 'tsumugi/client';
      const configMaps = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
      const secrets = { ...configMaps, plural: 'secrets', kind: 'Secret' };
      export default async () => {
        const { kube, namespace } = await connect();
        const made = await kube.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'by-client', namespace }, data: { a: 'b' } });
        const refused = await kube.list(secrets, { namespace }).then(() => 'may', (error) => error.status?.reason ?? error.message);
        await kube.delete(configMaps, { name: 'by-client', namespace });
        return [namespace, made.data, refused];
      };`;
    await platform.deploy('client', program, '--permission', 'configmaps');
    expect(await (await platform.fetch('/function/client')).json()).toEqual(['default', { a: 'b' }, 'Forbidden']);
  });
});

test('what is taken away is worth nothing soon after, for tokens that are out, too', async () => {
  await platform.deploy('fallen', source, '--permission', 'store', '--permission', 'configmaps');
  const tokens = await tokensOf('fallen');
  const worth = async (): Promise<readonly number[]> => [
    await may(tokens.kubernetes, 'GET', inNamespace('default', 'configmaps')),
    await stored(tokens.platform),
    await guarded(tokens.gateway),
  ];
  expect(await worth()).toEqual([200, 200, 200]);
  await platform.deploy('fallen', source, '--permission', 'none', '--permission', 'emit');
  await eventually('it has less', async () => (await worth()).join() === '403,403,200', 40);
  await platform.deploy('fallen', source, '--permission', 'none');
  await eventually('it is nobody', async () => (await worth()).join() === '401,401,401', 40);
}, 90_000);

test('with a function its account goes', async () => {
  await platform.deploy('gone', source, '--permission', 'store');
  const { gateway } = await tokensOf('gone');
  expect(await guarded(gateway)).toBe(200);
  expect(await platform.tsumugi('delete', 'fn', 'gone')).toMatchObject({ code: 0 });
  await eventually('its token opens nothing', async () => (await guarded(gateway)) === 401, 40);
}, 60_000);

test('a restarted platform takes the tokens that are out', async () => {
  const tokens = await tokensOf('keeper');
  process.kill(platform.processes().controlPlane, 'SIGKILL');
  await eventually('it answers again', async () => (await stored(tokens.platform).catch(() => 0)) === 200, 30);
  expect(await guarded(tokens.gateway)).toBe(200);
});

describe('a job with permissions', () => {
  test('gives its containers tokens that open what it declares, in its namespace alone', async () => {
    const script =
      'trap "exit 0" TERM; cd $TSUMUGI_IDENTITY; for file in gateway kubernetes platform; do cat $file; echo; done; ls; while :; do sleep 0.1; done';
    const flags = ['--image', 'host', '--permission', 'store', '--permission', 'configmaps'];
    const made = await platform.tsumugi('job', 'create', 'worker', ...flags, '--', '/bin/sh', '-c', script);
    expect(made).toMatchObject({ code: 0 });
    await platform.tsumugi('job', 'run', 'worker', '--name', 'worker-1');
    let said: readonly string[] = [];
    await eventually('it has said all', async () => {
      said = (await platform.tsumugi('task', 'logs', 'worker-1/0')).stdout.trim().split('\n');
      return said.length === 8;
    });
    const [gateway = '', kubernetes = '', store = '', ...files] = said;
    expect(files).toEqual(['gateway', 'kubernetes', 'kubernetes-ca.crt', 'platform', 'platform-ca.crt']);
    expect([await stored(store), await stored(store, 'other'), await stored(gateway), await stored(kubernetes)]).toEqual([
      200, 403, 401, 401,
    ]);
    expect([await guarded(gateway), await guarded(store)]).toEqual([200, 401]);
    const create = (namespace: string): Promise<number> =>
      may(kubernetes, 'POST', inNamespace(namespace, 'configmaps'), configMap(`of-a-job-${namespace}`));
    expect([await create('default'), await create('other')]).toEqual([201, 403]);
    expect(await may(kubernetes, 'GET', inNamespace('default', 'secrets'))).toBe(403);

    await platform.tsumugi('job', 'update', 'worker', '--permission', 'none', '--permission', 'store');
    await eventually(
      'what is taken away is refused',
      async () => (await may(kubernetes, 'GET', inNamespace('default', 'configmaps'))) === 403,
    );
    await platform.tsumugi('execution', 'cancel', 'worker-1');
    await eventually(
      'with its pod its tokens end',
      async () => (await may(kubernetes, 'GET', inNamespace('default', 'configmaps'))) === 401,
    );
    await platform.tsumugi('job', 'delete', 'worker');
    const account = inNamespace('default', 'serviceaccounts/tsumugi-job-worker');
    const admin = (await api.credentials()).token ?? '';
    await eventually('its account goes with it', async () => (await may(admin, 'GET', account)) === 404);
  }, 60_000);

  test('has a container, and no account of another name', async () => {
    const refused = async (...flags: readonly string[]): Promise<string> =>
      (await platform.tsumugi('job', 'create', 'refused', ...flags, '--permission', 'store')).stderr;
    expect(await refused('--function', 'target')).toContain('`permissions` are for `containers`');
    expect(await refused('--image', 'host', '--permission', 'everything')).toContain('--permission is "everything"');
  });
});
