import { expect, it } from 'vitest';
import type { KubeObject, OwnerReference } from '../../resources/object.ts';
import {
  type Bench,
  configMap,
  type ConfigMap,
  configMaps,
  eventually,
  gone,
  makeNamespace,
  namespaces,
  notFound,
  type Pod,
  pod,
  pods,
  refusal,
  type Secret,
  secrets,
  unique,
} from './bench.contract.ts';

export function garbageContract(bench: Bench): void {
  const make = (metadata: object = {}): Promise<ConfigMap> =>
    bench.client.create(configMaps, configMap(bench.namespace, unique('g'), {}, metadata));
  const keyOf = (object: KubeObject): { namespace: string; name: string } => ({ namespace: bench.namespace, name: object.metadata.name });
  const owner = (object: KubeObject, more: Partial<OwnerReference> = {}): OwnerReference => ({
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    ...more,
  });
  const ownedBy = (...owners: readonly OwnerReference[]): Promise<ConfigMap> => make({ ownerReferences: owners });
  const get = (object: KubeObject): Promise<ConfigMap> => bench.client.get(configMaps, keyOf(object));
  const release = (object: KubeObject): Promise<ConfigMap> =>
    bench.client.patch(configMaps, keyOf(object), { type: 'merge', body: { metadata: { finalizers: null } } });
  const settled = (object: KubeObject): Promise<void> => gone(bench.client, configMaps, bench.namespace, object.metadata.name);

  it('background: the owner goes at once, what it owns soon after, down to the grandchildren', async () => {
    const top = await make();
    const child = await ownedBy(owner(top));
    const grandchild = await ownedBy(owner(child));
    const running = await bench.client.create<Pod>(pods, pod(bench.namespace, unique('g'), {}, { ownerReferences: [owner(top)] }));
    await bench.client.delete(configMaps, keyOf(top), { propagationPolicy: 'Background' });
    expect(await refusal(get(top))).toEqual(notFound('configmaps', top.metadata.name));
    await settled(child);
    await settled(grandchild);
    await gone(bench.client, pods, bench.namespace, running.metadata.name);
  });

  it('is in the background when nothing is said', async () => {
    const top = await make();
    const child = await ownedBy(owner(top));
    await bench.client.delete(configMaps, keyOf(top));
    await settled(child);
    expect(await refusal(get(top))).toMatchObject({ reason: 'NotFound' });
  });

  it('foreground: the owner stays until those that block it are gone', async () => {
    const top = await make();
    const blocking = await make({ ownerReferences: [owner(top, { blockOwnerDeletion: true })], finalizers: ['example.com/hold'] });
    await bench.client.delete(configMaps, keyOf(top), { propagationPolicy: 'Foreground' });
    const dying = await get(top);
    expect(dying.metadata.finalizers).toEqual(['foregroundDeletion']);
    expect(dying.metadata.deletionTimestamp).toBeTruthy();
    await eventually(async () => expect((await get(blocking)).metadata.deletionTimestamp).toBeTruthy());
    expect((await get(top)).metadata.finalizers).toEqual(['foregroundDeletion']);
    await release(blocking);
    await settled(blocking);
    await settled(top);
  });

  it('foreground: does not wait for those that do not block', async () => {
    const top = await make();
    const held = await make({ ownerReferences: [owner(top)], finalizers: ['example.com/hold'] });
    await bench.client.delete(configMaps, keyOf(top), { propagationPolicy: 'Foreground' });
    await settled(top);
    await eventually(async () => expect((await get(held)).metadata.deletionTimestamp).toBeTruthy());
    await release(held);
    await settled(held);
  });

  it('foreground: an owner without dependents goes', async () => {
    const top = await make();
    await bench.client.delete(configMaps, keyOf(top), { propagationPolicy: 'Foreground' });
    await settled(top);
    expect(await refusal(get(top))).toMatchObject({ code: 404 });
  });

  it('orphan: what was owned stays, without that owner', async () => {
    const [top, other] = await Promise.all([make(), make()]);
    const child = await ownedBy(owner(top), owner(other));
    await bench.client.delete(configMaps, keyOf(top), { propagationPolicy: 'Orphan' });
    await settled(top);
    const left = await get(child);
    expect(left.metadata.ownerReferences).toEqual([owner(other)]);
    expect(left.metadata.deletionTimestamp).toBeUndefined();
  });

  it('keeps what another owner still holds, and cleans its reference to the one that has gone', async () => {
    const [one, two] = await Promise.all([make(), make()]);
    const child = await ownedBy(owner(one), owner(two));
    await bench.client.delete(configMaps, keyOf(one));
    await eventually(async () => expect((await get(child)).metadata.ownerReferences).toEqual([owner(two)]));
    await bench.client.delete(configMaps, keyOf(two));
    await settled(child);
  });

  it('removes what is made with an owner that does not exist, or is another of the same name', async () => {
    const absent = await ownedBy({ apiVersion: 'v1', kind: 'ConfigMap', name: 'never-was', uid: '11111111-2222-3333-4444-555555555555' });
    const real = await make();
    const mistaken = await ownedBy(owner(real, { uid: '11111111-2222-3333-4444-666666666666' }));
    const fine = await ownedBy(owner(real));
    await settled(absent);
    await settled(mistaken);
    expect((await get(fine)).metadata.deletionTimestamp).toBeUndefined();
    await bench.client.delete(configMaps, keyOf(real));
  });

  it('collects across kinds, and below owners of the whole cluster', async () => {
    const name = unique('owner');
    await makeNamespace(bench.client, name);
    const top = await bench.client.get(namespaces, { name });
    const child = await bench.client.create<Secret>(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: unique('g'), namespace: bench.namespace, ownerReferences: [owner(top)] },
    });
    expect(await bench.client.get(secrets, keyOf(child))).toMatchObject({ metadata: { uid: child.metadata.uid } });
    await bench.client.delete(namespaces, { name });
    await gone(bench.client, namespaces, undefined, name);
    await gone(bench.client, secrets, bench.namespace, child.metadata.name);
  });

  it('does not take an object of another namespace for an owner', async () => {
    const elsewhere = unique('contract-gc');
    await makeNamespace(bench.client, elsewhere);
    const top = await bench.client.create(configMaps, configMap(elsewhere, unique('g')));
    const child = await ownedBy(owner(top));
    await settled(child);
    expect(
      (await bench.client.get(configMaps, { namespace: elsewhere, name: top.metadata.name })).metadata.deletionTimestamp,
    ).toBeUndefined();
    await bench.client.delete(namespaces, { name: elsewhere });
  });
}
