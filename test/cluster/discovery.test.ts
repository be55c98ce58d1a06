/** Discovery: what we serve is told in the words of a real API server, in all its forms. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPair, type Pair } from './pair.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface Subresource {
  readonly subresource: string;
}
interface Discovered {
  readonly resource: string;
  readonly verbs: readonly string[];
  readonly subresources?: readonly Subresource[];
}
interface Groups {
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly { readonly version: string; readonly freshness: string; readonly resources: readonly Discovered[] }[];
  }[];
}
interface Listed {
  readonly name: string;
  readonly verbs: readonly string[];
}

/** Services can only be looked for here. */
const readOnly = (name: string): boolean => name === 'services' || name.startsWith('services/');
const readable = (verbs: readonly string[]): readonly string[] => verbs.filter((verb) => ['get', 'list', 'watch'].includes(verb));

describe.runIf(path)('discovery on a real API server and on ours', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await openPair(path as string);
  });
  afterAll(() => pair?.close());

  it.each(['/api', '/apis'])('%s, all in one answer', async (root) => {
    const { theirs, mine } = await pair.ask({ path: root, headers: { accept: aggregated } });
    const [there, here] = [theirs.body as Groups, mine.body as Groups];
    expect({ ...here, items: [] }).toEqual({ ...there, items: [] });
    expect(here.items.length).toBe(root === '/api' ? 1 : 6);
    for (const { metadata, versions } of here.items) {
      const group = there.items.find((each) => each.metadata.name === metadata.name);
      for (const { version, freshness, resources } of versions) {
        const found = group?.versions.find((each) => each.version === version);
        expect(freshness).toBe(found?.freshness);
        for (const resource of resources) {
          const known = found?.resources.find((each) => each.resource === resource.resource);
          const { subresources: ofKnown = [], ...wanted } = known as Discovered;
          const { subresources = [], ...own } = resource;
          const isReadOnly = readOnly(resource.resource);
          expect(own).toEqual(isReadOnly ? { ...wanted, verbs: readable(wanted.verbs) } : wanted);
          if (isReadOnly) continue;
          const names = subresources.map((each) => each.subresource);
          expect(subresources).toEqual(ofKnown.filter((each) => names.includes(each.subresource)));
        }
      }
    }
    // What order decides: whose kind a bare name means.
    const names = there.items.map((each) => each.metadata.name);
    const order = here.items.map((each) => names.indexOf(each.metadata.name));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it.each([
    '/api/v1',
    '/apis/authentication.k8s.io/v1',
    '/apis/authorization.k8s.io/v1',
    '/apis/coordination.k8s.io/v1',
    '/apis/tsumugi.dev/v1',
  ])('%s by itself', async (root) => {
    const { theirs, mine } = await pair.ask({ path: root });
    const [there, here] = [theirs.body, mine.body] as [{ resources: Listed[] }, { resources: Listed[] }];
    expect({ ...here, resources: [] }).toEqual({ ...there, resources: [] });
    const names = here.resources.map(({ name }) => name);
    const known = there.resources.filter(({ name }) => names.includes(name));
    const shown = known.map((each) => (readOnly(each.name) ? { ...each, verbs: readable(each.verbs) } : each));
    const byName = (a: Listed, b: Listed): number => (a.name < b.name ? -1 : 1);
    expect(here.resources.toSorted(byName)).toEqual(shown.toSorted(byName));
  });

  it.each(['/api', '/apis/coordination.k8s.io', '/apis/tsumugi.dev', '/apis/authentication.k8s.io'])('%s: its versions', async (root) => {
    const { theirs, mine } = await pair.ask({ path: root });
    const address = (text: string): string => text.replace(/127\.0\.0\.1:\d+/, 'ADDRESS');
    expect(JSON.parse(address(mine.text))).toEqual(JSON.parse(address(theirs.text)));
  });

  it('who has it is told so; another form is another answer', async () => {
    for (const root of ['/api', '/apis']) {
      const first = await pair.ask({ path: root, headers: { accept: aggregated } });
      for (const whose of ['theirs', 'mine'] as const) {
        const etag = String(first[whose].headers['etag']);
        const again = (await pair.ask({ path: root, headers: { accept: aggregated, 'if-none-match': etag } }))[whose];
        expect([again.status, again.text, again.headers['etag']]).toEqual([304, '', etag]);
        const other = (await pair.ask({ path: root, headers: { 'if-none-match': etag } }))[whose];
        expect([other.status, other.headers['etag']]).toEqual([200, undefined]);
      }
      const headers = ['cache-control', 'vary', 'content-type'].map((name) => first.mine.headers[name]);
      expect(headers).toEqual(['cache-control', 'vary', 'content-type'].map((name) => first.theirs.headers[name]));
    }
  });

  it.each(['/healthz', '/livez/ping', '/readyz/etcd', '/livez/nothing', '/readyz/'])('health: %s', async (root) => {
    const { theirs, mine } = await pair.ask({ path: root });
    expect({ status: mine.status, text: mine.status === 200 ? mine.text : '' }).toEqual({
      status: theirs.status,
      text: theirs.status === 200 ? theirs.text : '',
    });
  });

  it('the root and the verbose health name what is there', async () => {
    const root = await pair.ask({ path: '/' });
    const known = (root.theirs.body as { paths: string[] }).paths;
    const named = (root.mine.body as { paths: string[] }).paths;
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((each) => !known.includes(each))).toEqual([]);
    const verbose = await pair.ask({ path: '/livez?verbose' });
    for (const line of verbose.mine.text.split('\n')) expect(verbose.theirs.text.split('\n')).toContain(line);
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
