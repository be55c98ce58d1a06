import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { nameSuffix } from '../../base/ids.ts';
import { kindFor } from '../../resources/kinds.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { KubeObject } from '../../resources/object.ts';
import { admin, anonymous } from './authorize.ts';
import { encodeContinue } from './continue.ts';
import type { Call } from './core.ts';
import { objectOf } from './rows.ts';
import { openBench } from './testing/bench.ts';
import type { ApiBench } from './testing/bench.ts';
import type { WatchItem } from './watch-hub.ts';

const configMaps = kindFor('', 'v1', 'configmaps') as KindDefinition;
const pods = kindFor('', 'v1', 'pods') as KindDefinition;
const namespaces = kindFor('', 'v1', 'namespaces') as KindDefinition;
const functions = kindFor('tsumugi.dev', 'v1', 'functions') as KindDefinition;

let bench: ApiBench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

function call(kind: KindDefinition, name = '', more: Partial<Call> = {}): Call {
  return { user: admin, kind, namespace: kind.namespaced ? 'default' : '', name, subresource: '', warn: () => {}, ...more };
}

interface PodLike extends KubeObject {
  readonly spec: object;
  readonly status?: { readonly phase?: string };
}

const unique = (): string => `t-${nameSuffix(8)}`;

async function make(kind: KindDefinition, object: object): Promise<KubeObject> {
  return objectOf(await bench.api.server.create(call(kind), object, {}));
}

describe('every verb', () => {
  it('passes the gate first', async () => {
    const { server } = bench.api;
    const outside = call(configMaps, 'x', { user: anonymous });
    const refused = {
      status: {
        code: 403,
        message:
          'configmaps "x" is forbidden: User "system:anonymous" cannot get resource "configmaps" in API group "" in the namespace "default"',
      },
    };
    await expect(server.get(outside)).rejects.toMatchObject(refused);
    const all = [
      server.list(outside, {}),
      server.create(outside, {}, {}),
      server.update(outside, {}, {}),
      server.patch(outside, { type: 'merge', body: {} }, {}),
      server.delete(outside, {}),
      server.deleteCollection(outside, {}, {}),
    ];
    for (const asked of await Promise.allSettled(all))
      expect(asked).toMatchObject({ status: 'rejected', reason: { status: { reason: 'Forbidden' } } });
    expect(() => server.watch(outside, {})).toThrow('cannot watch resource "configmaps"');
  });
});

describe('objects', () => {
  it('are frozen and shared by those who read the same version', async () => {
    const name = unique();
    await bench.api.client.create<KubeObject & { data: object }>(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default' },
      data: { a: '1' },
    });
    const object = await bench.api.client.get<KubeObject & { data: object }>(configMaps, { namespace: 'default', name });
    expect(Object.isFrozen(object) && Object.isFrozen(object.metadata) && Object.isFrozen(object.data)).toBe(true);
  });

  it('share with their earlier versions what a write left as it was, and only that', async () => {
    const { client } = bench.api;
    const key = { namespace: 'default', name: unique() };
    const containers = [{ name: 'a', image: 'host', command: ['true'] }];
    const made = (await client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: key,
      spec: { containers },
    } as KubeObject)) as PodLike;
    const labelled = await client.patch<PodLike>(pods, key, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } });
    const status = { phase: 'Running', nonsense: 1, conditions: [{ type: 'Ready', status: 'True', reason: null, more: 2 }] };
    const told = await client.patch<PodLike>(pods, key, { type: 'merge', body: { status } }, { subresource: 'status' });
    expect(labelled.spec).toEqual(made.spec);
    expect(told.spec).toBe(labelled.spec);
    expect(told.metadata.labels).toEqual({ a: 'b' });
    expect(told.status).toEqual({
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', lastProbeTime: null, lastTransitionTime: null }],
      qosClass: 'BestEffort',
    });
    const updated = await client.update<PodLike>(
      pods,
      { ...told, status: { ...told.status, phase: 'Succeeded' } },
      { subresource: 'status' },
    );
    expect(updated.spec).toBe(told.spec);
    expect(updated.status?.phase).toBe('Succeeded');
    const refused = client.patch(pods, key, { type: 'merge', body: { spec: { containers: [{ ...containers[0], image: 7 }] } } });
    await expect(refused).rejects.toMatchObject({ code: 422 });
  });

  it('leave out fields that the caller left undefined', async () => {
    const name = unique();
    const sent = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default', labels: undefined },
      data: { a: '1' },
    } as unknown as KubeObject;
    const made = await bench.api.client.create(configMaps, sent);
    expect('labels' in made.metadata).toBe(false);
    const again = { ...made, data: { a: '1' }, binaryData: undefined } as KubeObject;
    expect((await bench.api.client.update(configMaps, again)).metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });
});

