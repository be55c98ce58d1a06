/** What the contract suite cannot bring about: crashes, circles, kinds of ours. The rest is in kube/contract. */
import { describe, expect, it, vi } from 'vitest';
import {
  configMap,
  type ConfigMap,
  configMaps,
  type Namespace,
  namespaces,
  type Pod,
  pod,
  pods,
  refusal,
} from '../../kube/contract/bench.contract.ts';
import { closeAfterEach, onTestEnd, openTestApi } from '../../kube/testing/embedded.ts';
import { ManualClock } from '../../kube/testing/manual-clock.ts';
import type { Clock } from '../../base/clock.ts';
import type { OwnerReference, KubeObject } from '../../resources/object.ts';
import { serviceAccounts } from '../../resources/resources.ts';
import { functionKind } from '../../resources/function.ts';
import type { EmbeddedApi } from '../api/index.ts';
import { runEmbeddedControllers } from './index.ts';

closeAfterEach();

/** Starts the controllers for the rest of the test; `runs` counts what they looked at. */
function start({ client, store }: EmbeddedApi, clock?: Clock): { readonly runs: string[]; readonly stop: () => Promise<void> } {
  const abort = new AbortController();
  const runs: string[] = [];
  const done = runEmbeddedControllers({
    client,
    store,
    signal: abort.signal,
    ...(clock && { clock }),
    onRun: ({ controller, key, outcome }) => runs.push(`${controller}: ${key} ${outcome}`),
  });
  const stop = async (): Promise<void> => {
    abort.abort();
    await done;
  };
  onTestEnd(stop);
  return { runs, stop };
}

const owner = ({ apiVersion, kind, metadata }: KubeObject, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid ?? '',
  ...more,
});
const here = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });
const gone = async (api: EmbeddedApi, name: string): Promise<void> => {
  await vi.waitFor(async () => expect((await refusal(api.client.get(configMaps, here(name)))).reason).toBe('NotFound'), {
    timeout: 10_000,
  });
};
const make = (api: EmbeddedApi, name: string, ...ownerReferences: OwnerReference[]): Promise<ConfigMap> =>
  api.client.create(configMaps, configMap('default', name, {}, { ownerReferences }));

