/** What a client accepts and sends: a real API server and ours agree on type, form and refusal. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Asked, openPair, type Pair } from './pair.ts';
import type { RawAnswer } from './raw.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const meta = (as: string, version = 'v1', group = 'meta.k8s.io'): string => `application/json;as=${as};v=${version};g=${group}`;
const discovery = (version: string): string => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

interface Body {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly message?: string;
  readonly reason?: string;
}

/** What is compared: which type, what in it, why not. */
function shown({ status, headers, text }: RawAnswer): object {
  const type = headers['content-type'];
  const isText = typeof type === 'string' && type.startsWith('text/');
  const { kind, apiVersion, message, reason } = isText || text === '' ? ({} as Body) : (parse(text.split('\n{')[0] ?? '') as Body);
  return { status, type, kind, apiVersion, message, reason, pretty: status < 300 && text.startsWith('{\n') };
}

describe.runIf(path)('what clients accept and send, at a real API server and at ours', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await openPair(path as string);
  });
  afterAll(() => pair?.close());

  async function expectSame({ headers, ...asked }: Asked): Promise<void> {
    const { theirs, mine } = await pair.ask({ ...asked, headers: { 'user-agent': 'test/1', ...headers } });
    expect(shown(mine)).toEqual(shown(theirs));
  }

  const one = '/api/v1/namespaces/default';
  const list = '/api/v1/namespaces';
  const ours = '/apis/tsumugi.dev/v1/runtimes';
  const bodyOf = (accept: string): readonly [string, string][] => [one, list, ours].map((url) => [url, accept]);

  it.each([
    ...bodyOf('application/json'),
    ...bodyOf('application/yaml'),
    ...bodyOf('text/html'),
    ...bodyOf('*/*'),
    ...bodyOf('text/html, */*;q=0.5'),
    ...bodyOf('application/*'),
    ...bodyOf('application/json;q=0.1, application/yaml;q=0.2'),
    ...bodyOf('*/*;q=0.1, application/yaml'),
    ...bodyOf(''),
    ...bodyOf('gibberish;;;'),
    ...bodyOf('APPLICATION/JSON'),
    ...bodyOf('application/json;pretty=1'),
    ...bodyOf(meta('Table')),
    ...bodyOf(meta('Table', 'v1beta1')),
    ...bodyOf(meta('Table', 'v2')),
    ...bodyOf(meta('Table', 'v1', 'other')),
    ...bodyOf(`${meta('Table', 'v2')},application/json`),
    ...bodyOf('application/json;as=Table'),
    ...bodyOf('application/json;v=v1;g=meta.k8s.io'),
    ...bodyOf('application/yaml;as=Table;v=v1;g=meta.k8s.io'),
    ...bodyOf(meta('Other')),
    [one, meta('PartialObjectMetadata')],
    [one, meta('PartialObjectMetadataList')],
    [list, meta('PartialObjectMetadata')],
    [list, meta('PartialObjectMetadataList')],
    [`${list}/absent`, 'application/yaml'],
    [`${list}/absent`, meta('Table')],
    [`${list}?watch=1&timeoutSeconds=1`, 'application/yaml'],
    [`${list}?watch=1&timeoutSeconds=1`, 'text/html'],
    [`${ours}?watch=1&timeoutSeconds=1`, 'application/yaml'],
    ['/version', 'text/html'],
    ['/version', 'application/yaml'],
    ['/version', '*/*'],
    ['/healthz', 'text/html'],
    ...['/api', '/apis', '/api/v1', '/apis/coordination.k8s.io', '/apis/coordination.k8s.io/v1', '/apis/tsumugi.dev/v1'].flatMap((url) =>
      ['application/json', 'application/yaml', 'text/html', '*/*', ''].map((accept): [string, string] => [url, accept]),
    ),
    ['/api', discovery('v2')],
    ['/apis', discovery('v2')],
    ['/apis', discovery('v3')],
    ['/apis', `${discovery('v2')},${discovery('v2beta1')},application/json`],
    ['/apis', `${discovery('v9')},application/json`],
    ['/api/v1', discovery('v2')],
  ])('GET %s as %s', async (url, accept) => expectSame({ path: url, headers: { accept } }));

  it.each([
    ['curl/8', ''],
    ['curl/8', '?pretty=false'],
    ['test/1', '?pretty=true'],
    ['test/1', '?pretty=0'],
    ['Mozilla/5.0 x', ''],
    ['Wget/1', ''],
  ])('%s gets it pretty or not: %j', async (agent, query) => expectSame({ path: one + query, headers: { 'user-agent': agent } }));

  it.each(['HEAD', 'OPTIONS', 'POST', 'DELETE', 'PUT'])('%s where nobody takes it', async (method) => {
    for (const url of ['/api', '/version', '/apis/coordination.k8s.io/v1']) await expectSame({ method, path: url });
  });

  it.each([
    'text/plain',
    'application/json;charset=utf-8',
    'APPLICATION/json',
    'application/vnd.kubernetes.protobuf',
    'application/yaml',
    '',
  ])('a body of type %j', async (type) => {
    const headers = { 'content-type': type };
    await expectSame({ method: 'POST', path: '/api/v1/namespaces/default/configmaps?dryRun=All', headers, body: '{}' });
    // There it ends the connection: a handler that panics.
    if (type.includes('protobuf')) return;
    await expectSame({ method: 'POST', path: `${ours}?dryRun=All`, headers, body: '{"apiVersion":"tsumugi.dev/v1"}' });
  });

  it('a created object comes in the form that is asked for', async () => {
    const body = { metadata: { name: 'made' } };
    for (const accept of ['application/yaml', meta('Table'), meta('PartialObjectMetadata'), 'text/html'])
      await expectSame({ method: 'POST', path: '/api/v1/namespaces/default/configmaps?dryRun=All', headers: { accept }, body });
  });

  it('YAML says what JSON says', async () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tricky', namespace: pair.namespace } };
    const data = {
      a: 'yes',
      b: '1',
      c: 'null',
      d: '2026-01-01',
      e: 'x: y',
      f: 'a\nb\n',
      g: '',
      h: ' ',
      i: '紬',
      j: '0x1f',
      k: '"',
      l: '~',
    };
    const asked = { method: 'POST', path: `/api/v1/namespaces/${pair.namespace}/configmaps`, body: { ...object, data } };
    await pair.ask(asked);
    const { theirs, mine } = await pair.ask({ path: `${asked.path}/tricky`, headers: { accept: 'application/yaml' } });
    for (const { text } of [theirs, mine]) expect((parse(text, { version: '1.1' }) as { data: object }).data).toEqual(data);
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
