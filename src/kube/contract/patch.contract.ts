import { expect, it } from 'vitest';
import type { Patch } from '../client.ts';
import {
  type Bench,
  configMap,
  type ConfigMap,
  configMaps,
  failure,
  notFound,
  type Pod,
  pod,
  pods,
  refusal,
  unique,
} from './bench.contract.ts';

export function patchContract(bench: Bench): void {
  const make = (data?: Record<string, string>, metadata?: object): Promise<ConfigMap> =>
    bench.client.create(configMaps, configMap(bench.namespace, unique(), data, metadata));
  const patch = (object: ConfigMap, how: Patch): Promise<ConfigMap> =>
    bench.client.patch(configMaps, { namespace: bench.namespace, name: object.metadata.name }, how);

  it('merge: sets, replaces and removes fields', async () => {
    const made = await make({ a: '1', b: '1' }, { labels: { x: '1', y: '1' } });
    const patched = await patch(made, {
      type: 'merge',
      body: { metadata: { labels: { x: null, z: '1' } }, data: { a: '2', b: null, c: '3' } },
    });
    expect(patched.data).toEqual({ a: '2', c: '3' });
    expect(patched.metadata.labels).toEqual({ y: '1', z: '1' });
    expect(patched.metadata.uid).toBe(made.metadata.uid);
    expect(patched.metadata.resourceVersion).not.toBe(made.metadata.resourceVersion);
  });

  it('json: does all operations in order, or none', async () => {
    const made = await make({ a: '1', 'b.c': '2' });
    const patched = await patch(made, {
      type: 'json',
      body: [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'add', path: '/metadata/labels', value: { 'x/y': 'z' } },
        { op: 'replace', path: '/metadata/labels/x~1y', value: 'zz' },
        { op: 'copy', from: '/data/a', path: '/data/copied' },
        { op: 'move', from: '/data/b.c', path: '/data/moved' },
        { op: 'remove', path: '/data/a' },
      ],
    });
    expect(patched.data).toEqual({ copied: '1', moved: '2' });
    expect(patched.metadata.labels).toEqual({ 'x/y': 'zz' });

    for (const last of [
      { op: 'test', path: '/data/copied', value: 'no' },
      { op: 'remove', path: '/data/absent' },
      { op: 'frobnicate', path: '/data/a' },
    ]) {
      const status = await refusal(patch(made, { type: 'json', body: [{ op: 'add', path: '/data/new', value: '1' }, last] }));
      expect(status, last.op).toEqual(failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {}));
    }
    expect((await patch(made, { type: 'merge', body: {} })).data).toEqual({ copied: '1', moved: '2' });
  });

  it('strategic: merges lists of a pod by their key', async () => {
    const name = unique();
    await bench.client.create(
      pods,
      pod(bench.namespace, name, {
        containers: [
          { name: 'one', image: 'host' },
          { name: 'two', image: 'host' },
        ],
      }),
    );
    const patched = await bench.client.patch<Pod>(
      pods,
      { namespace: bench.namespace, name },
      { type: 'strategic', body: { spec: { containers: [{ name: 'two', image: 'other:1' }] } } },
    );
    expect(patched.spec.containers.map(({ name, image }) => `${name} ${image}`)).toEqual(['one host', 'two other:1']);
  });

  it('strategic: merges scalars lists of finalizers, and maps', async () => {
    const made = await make({ a: '1' }, { finalizers: ['example.com/one'] });
    const patched = await patch(made, { type: 'strategic', body: { metadata: { finalizers: ['example.com/two'] }, data: { b: '2' } } });
    expect(patched.metadata.finalizers?.toSorted()).toEqual(['example.com/one', 'example.com/two']);
    expect(patched.data).toEqual({ a: '1', b: '2' });
    const less = await patch(made, {
      type: 'strategic',
      body: { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/one'] } },
    });
    expect(less.metadata.finalizers).toEqual(['example.com/two']);
    await patch(made, { type: 'merge', body: { metadata: { finalizers: null } } });
  });

  it('keeps the version when a patch changes nothing', async () => {
    const made = await make({ a: '1' });
    for (const type of ['merge', 'strategic'] as const) {
      expect((await patch(made, { type, body: { data: { a: '1' } } })).metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    }
  });

  it('refuses a patch of an old version, and takes one of the present', async () => {
    const made = await make({ a: '1' });
    const current = await patch(made, { type: 'merge', body: { data: { a: '2' } } });
    const status = await refusal(
      patch(made, { type: 'merge', body: { metadata: { resourceVersion: made.metadata.resourceVersion }, data: { a: '3' } } }),
    );
    expect(status).toMatchObject({ code: 409, reason: 'Conflict', details: { name: made.metadata.name, kind: 'configmaps' } });
    const { resourceVersion } = current.metadata;
    expect(await patch(made, { type: 'merge', body: { metadata: { resourceVersion }, data: { a: '3' } } })).toMatchObject({
      data: { a: '3' },
    });
  });

  it('applies concurrent patches one after the other, losing none', async () => {
    const made = await make({});
    await Promise.all(Array.from({ length: 5 }, (_, n) => patch(made, { type: 'merge', body: { data: { [`k${n}`]: 'v' } } })));
    const after = await bench.client.get<ConfigMap>(configMaps, { namespace: bench.namespace, name: made.metadata.name });
    expect(Object.keys(after.data ?? {})).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
  });

  it('refuses to rename, to move to another namespace, and to change the uid', async () => {
    const made = await make();
    const { name } = made.metadata;
    expect(await refusal(patch(made, { type: 'merge', body: { metadata: { name: 'other' } } }))).toEqual(
      failure(400, 'BadRequest', `the name of the object (other) does not match the name on the URL (${name})`),
    );
    expect(await refusal(patch(made, { type: 'merge', body: { metadata: { namespace: 'other' } } }))).toEqual(
      failure(400, 'BadRequest', 'the namespace of the provided object does not match the namespace sent on the request'),
    );
    expect(await refusal(patch(made, { type: 'merge', body: { metadata: { uid: 'other' } } }))).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: `ConfigMap "${name}" is invalid: metadata.uid: Invalid value: "other": field is immutable`,
    });
  });

  it('says what is not there', async () => {
    const absent = bench.client.patch(configMaps, { namespace: bench.namespace, name: 'absent' }, { type: 'merge', body: {} });
    expect(await refusal(absent)).toEqual(notFound('configmaps', 'absent'));
  });

  it('stores nothing on a dry run', async () => {
    const made = await make({ a: '1' });
    const key = { namespace: bench.namespace, name: made.metadata.name };
    expect(await bench.client.patch(configMaps, key, { type: 'merge', body: { data: { a: '2' } } }, { dryRun: true })).toMatchObject({
      data: { a: '2' },
    });
    expect(await bench.client.get(configMaps, key)).toEqual(made);
  });
}
