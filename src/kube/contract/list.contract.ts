import { beforeAll, describe, expect, it } from 'vitest';
import type { ListOptions } from '../client.ts';
import {
  type Bench,
  configMap,
  type ConfigMap,
  configMaps,
  failure,
  makeNamespace,
  namespaces,
  type Pod,
  pod,
  pods,
  refusal,
  type Secret,
  secrets,
  unique,
} from './bench.contract.ts';

export function listContract(bench: Bench): void {
  const namespace = unique('contract-list');
  const list = async (options: ListOptions): Promise<readonly string[]> =>
    (await bench.client.list<ConfigMap>(configMaps, { namespace, ...options })).items.map((item) => item.metadata.name);

  beforeAll(async () => {
    await makeNamespace(bench.client, namespace);
    const labels: Record<string, Record<string, string>> = {
      a: { app: 'one', tier: 'front' },
      b: { app: 'one' },
      c: { app: 'two', 'example.com/x': '' },
      d: {},
    };
    // In another order than they are listed.
    for (const name of ['c', 'a', 'd', 'b'])
      await bench.client.create(configMaps, configMap(namespace, name, { name }, { labels: { list: namespace, ...labels[name] } }));
    return () => bench.client.delete(namespaces, { name: namespace });
  });

  const mine = { labelSelector: 'list' };

  it('gives whole objects of the kind, in the order of their names, with the version of the state', async () => {
    const all = await bench.client.list<ConfigMap>(configMaps, { namespace, ...mine });
    expect(all.items.map((item) => item.metadata.name)).toEqual(['a', 'b', 'c', 'd']);
    expect(all.items[0]).toEqual(await bench.client.get(configMaps, { namespace, name: 'a' }));
    expect(Number(all.metadata.resourceVersion)).toBeGreaterThanOrEqual(
      Math.max(...all.items.map((item) => Number(item.metadata.resourceVersion))),
    );
  });

  it('spans all namespaces when none is named', async () => {
    const other = await bench.client.create(configMaps, configMap(bench.namespace, unique(), {}, { labels: { list: namespace } }));
    const all = await bench.client.list(configMaps, { labelSelector: `list=${namespace}` });
    expect(all.items.map((item) => `${item.metadata.namespace}/${item.metadata.name}`).toSorted()).toEqual(
      [...['a', 'b', 'c', 'd'].map((name) => `${namespace}/${name}`), `${bench.namespace}/${other.metadata.name}`].toSorted(),
    );
    await bench.client.delete(configMaps, { namespace: bench.namespace, name: other.metadata.name });
  });

  it('is empty, not an error, in a namespace that does not exist', async () => {
    expect((await bench.client.list(configMaps, { namespace: 'no-such-namespace' })).items).toEqual([]);
  });

  it.each([
    ['app=one', ['a', 'b']],
    ['app==one', ['a', 'b']],
    ['app!=one,list', ['c', 'd']],
    ['app in (one, two)', ['a', 'b', 'c']],
    ['app notin (one),list', ['c', 'd']],
    ['app', ['a', 'b', 'c']],
    ['!app,list', ['d']],
    ['app=one,tier=front', ['a']],
    ['example.com/x=', ['c']],
    ['app=three', []],
  ])('selects by labels: %s', async (labelSelector, names) => {
    expect(await list({ labelSelector })).toEqual(names);
  });

  it.each([
    ['metadata.name=b', ['b']],
    ['metadata.name!=b', ['a', 'c', 'd']],
    ['metadata.name=b,metadata.namespace=elsewhere', []],
  ])('selects by fields: %s', async (fieldSelector, names) => {
    expect(await list({ ...mine, fieldSelector })).toEqual(names);
  });

  it('selects pods by phase and node, and secrets by type', async () => {
    await bench.client.create<Pod>(pods, pod(namespace, 'waiting'));
    await bench.client.create<Pod>(pods, pod(namespace, 'placed', { nodeName: 'nowhere' }));
    const selected = async (fieldSelector: string): Promise<readonly string[]> =>
      (await bench.client.list(pods, { namespace, fieldSelector })).items.map((item) => item.metadata.name);
    expect(await selected('status.phase=Pending')).toEqual(['placed', 'waiting']);
    expect(await selected('status.phase!=Pending')).toEqual([]);
    expect(await selected('spec.nodeName=nowhere')).toEqual(['placed']);
    expect(await selected('spec.nodeName=')).toEqual(['waiting']);

    await bench.client.create<Secret>(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'typed', namespace },
      type: 'example.com/mine',
    });
    expect((await bench.client.list(secrets, { namespace, fieldSelector: 'type=example.com/mine' })).items).toHaveLength(1);
  });

  it('refuses selectors it does not understand', async () => {
    const wrong = (options: ListOptions): Promise<object> => refusal(bench.client.list(configMaps, { namespace, ...options }));
    expect(await wrong({ fieldSelector: 'spec.foo=1' })).toEqual(
      failure(400, 'BadRequest', '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"'),
    );
    expect(await wrong({ labelSelector: 'a in b' })).toEqual(
      failure(400, 'BadRequest', "unable to parse requirement: found 'b' expected: '('"),
    );
    expect(await wrong({ labelSelector: 'a=b c' })).toEqual(failure(400, 'BadRequest', "found 'c', expected: ',' or 'end of string'"));
  });

  describe('in pages', () => {
    it('shows one state, whatever happens between the pages', async () => {
      const first = await bench.client.list<ConfigMap>(configMaps, { namespace, labelSelector: 'list', limit: 2 });
      expect(first.items.map((item) => item.metadata.name)).toEqual(['a', 'b']);
      const token = first.metadata.continue;
      expect(token).toBeTruthy();
      await bench.client.create(configMaps, configMap(namespace, 'bb', {}, { labels: { list: namespace } }));
      await bench.client.patch(configMaps, { namespace, name: 'd' }, { type: 'merge', body: { data: { name: 'changed' } } });

      const second = await bench.client.list<ConfigMap>(configMaps, { namespace, labelSelector: 'list', limit: 2, continue: token ?? '' });
      expect(second.items.map((item) => `${item.metadata.name} ${item.data?.['name']}`)).toEqual(['c c', 'd d']);
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);

      // A selector hides what is left: there may be one more page, empty.
      const token3 = second.metadata.continue;
      const third = token3
        ? (await bench.client.list(configMaps, { namespace, labelSelector: 'list', limit: 2, continue: token3 })).items
        : [];
      expect(third).toEqual([]);
      await bench.client.delete(configMaps, { namespace, name: 'bb' });
    });

    it('says how many remain, but not where a selector makes that a guess', async () => {
      const { items } = await bench.client.list(configMaps, { namespace });
      const page = await bench.client.list(configMaps, { namespace, limit: 1 });
      expect(page.metadata.remainingItemCount).toBe(items.length - 1);
      expect(
        (await bench.client.list(configMaps, { namespace, limit: 1, labelSelector: 'list' })).metadata.remainingItemCount,
      ).toBeUndefined();
      const whole = await bench.client.list(configMaps, { namespace, limit: 100 });
      expect(whole.metadata.continue ?? '').toBe('');
      expect(whole.metadata.remainingItemCount).toBeUndefined();
    });

    it('refuses a token it did not give', async () => {
      const status = await refusal(bench.client.list(configMaps, { namespace, limit: 1, continue: 'nonsense' }));
      expect(status).toMatchObject({ code: 400, reason: 'BadRequest' });
      expect(status.message).toMatch(/^invalid continue token: /);
    });
  });
}
