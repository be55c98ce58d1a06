/** What `kubectl explain` reads: the same kinds, fields and types as a real server's, none of its texts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servedKinds } from '../../src/resources/kinds.ts';
import { findKubectl, Kubectl } from '../e2e/kubectl.ts';
import { readFile } from 'node:fs/promises';
import { openPair, type Pair } from './pair.ts';
import type { RawAnswer } from './raw.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const groups = [
  'api/v1',
  'apis/authentication.k8s.io/v1',
  'apis/authorization.k8s.io/v1',
  'apis/coordination.k8s.io/v1',
  'apis/tsumugi.dev/v1',
];

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
  readonly paths: Readonly<Record<string, unknown>>;
}

/** Rules, and what a CRD says beside the structure. */
const left = ['description', 'x-kubernetes-validations', 'x-kubernetes-selectable-fields', 'x-kubernetes-unions', 'anyOf'];

/** Without texts; without defaults that only say what Go's zero values are, and without the word that a map is one (granular is what all are). A reference is the same by itself and under `allOf`. */
function plain(schema: unknown, within = ''): unknown {
  if (Array.isArray(schema)) return schema.map((item) => plain(item));
  if (typeof schema !== 'object' || schema === null) return schema;
  const given = schema as Readonly<Record<string, unknown>>;
  if (within !== 'properties' && Array.isArray(given['allOf']) && given['allOf'].length === 1) return plain(given['allOf'][0]);
  const isZero = (value: unknown): boolean => value === '' || value === 0 || value === false || JSON.stringify(value) === '{}';
  return Object.fromEntries(
    Object.entries(given)
      .filter(
        ([key, value]) =>
          within === 'properties' ||
          !(
            left.includes(key) ||
            (key === 'x-kubernetes-map-type' && value === 'granular') ||
            (key === 'default' && (isZero(value) || '$ref' in given))
          ),
      )
      .map(([key, value]) => [key, plain(value, key)]),
  );
}

const texts = (value: unknown): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, item]) => (key === 'description' && typeof item === 'string' ? [item] : texts(item)))
    : [];

describe.runIf(path)('OpenAPI on a real API server and on ours', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await openPair(path as string);
  });
  afterAll(() => pair?.close());

  const document = ({ body }: RawAnswer): Document => body as Document;

  it.each(groups)('%s: the same schemas', async (group) => {
    const { theirs, mine } = await pair.ask({ path: `/openapi/v3/${group}` });
    const ours = Object.entries(document(mine).components.schemas).filter(([name]) => !name.endsWith('List'));
    expect(ours.length).toBeGreaterThan(3);
    for (const [name, schema] of ours) {
      // A real server lets anything stand where we say so; FieldsV1 is no more than an object there.
      const { 'x-kubernetes-preserve-unknown-fields': _, ...wanted } = plain(schema) as Record<string, unknown>;
      expect(wanted, name).toEqual(plain(document(theirs).components.schemas[name]));
    }
    expect(Object.keys(document(mine).paths).filter((each) => !Object.hasOwn(document(theirs).paths, each))).toEqual([]);
  });

  it('none of the texts of Kubernetes is ours', async () => {
    for (const group of groups.filter((each) => !each.includes('tsumugi'))) {
      const { theirs, mine } = await pair.ask({ path: `/openapi/v3/${group}` });
      const known = new Set(texts(document(theirs).components));
      expect(known.size).toBeGreaterThan(10);
      expect(texts(document(mine).components).filter((text) => known.has(text))).toEqual([]);
    }
  });

  it('a document is fetched once: by its hash, or with its ETag', async () => {
    interface Index {
      readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
    }
    const { theirs, mine } = await pair.ask({ path: '/openapi/v3' });
    const urls = [theirs, mine].map(({ body }) => (body as Index).paths['api/v1']?.serverRelativeURL ?? '') as [string, string];
    for (const url of urls) expect(url).toMatch(/^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{64,128}$/);
    const known = ['etag', 'cache-control', 'content-type', 'vary', 'location'];
    const said = async (of: (url: string, hash: string) => { path: string; headers?: Record<string, string> }): Promise<void> => {
      const answers = await Promise.all(
        urls.map(async (url, index) => {
          const hash = url.slice(url.indexOf('=') + 1);
          const answer = (await pair.ask(of(url, hash)))[index === 0 ? 'theirs' : 'mine'];
          const headers = known.map((name) => [name, String(answer.headers[name]).replaceAll(hash, 'HASH')]);
          return { status: answer.status, isEmpty: answer.text === '', headers };
        }),
      );
      expect(answers[1]).toEqual(answers[0]);
    };
    await said((url) => ({ path: url }));
    await said(() => ({ path: '/openapi/v3/api/v1' }));
    await said(() => ({ path: '/openapi/v3/api/v1?hash=OLD' }));
    await said((_, hash) => ({ path: '/openapi/v3/api/v1', headers: { 'if-none-match': `"${hash}"` } }));
    await said((url, hash) => ({ path: url, headers: { 'if-none-match': `"${hash}"` } }));
    await said(() => ({ path: '/openapi/v3/api/v1', headers: { accept: 'text/html' } }));
    await said(() => ({ path: '/openapi/v3/api/v9' }));
  });

  it('kubectl explains the same fields and types', { timeout: 120_000 }, async ({ skip }) => {
    const found = await findKubectl();
    skip('missing' in found, 'missing' in found ? found.missing : '');
    const program = 'path' in found ? found.path : '';
    const [real, ours] = [new Kubectl(program, await readFile(path as string, 'utf8')), new Kubectl(program, pair.api.kubeconfig)];
    /** Fields with their types, and values where there are only some. */
    const explained = async (kubectl: Kubectl, args: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await kubectl.run(['explain', ...args]);
      const said = stdout.replace(/^DESCRIPTION:\n[\s\S]*?(?=^FIELDS:|$(?![\s\S]))/m, '');
      return `${said
        .split('\n')
        .filter((line) => /^(\S| *\S+\t<| *enum: | {4}\w+$)/.test(line))
        .join('\n')}\n${stderr}`;
    };
    try {
      for (const kind of servedKinds) {
        const name = kind.group ? `${kind.plural}.${kind.group}` : kind.plural;
        expect(await explained(ours, [name, '--recursive'])).toBe(await explained(real, [name, '--recursive']));
      }
      for (const args of [
        ...['pod.spec.restartPolicy', 'pod.spec.containers', 'pod.metadata.creationTimestamp', 'pod.spec.nothing', 'nothing'].map(
          (each) => [each],
        ),
        ['leases', '--api-version=coordination.k8s.io/v1'],
        ['pod', '--api-version=v9'],
        ['functions.spec.scale'],
      ])
        expect(await explained(ours, args)).toBe(await explained(real, args));
    } finally {
      real.close();
      ours.close();
    }
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
