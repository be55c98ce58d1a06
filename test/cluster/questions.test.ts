/** Who am I, what may I, whose token is this: ours answers as a real API server does. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Connection } from '../../src/kube/connection.ts';
import { serviceAccounts } from '../../src/resources/resources.ts';
import { type Asked, openPair, type Pair, steady } from './pair.ts';
import { rawRequest } from './raw.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const authentication = '/apis/authentication.k8s.io/v1';
const authorization = '/apis/authorization.k8s.io/v1';
const self = `${authentication}/selfsubjectreviews`;
const access = `${authorization}/selfsubjectaccessreviews`;
const rules = `${authorization}/selfsubjectrulesreviews`;
const reviews = `${authentication}/tokenreviews`;
const post = (url: string, body: object, what = ''): Asked & { readonly what: string } => ({ method: 'POST', path: url, body, what });

interface Said {
  readonly status?: { readonly userInfo?: { readonly extra?: object; readonly username?: string }; readonly token?: string };
}

describe.runIf(path)('questions to a real API server and to ours', () => {
  let pair: Pair;
  let account = '';

  beforeAll(async () => {
    pair = await openPair(path as string);
    account = `/api/v1/namespaces/${pair.namespace}/serviceaccounts/asker`;
    for (const client of [pair.client, pair.api.client])
      await client.create(serviceAccounts, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'asker', namespace: pair.namespace },
      });
  });
  afterAll(() => pair?.close());

  async function expectSame(asked: Asked): Promise<void> {
    const { theirs, mine } = await pair.ask(asked);
    expect({ status: mine.status, body: JSON.parse(steady(mine.text)) as unknown }).toEqual({
      status: theirs.status,
      body: JSON.parse(steady(theirs.text)) as unknown,
    });
  }

  it.each([
    post(`${self}?fieldValidation=Strict`, { foo: 1 }),
    post(`${authentication}/namespaces/default/selfsubjectreviews`, {}),
    post(`${self}/x`, {}),
    { path: self },
    { path: `${self}/x` },
    { method: 'DELETE', path: self },
    post(access, { spec: { resourceAttributes: { namespace: 'default', verb: 'get', resource: 'pods' } } }),
    post(access, { spec: { resourceAttributes: { verb: '*', group: '*', resource: '*' } } }),
    post(access, { spec: { nonResourceAttributes: { path: '/api', verb: 'get' } } }),
    post(access, {}),
    post(access, { spec: {} }),
    post(access, { spec: { resourceAttributes: {}, nonResourceAttributes: {} } }),
    post(access, { metadata: { name: 'a', labels: { b: 'c' } }, spec: { resourceAttributes: {} } }),
    post(access, { metadata: { namespace: 'q' }, spec: { resourceAttributes: {} } }),
    post(access, { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview' }),
    post(rules, {}),
    post(reviews, { spec: {} }),
    post(reviews, { spec: { token: 'x' } }),
    post(reviews, { spec: { token: 'a.b.c' } }),
  ])('$method $path $body', expectSame);

  interface Sent {
    readonly command: string;
    readonly request: string;
    readonly contentType: string;
    readonly accept: string;
    readonly body: string;
  }
  const recorded = JSON.parse(
    readFileSync(new URL('../../src/embedded/api/testing/kubectl-bodies.json', import.meta.url), 'utf8'),
  ) as Sent[];

  it.each(recorded.filter(({ command }) => /auth (can-i get|can-i create)|create (token|serviceaccount)/.test(command)))(
    'what kubectl sends is read: $command',
    async ({ request, contentType, accept, body }) => {
      const [method, url] = request.split(' ') as [string, string];
      const { theirs, mine } = await pair.ask({
        method,
        path: url.replace('/default/serviceaccounts/s2/', `/${pair.namespace}/serviceaccounts/asker/`),
        headers: { 'content-type': contentType, accept: accept.replace(/.*protobuf,/, ''), 'user-agent': 'kubectl/v1' },
        body: Buffer.from(body, 'base64'),
      });
      expect({ status: mine.status, body: JSON.parse(steady(mine.text)) as unknown }).toEqual({
        status: theirs.status,
        body: JSON.parse(steady(theirs.text)) as unknown,
      });
    },
  );

  it('tell who asks', async () => {
    const { theirs, mine } = await pair.ask(
      post(self, { metadata: { name: 'a', labels: { a: 'b' } }, status: { userInfo: { username: 'x' } } }),
    );
    const fields = (value: unknown): string[] =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([key, at]) => [key, ...fields(at).map((each) => `${key}.${each}`)])
        : [];
    const known = fields(theirs.body).filter((field) => !field.includes('extra'));
    expect(fields(mine.body).toSorted()).toEqual(known.toSorted());
    expect((mine.body as Said).status?.userInfo).toEqual({ username: 'admin', groups: ['system:masters', 'system:authenticated'] });
  });

  it('tell what one may', async () => {
    interface Rules {
      readonly status: { readonly resourceRules: object[]; readonly nonResourceRules: object[]; readonly incomplete: boolean };
    }
    const { theirs, mine } = await pair.ask(post(rules, { spec: { namespace: 'default' } }));
    const said = ({ body }: { body: unknown }): object => {
      const { resourceRules, nonResourceRules, incomplete } = (body as Rules).status;
      const sorted = (list: readonly object[]): string[] => list.map((each) => JSON.stringify(each)).toSorted();
      return {
        ...(body as object),
        status: { incomplete, resourceRules: sorted(resourceRules), nonResourceRules: sorted(nonResourceRules) },
      };
    };
    expect(said(mine)).toEqual(said(theirs));
  });

  it.each([
    {},
    { spec: {} },
    { spec: { audiences: ['tsumugi'] } },
    { spec: { audiences: ['tsumugi', 'b'], expirationSeconds: 600 } },
    { spec: { expirationSeconds: 599 } },
    { spec: { expirationSeconds: 2 ** 32 + 1 } },
    { metadata: { name: 'other' } },
    { metadata: { name: 'other' }, spec: { expirationSeconds: 1 } },
    { metadata: { namespace: 'other' } },
    { spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'absent' } } },
    { spec: { boundObjectRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'absent' } } },
    { spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 'absent', uid: 'x' } } },
    { apiVersion: 'v1', kind: 'Pod' },
    { spec: { audiences: 1 } },
    { spec: { nothing: 1 } },
  ])('a token by %j', async (body) => {
    await expectSame(post(`${account}/token`, body));
    await expectSame(post(`${account}/token?dryRun=All&fieldValidation=Strict&fieldManager=m`, body));
  });

  it.each([
    ['POST', 'absent/token'],
    ['GET', 'asker/token'],
    ['PUT', 'asker/token'],
    ['POST', 'asker/nothing'],
    ['POST', 'asker'],
  ])('%s …/serviceaccounts/%s', async (method, rest) => {
    await expectSame({
      method,
      path: account.replace('asker', rest),
      ...(method !== 'GET' && { body: { spec: { audiences: ['a'] } } }),
    });
  });

  it('a token is its account, and nobody else: who it is, what it may, until the account is gone', async () => {
    const { theirs, mine } = await pair.ask(post(`${account}/token`, {}));
    const claims = (token = ''): object => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
    const tokens = [theirs, mine].map(({ body }) => (body as Said).status?.token ?? '') as [string, string];
    expect(Object.keys(claims(tokens[1]))).toEqual(Object.keys(claims(tokens[0])));
    expect(steady(JSON.stringify({ ...claims(tokens[1]), exp: 0, iat: 0, nbf: 0 }))).toBe(
      steady(JSON.stringify({ ...claims(tokens[0]), exp: 0, iat: 0, nbf: 0 })),
    );

    const as = async (method: string, url: string, body?: object): Promise<unknown> => {
      const said = await Promise.all(
        [pair.theirs, pair.mine].map(async (connection, index) => {
          const holder: Connection = { ...connection, credentials: async () => ({ token: tokens[index] as string }) };
          const { status, text } = await rawRequest(holder, method, url, {}, body && JSON.stringify(body));
          // RBAC tells by which role.
          const said = steady(text).replace(/,"reason":"RBAC: allowed[^}]*"\}/, '}');
          return { status, body: JSON.parse(said) as unknown };
        }),
      );
      expect(said[1]).toEqual(said[0]);
      return said[0];
    };
    expect(await as('POST', self, {})).toMatchObject({ status: 201 });
    for (const [verb, resource] of [
      ['get', 'pods'],
      ['create', 'selfsubjectreviews'],
    ])
      await as('POST', access, { spec: { resourceAttributes: { verb, resource, group: 'authentication.k8s.io', namespace: 'default' } } });
    for (const [verb, url] of [
      ['get', '/api/v1'],
      ['post', '/api'],
      ['get', '/metrics'],
      ['get', '/livez/ping'],
      ['get', '/openapi/v3/api/v1'],
    ])
      await as('POST', access, { spec: { nonResourceAttributes: { verb, path: url } } });
    expect(await as('GET', '/api/v1/namespaces/default/pods')).toMatchObject({ status: 403 });
    expect(await as('POST', `${account}/token`, {})).toMatchObject({ status: 403 });
    expect(await as('POST', reviews, { spec: { token: 'x' } })).toMatchObject({ status: 403 });
    expect(await as('GET', '/metrics')).toMatchObject({ status: 403 });

    const review = async (audiences?: readonly string[]): Promise<void> => {
      const said = await Promise.all(
        [pair.theirs, pair.mine].map((connection, index) =>
          rawRequest(connection, 'POST', reviews, {}, JSON.stringify({ spec: { token: tokens[index], ...(audiences && { audiences }) } })),
        ),
      );
      const [there, here] = said.map(({ text }) => JSON.parse(steady(text)) as { status: { error?: string } });
      // Why a token is not for these audiences is a long story there.
      if (there?.status.error) expect(here?.status.error).toBeTruthy();
      else expect(here).toEqual(there);
    };
    await review();
    await review(['tsumugi']);

    for (const client of [pair.client, pair.api.client]) await client.delete(serviceAccounts, { name: 'asker', namespace: pair.namespace });
    await vi.waitFor(() => as('POST', self, {}).then((said) => expect(said).toMatchObject({ status: 401 })), { timeout: 20_000 });
  });

  it('each namespace has its account, again when it is deleted', async () => {
    const url = `/api/v1/namespaces/${pair.namespace}/serviceaccounts/default`;
    const there = (): Promise<void> => vi.waitFor(() => expectSame({ path: url }), { timeout: 10_000 });
    await there();
    for (const client of [pair.client, pair.api.client])
      await client.delete(serviceAccounts, { name: 'default', namespace: pair.namespace });
    await there();
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