describe('the embedded controllers', () => {
  it('finish at their start what a crash left undone', async () => {
    const api = await openTestApi();
    const { client } = api;
    const top = await make(api, 'top');
    await make(api, 'child', owner(top));
    await client.delete(configMaps, here('top'));
    const foreground = await make(api, 'foreground');
    await make(api, 'blocking', owner(foreground, { blockOwnerDeletion: true }));
    await client.delete(configMaps, here('foreground'), { propagationPolicy: 'Foreground' });
    const orphaning = await make(api, 'orphaning');
    await make(api, 'kept', owner(orphaning));
    await client.delete(configMaps, here('orphaning'), { propagationPolicy: 'Orphan' });
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'doomed' } });
    await client.create(configMaps, configMap('doomed', 'content'));
    await client.delete(namespaces, { name: 'doomed' });

    start(api);
    for (const name of ['child', 'foreground', 'blocking', 'orphaning']) await gone(api, name);
    await vi.waitFor(async () => expect((await refusal(client.get(namespaces, { name: 'doomed' }))).reason).toBe('NotFound'));
    expect((await client.get<ConfigMap>(configMaps, here('kept'))).metadata.ownerReferences).toBeUndefined();
  });

  it('delete a circle of owners that block each other, in the foreground', async () => {
    const api = await openTestApi();
    start(api);
    const a = await make(api, 'a');
    const b = await make(api, 'b', owner(a, { blockOwnerDeletion: true }));
    await api.client.patch(configMaps, here('a'), {
      type: 'merge',
      body: { metadata: { ownerReferences: [owner(b, { blockOwnerDeletion: true })] } },
    });
    await api.client.delete(configMaps, here('a'), { propagationPolicy: 'Foreground' });
    await gone(api, 'a');
    await gone(api, 'b');
  });

  it('take away a deleted pod whose node does not exist, but not at once', async () => {
    const api = await openTestApi();
    const clock = new ManualClock();
    const { runs } = start(api, clock);
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'real' } };
    await api.client.create({ group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false }, node);
    for (const nodeName of ['real', 'nowhere']) await api.client.create(pods, pod('default', nodeName, { nodeName }));
    await api.client.create(pods, pod('default', 'living', { nodeName: 'nowhere' }));
    for (const name of ['real', 'nowhere']) await api.client.delete(pods, here(name));
    const left = async (): Promise<readonly string[]> =>
      (await api.client.list(pods, { namespace: 'default' })).items.map(({ metadata }) => metadata.name);
    await vi.waitFor(() => expect(runs).toContain('pod-garbage: pods default/nowhere again'));
    await clock.advance(39_000);
    expect(await left()).toEqual(['living', 'nowhere', 'real']);
    await clock.advance(2_000);
    await vi.waitFor(async () => expect(await left()).toEqual(['living', 'real']));
  });

  it('keep what names an owner of a kind they do not know', async () => {
    const api = await openTestApi();
    const { runs } = start(api);
    await make(api, 'foreign', { apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'x' });
    await vi.waitFor(() => expect(runs).toContain('garbage: configmaps default/foreign done'));
    expect((await api.client.get(configMaps, here('foreign'))).metadata.deletionTimestamp).toBeUndefined();
  });

  it('collect what a Function of ours owns', async () => {
    const api = await openTestApi();
    start(api);
    const fn = await api.client.create(functionKind, {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: here('hello'),
      spec: { source: { inline: 'export default () => 1' } },
    } as KubeObject);
    await make(api, 'owned', owner(fn, { controller: true, blockOwnerDeletion: true }));
    await api.client.delete(functionKind, here('hello'));
    await gone(api, 'owned');
  });

  it('say in the namespace why it is still there', async () => {
    const api = await openTestApi();
    const { client } = api;
    start(api);
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'stuck' } });
    await client.create(configMaps, configMap('stuck', 'held', {}, { finalizers: ['example.com/hold'] }));
    await client.delete(namespaces, { name: 'stuck' });
    const conditions = async (): Promise<readonly string[]> => {
      const { status } = await client.get<
        Namespace & { status?: { conditions?: readonly { type: string; status: string; message: string }[] } }
      >(namespaces, { name: 'stuck' });
      return (status?.conditions ?? []).map(({ type, status, message }) => `${type}=${status}: ${message}`);
    };
    await vi.waitFor(async () =>
      expect(await conditions()).toEqual([
        'NamespaceContentRemaining=True: Some resources are remaining: configmaps. has 1 resource instances',
        'NamespaceFinalizersRemaining=True: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
      ]),
    );
    await client.patch(configMaps, { namespace: 'stuck', name: 'held' }, { type: 'merge', body: { metadata: { finalizers: null } } });
    await vi.waitFor(async () => expect((await refusal(client.get(namespaces, { name: 'stuck' }))).reason).toBe('NotFound'));
  });

  it('do not look at objects that nobody owns and nobody deletes', async () => {
    const api = await openTestApi();
    const { runs } = start(api);
    const top = await make(api, 'top');
    await api.client.create(pods, pod('default', 'owned', { nodeName: 'nowhere' }, { ownerReferences: [owner(top)] }));
    await vi.waitFor(() => expect(runs).toContain('garbage: pods default/owned done'));
    runs.length = 0;
    for (let n = 0; n < 3; n++) {
      await api.client.patch(configMaps, here('top'), { type: 'merge', body: { data: { n: `${n}` } } });
      await api.client.patch<Pod>(pods, here('owned'), { type: 'merge', body: { status: { message: `${n}` } } }, { subresource: 'status' });
    }
    await make(api, 'last', owner(top));
    await vi.waitFor(() => expect(runs).toContain('garbage: configmaps default/last done'));
    expect(runs).toEqual(['garbage: configmaps default/last done']);
  });

  it('give each namespace its account, again when it is taken away, and not while the namespace ends', async () => {
    const api = await openTestApi();
    start(api);
    const there = (): Promise<KubeObject> => vi.waitFor(() => api.client.get(serviceAccounts, here('default')), { timeout: 10_000 });
    const first = await there();
    await api.client.delete(serviceAccounts, here('default'));
    await vi.waitFor(async () => expect((await there()).metadata.uid).not.toBe(first.metadata.uid), { timeout: 10_000 });
    await api.client.create<Namespace>(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'short' } });
    await vi.waitFor(() => api.client.get(serviceAccounts, { namespace: 'short', name: 'default' }), { timeout: 10_000 });
    await api.client.delete(namespaces, { name: 'short' });
    await vi.waitFor(async () => expect((await refusal(api.client.get(namespaces, { name: 'short' }))).reason).toBe('NotFound'), {
      timeout: 10_000,
    });
  });
});