describe('generation', () => {
  it('counts what is wanted, not labels or status', async () => {
    const name = unique();
    const made = await make(functions, {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: { name },
      spec: { source: { inline: 'export default () => 1' } },
    });
    expect(made.metadata.generation).toBe(1);
    const merge = async (body: object, subresource = ''): Promise<KubeObject> =>
      objectOf(await bench.api.server.patch(call(functions, name, { subresource }), { type: 'merge', body }, {}));
    expect((await merge({ metadata: { labels: { a: 'b' } } })).metadata.generation).toBe(1);
    expect((await merge({ status: { url: 'http://x' }, spec: { timeoutSeconds: 5 } }, 'status')).metadata.generation).toBe(1);
    const changed = (await merge({ spec: { timeoutSeconds: 7 }, status: { url: 'http://y' } })) as KubeObject & {
      spec: { timeoutSeconds: number };
      status: { url: string };
    };
    expect(changed.metadata.generation).toBe(2);
    expect([changed.spec.timeoutSeconds, changed.status.url]).toEqual([7, 'http://x']);
  });

  it('of a custom resource is not to be updated blindly', async () => {
    const name = unique();
    const made = await make(functions, {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: { name },
      spec: { source: { inline: 'export default () => 1' } },
    });
    const { resourceVersion: _, ...metadata } = made.metadata;
    await expect(bench.api.server.update(call(functions, name), { ...made, metadata }, {})).rejects.toMatchObject({
      status: {
        code: 422,
        message: `functions.tsumugi.dev "${name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
      },
    });
  });
});

describe('field validation', () => {
  const sent = (): object => ({ metadata: { name: unique() }, data: { a: '1' }, extra: 1 });
  it('warns, refuses or keeps quiet', async () => {
    const warnings: string[] = [];
    const warned = call(configMaps, '', { warn: (text) => warnings.push(text) });
    await bench.api.server.create(warned, sent(), { duplicates: { paths: ['data.a'] } });
    expect(warnings).toEqual(['duplicate field "data.a"', 'unknown field "extra"']);
    await bench.api.server.create(warned, sent(), { fieldValidation: 'Ignore' });
    expect(warnings).toHaveLength(2);
    await expect(bench.api.server.create(warned, sent(), { fieldValidation: 'Strict', duplicates: { paths: ['data.a'] } })).rejects.toThrow(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a", unknown field "extra"',
    );
  });
});

describe('deletecollection', () => {
  it('deletes what the selector names, and answers it', async () => {
    const [a, b, other] = [unique(), unique(), unique()];
    const label = unique();
    for (const name of [a, b]) await make(configMaps, { metadata: { name, labels: { group: label } } });
    await make(configMaps, { metadata: { name: other, labels: { group: 'none' } } });
    const page = await bench.api.server.deleteCollection(call(configMaps), { labelSelector: `group=${label}` }, {});
    expect(page.rows.map((row) => row.name).toSorted()).toEqual([a, b].toSorted());
    const left = await bench.api.server.list(call(configMaps), {});
    expect(left.rows.map((row) => row.name)).toContain(other);
    expect(left.rows.filter((row) => row.name === a || row.name === b)).toEqual([]);
  });
});

describe('namespaces', () => {
  it('take nothing that is made in the moment they end', async () => {
    const name = unique();
    await make(namespaces, { metadata: { name } });
    const inside = call(configMaps, '', { namespace: name });
    const [, made] = await Promise.allSettled([
      bench.api.server.delete(call(namespaces, name), {}),
      bench.api.server.create(inside, { metadata: { name: 'late' } }, {}),
    ]);
    expect(made).toMatchObject({
      status: 'rejected',
      reason: { status: { code: 403, details: { causes: [{ reason: 'NamespaceTerminating' }] } } },
    });
  });

  it('end when the finalize subresource takes the last finalizer', async () => {
    const name = unique();
    await make(namespaces, { metadata: { name } });
    await bench.api.server.delete(call(namespaces, name), {});
    await expect(bench.api.server.create(call(configMaps, '', { namespace: name }), { metadata: { name: 'x' } }, {})).rejects.toMatchObject(
      {
        status: { code: 403, details: { causes: [{ reason: 'NamespaceTerminating' }] } },
      },
    );
    const merge = { type: 'merge', body: { spec: { finalizers: [] } } } as const;
    expect(objectOf(await bench.api.server.patch(call(namespaces, name), merge, {}))).toMatchObject({
      spec: { finalizers: ['kubernetes'] },
    });
    await bench.api.server.update(call(namespaces, name, { subresource: 'finalize' }), { metadata: { name }, spec: {} }, {});
    await expect(bench.api.server.get(call(namespaces, name))).rejects.toThrow('not found');
  });
});

describe('owners', () => {
  it('can be asked for what they own', async () => {
    const owner = await make(configMaps, { metadata: { name: unique() } });
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name, uid: owner.metadata.uid };
    const child = await make(configMaps, { metadata: { name: unique(), ownerReferences: [reference] } });
    expect(await bench.api.server.dependents([owner.metadata.uid as string])).toEqual([child]);
  });
});

describe('versions of another life of the data', () => {
  it('are expired, for a watch and for a page', async () => {
    const later = bench.api.store.revision() + 1000;
    const watch = bench.api.server.watch(call(configMaps), { resourceVersion: String(later) });
    await expect(watch.next()).rejects.toMatchObject({ status: { code: 410, reason: 'Expired' } });
    const token = encodeContinue({ at: later, after: { namespace: 'default', name: 'a' } }, 'default');
    await expect(bench.api.server.list(call(configMaps), { continue: token })).rejects.toMatchObject({ status: { code: 410 } });
  });
});

describe('a strategic patch', () => {
  it('is not for custom resources', async () => {
    await expect(bench.api.server.patch(call(functions, 'any'), { type: 'strategic', body: {} }, {})).rejects.toMatchObject({
      status: {
        code: 415,
        message:
          'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
      },
    });
  });
});

describe('a grace period', () => {
  it('may only become shorter', async () => {
    const name = unique();
    await make(pods, { metadata: { name }, spec: { nodeName: 'here', containers: [{ name: 'c', image: 'host' }] } });
    const remove = async (gracePeriodSeconds: number): Promise<KubeObject['metadata']> => {
      const answer = await bench.api.server.delete(call(pods, name), { gracePeriodSeconds });
      return 'row' in answer ? objectOf(answer.row).metadata : expect.fail('the pod has gone');
    };
    const first = await remove(20);
    expect(await remove(60)).toEqual(first);
    const shorter = await remove(5);
    expect(shorter.deletionGracePeriodSeconds).toBe(5);
    expect(Date.parse(first.deletionTimestamp as string) - Date.parse(shorter.deletionTimestamp as string)).toBe(15_000);
    await remove(0);
    await expect(bench.api.server.get(call(pods, name))).rejects.toThrow('not found');
  });
});

describe('watching', () => {
  it('encodes an event once for all who watch', async () => {
    const { server } = bench.api;
    const label = unique();
    const end = new AbortController();
    const watches = [1, 2].map(() => server.watch(call(configMaps), { labelSelector: `l=${label}`, signal: end.signal }));
    const firsts = watches.map((watch) => watch.next());
    await make(configMaps, { metadata: { name: unique(), labels: { l: label } } });
    const [one, two] = (await Promise.all(firsts)).map((next) => (next.value as WatchItem[])[0]?.encoded);
    expect(one).toBeDefined();
    expect(one === two).toBe(true);
    end.abort();
    for (const watch of watches) expect(await watch.next()).toMatchObject({ done: true });
  });

  it('drops a reader that does not keep up, who then learns that history is gone', async () => {
    const { server } = bench.api;
    const name = unique();
    await make(configMaps, { metadata: { name } });
    const watch = server.watch(call(configMaps, name), {});
    await watch.next();
    // The reader sleeps while more is written than is kept for it.
    const big = 'x'.repeat(900_000);
    for (let n = 0; n < 40; n++) await server.patch(call(configMaps, name), { type: 'merge', body: { data: { n: String(n), big } } }, {});
    await expect(watch.next()).rejects.toMatchObject({ status: { code: 410, reason: 'Expired' } });
  });

  it('streams a whole list, and says where it ends', async () => {
    const label = unique();
    const made = await make(configMaps, { metadata: { name: unique(), labels: { l: label } } });
    const end = new AbortController();
    const options = {
      labelSelector: `l=${label}`,
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowBookmarks: true,
      signal: end.signal,
    };
    const watch = bench.api.server.watch(call(configMaps), options);
    const { value } = await watch.next();
    expect(value).toMatchObject([
      { type: 'ADDED', row: { name: made.metadata.name } },
      { type: 'BOOKMARK', initial: true },
    ]);
    end.abort();
    await watch.next();
  });
});

describe('a cluster of one node', () => {
  it('has new pods on it from the start, but for those that name another', async () => {
    await using bench = await openBench({ node: 'here' });
    const spec = { containers: [{ name: 'c', image: 'i' }] };
    const made = async (metadata: object, more: object = {}, dryRun = false): Promise<KubeObject & { spec: { nodeName?: string } }> =>
      objectOf(await bench.api.server.create(call(pods), { metadata, spec: { ...spec, ...more } }, { dryRun }));
    expect((await made({ name: 'a' })).spec.nodeName).toBe('here');
    expect((await made({ name: 'b' }, { nodeName: 'there' })).spec.nodeName).toBe('there');
    expect((await made({ name: 'c' }, {}, true)).spec.nodeName).toBeUndefined();
    const claiming = { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] };
    expect((await made({ name: 'd' }, claiming)).spec.nodeName).toBeUndefined();
    expect((await made({ name: 'e' }, { schedulingGates: [{ name: 'g' }] })).spec.nodeName).toBeUndefined();
    const { rows } = await bench.api.server.list(call(pods), { fieldSelector: 'spec.nodeName=here' });
    expect(rows.map(({ name }) => name)).toEqual(['a']);
  });
});
