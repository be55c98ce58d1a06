/** Deletes: options, preconditions, finalizers, owners, collections. */
import { vi } from 'vitest';
import type { Script } from './servers.ts';
import type { Session } from './session.ts';

const options = { kind: 'DeleteOptions', apiVersion: 'v1' };
const make = (s: Session, name: string, metadata: object = {}): ReturnType<Session['create']> =>
  s.create('secrets', { metadata: { name, ...metadata } }, { quiet: true });
const pod = (name: string, spec: object = {}, metadata: object = {}): object => ({
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false, ...spec },
});

/** Each goes to a secret of its own. */
const secret =
  (...ways: readonly (readonly [query: string, body?: object])[]): Script =>
  async (s) => {
    for (const [index, [query, body]] of ways.entries()) {
      await make(s, `s${index}`);
      await s.delete(`secrets/s${index}${query && `?${query}`}`, body);
      await s.get(`secrets/s${index}`);
    }
  };

const gone = (s: Session, target: string): Promise<void> =>
  vi.waitFor(
    async () => {
      if ((await s.get(target, { quiet: true })).status !== 404) throw new Error(`${target} is still there`);
    },
    { timeout: 15_000, interval: 50 },
  );
const settled = (s: Session, target: string, is: (text: string) => boolean): Promise<void> =>
  vi.waitFor(
    async () => {
      const text = JSON.stringify((await s.get(target, { quiet: true })).body);
      if (!is(text)) throw new Error(`${target}: ${text}`);
    },
    { timeout: 15_000, interval: 50 },
  );

/** An owner, a dependent that blocks it, and one that does not. */
async function family(s: Session): Promise<void> {
  const { body } = await make(s, 'owner');
  const owner = { apiVersion: 'v1', kind: 'Secret', name: 'owner', uid: body.metadata?.uid };
  await make(s, 'blocking', { ownerReferences: [{ ...owner, blockOwnerDeletion: true }] });
  await make(s, 'plain', { ownerReferences: [owner] });
}

export const deleteCases: Readonly<Record<string, Script>> = {
  'options in the body': secret(
    ['', {}],
    ['', options],
    ['', { ...options, gracePeriodSeconds: 0 }],
    ['', { ...options, gracePeriodSeconds: 5 }],
    ['', { ...options, gracePeriodSeconds: -1 }],
    ['', { ...options, gracePeriodSeconds: 'x' }],
    ['', { ...options, gracePeriodSeconds: 1.5 }],
    ['', { ...options, propagationPolicy: 'Background' }],
    ['', { ...options, propagationPolicy: 'Nonsense' }],
    ['', { ...options, propagationPolicy: '' }],
    ['', { ...options, orphanDependents: false }],
    ['', { ...options, orphanDependents: 'x' }],
    ['', { ...options, orphanDependents: true, propagationPolicy: 'Orphan' }],
    ['', { ...options, dryRun: ['All'] }],
    ['', { ...options, dryRun: [] }],
    ['', { ...options, dryRun: ['Some'] }],
    ['', { ...options, dryRun: ['All', 'Some'] }],
    ['', { ...options, dryRun: 'All' }],
    ['', { ...options, preconditions: {} }],
    ['', { ...options, preconditions: { uid: 'other' } }],
    ['', { ...options, preconditions: { resourceVersion: '1' } }],
    ['', { ...options, unknown: 1 }],
    ['', { kind: 'Nonsense', apiVersion: 'v1' }],
    ['', { kind: 'DeleteOptions', apiVersion: 'v9' }],
    ['', { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' }],
    ['', { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'x' } }],
    ['', { ...options, ignoreStoreReadErrorWithClusterBreakingPotential: true }],
    ['', { ...options, ignoreStoreReadErrorWithClusterBreakingPotential: false }],
  ),
  'options in the query': secret(
    ['gracePeriodSeconds=0'],
    ['gracePeriodSeconds=x'],
    ['gracePeriodSeconds='],
    ['gracePeriodSeconds=-5'],
    ['propagationPolicy=Background'],
    ['propagationPolicy=Nonsense'],
    ['propagationPolicy='],
    ['orphanDependents=false'],
    ['orphanDependents=false&propagationPolicy=Background'],
    ['dryRun=All'],
    ['dryRun=Some'],
    ['dryRun='],
    ['dryRun=All&dryRun=All'],
    ['preconditions=x'],
    ['unknown=1'],
    ['ignoreStoreReadErrorWithClusterBreakingPotential=true'],
    ['fieldManager=x'],
    ['gracePeriodSeconds=5&dryRun=All', { ...options }],
    ['dryRun=All', { ...options, dryRun: [] }],
    ['propagationPolicy=Orphan', { ...options, propagationPolicy: 'Background' }],
  ),
  'orphanDependents and the policy at once': secret(
    ['', { ...options, orphanDependents: true, propagationPolicy: 'Background' }],
    ['', { ...options, orphanDependents: false, propagationPolicy: 'Background' }],
  ),
  'bodies that are none': async (s) => {
    for (const [index, text] of ['[]', '"x"', 'null', '7', 'true'].entries()) {
      await make(s, `s${index}`);
      await s.delete(`secrets/s${index}`, undefined, { text });
    }
    await make(s, 'y');
    await s.delete('secrets/y', undefined, { text: 'gracePeriodSeconds: 0\n', type: 'application/yaml' });
    await make(s, 'z');
    await s.delete('secrets/z', {}, { type: 'text/plain' });
    await s.delete('secrets/z', {}, { type: 'application/vnd.nonsense' });
  },
  'preconditions that hold': async (s) => {
    const { body } = await make(s, 'a');
    const { uid, resourceVersion } = body.metadata ?? {};
    await s.delete('secrets/a', { preconditions: { uid, resourceVersion: '1' } });
    await s.delete('secrets/a', { preconditions: { uid: '00000000-0000-0000-0000-000000000000', resourceVersion } });
    await s.delete('secrets/a', { preconditions: { uid, resourceVersion }, dryRun: ['All'] });
    await s.delete('secrets/a', { preconditions: { uid, resourceVersion } });
    await s.delete('secrets/a', { preconditions: { uid, resourceVersion } });
  },
  'what is not there': async (s) => {
    for (const plural of ['secrets', 'pods', 'functions', 'leases']) await s.delete(`${plural}/none`);
    await s.delete('secrets/none?propagationPolicy=Nonsense');
    await s.delete('secrets/none/status');
    await s.delete('pods/none/log');
    await s.delete('nothing/none');
  },
  'finalizers hold it': async (s) => {
    const { body } = await make(s, 'a', { finalizers: ['x.io/one', 'x.io/two'] });
    await s.delete('secrets/a', { dryRun: ['All'] });
    await s.delete('secrets/a');
    await s.delete('secrets/a');
    await s.delete('secrets/a?gracePeriodSeconds=0');
    await s.get('secrets/a');
    await s.create('secrets', { metadata: { name: 'a' } });
    await s.patch('merge', 'secrets/a', { data: { still: 'aaaa' } });
    await s.patch('merge', 'secrets/a', { metadata: { finalizers: ['x.io/one', 'x.io/two', 'x.io/new'] } });
    await s.patch('merge', 'secrets/a', { metadata: { finalizers: ['x.io/two'] } });
    await s.patch('merge', 'secrets/a', { metadata: { deletionTimestamp: null } });
    await s.patch('merge', 'secrets/a', { metadata: { deletionGracePeriodSeconds: 7 } });
    await s.update('secrets/a', { metadata: { name: 'a', uid: body.metadata?.uid } });
    await s.get('secrets/a');
  },
  'finalizers of a function': async (s) => {
    const fn = { apiVersion: 'tsumugi.dev/v1', kind: 'Function', spec: { source: { inline: 'x' } } };
    await s.create('functions', { ...fn, metadata: { name: 'f', finalizers: ['x.io/one'] } });
    await s.delete('functions/f');
    await s.delete('functions/f');
    await s.patch('merge', 'functions/f', { metadata: { finalizers: ['x.io/one', 'x.io/new'] } });
    await s.patch('merge', 'functions/f', { spec: { timeoutSeconds: 7 } });
    await s.patch('merge', 'functions/f', { metadata: { finalizers: [] } });
    await s.get('functions/f');
    await s.create('functions', { ...fn, metadata: { name: 'f' } });
    await s.delete('functions/f');
  },
  'what each kind answers': async (s) => {
    const given: Readonly<Record<string, object>> = {
      configmaps: {},
      secrets: {},
      serviceaccounts: {},
      leases: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
      functions: { apiVersion: 'tsumugi.dev/v1', kind: 'Function', spec: { source: { inline: 'x' } } },
    };
    for (const [plural, body] of Object.entries(given)) {
      await s.create(plural, { ...body, metadata: { name: 'x' } });
      await s.delete(`${plural}/x`);
    }
  },
  'pods have a grace period': async (s) => {
    await s.create('pods', pod('unbound'), { quiet: true });
    await s.delete('pods/unbound');
    await s.create('pods', pod('a', { nodeName: 'nowhere' }), { quiet: true });
    await s.delete('pods/a', { dryRun: ['All'] });
    await s.delete('pods/a');
    await s.delete('pods/a');
    await s.delete('pods/a?gracePeriodSeconds=50');
    await s.delete('pods/a?gracePeriodSeconds=5');
    await s.delete('pods/a?gracePeriodSeconds=-1');
    await s.patch('merge', 'pods/a', { metadata: { labels: { still: 'there' } } });
    await s.delete('pods/a?gracePeriodSeconds=0');
    await s.delete('pods/a?gracePeriodSeconds=0');
    await s.create('pods', pod('b', { nodeName: 'nowhere', terminationGracePeriodSeconds: 7 }), { quiet: true });
    await s.delete('pods/b');
    await s.delete('pods/b?gracePeriodSeconds=0');
    await s.create('pods', pod('c', { nodeName: 'nowhere' }), { quiet: true });
    await s.patch('merge', 'pods/c/status', { status: { phase: 'Succeeded' } }, { quiet: true });
    await s.delete('pods/c');
    await s.create('pods', pod('d', { nodeName: 'nowhere' }, { finalizers: ['x.io/one'] }), { quiet: true });
    await s.delete('pods/d');
    await s.delete('pods/d?gracePeriodSeconds=0');
    await s.patch('merge', 'pods/d', { metadata: { finalizers: null } });
    await s.get('pods/d');
    await s.create('pods', pod('e', { nodeName: 'nowhere', terminationGracePeriodSeconds: 0 }), { quiet: true });
    await s.delete('pods/e');
    await s.create('pods', pod('f', { nodeName: 'nowhere' }), { quiet: true });
    await s.delete('pods/f?gracePeriodSeconds=1&propagationPolicy=Foreground');
  },
  'owners: in the background': async (s) => {
    await family(s);
    await s.delete('secrets/owner?propagationPolicy=Background');
    for (const name of ['blocking', 'plain']) await gone(s, `secrets/${name}`);
    await s.get('secrets');
  },
  'owners: in the foreground': async (s) => {
    await family(s);
    await s.patch('merge', 'secrets/blocking', { metadata: { finalizers: ['x.io/hold'] } }, { quiet: true });
    await s.delete('secrets/owner?propagationPolicy=Foreground');
    await settled(s, 'secrets/blocking', (text) => text.includes('deletionTimestamp'));
    await s.get('secrets');
    await s.patch('merge', 'secrets/blocking', { metadata: { finalizers: null } });
    for (const name of ['owner', 'plain']) await gone(s, `secrets/${name}`);
    await s.get('secrets');
  },
  'owners: orphans': async (s) => {
    await family(s);
    await s.delete('secrets/owner?propagationPolicy=Orphan');
    await gone(s, 'secrets/owner');
    await s.get('secrets');
  },
  'owners: orphans by the older option': async (s) => {
    await family(s);
    await s.delete('secrets/owner', { ...options, orphanDependents: true });
    await gone(s, 'secrets/owner');
    await s.get('secrets');
    await make(s, 'a');
    await s.delete('secrets/a?orphanDependents=x');
    await gone(s, 'secrets/a');
  },
  'owners: first in the foreground, then in the background': async (s) => {
    await family(s);
    await s.patch('merge', 'secrets/blocking', { metadata: { finalizers: ['x.io/hold'] } }, { quiet: true });
    await s.delete('secrets/owner?propagationPolicy=Foreground');
    await settled(s, 'secrets/blocking', (text) => text.includes('deletionTimestamp'));
    await s.delete('secrets/owner?propagationPolicy=Background');
    await s.patch('merge', 'secrets/blocking', { metadata: { finalizers: null } }, { quiet: true });
    await gone(s, 'secrets/blocking');
  },
  'an owner that is another one': async (s) => {
    const { body } = await make(s, 'owner');
    await make(s, 'a', {
      ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: 'owner', uid: '00000000-0000-0000-0000-000000000001' }],
    });
    await gone(s, 'secrets/a');
    const owner = { apiVersion: 'v1', kind: 'Secret', name: 'owner', uid: body.metadata?.uid };
    const other = { ...owner, name: 'none', uid: '00000000-0000-0000-0000-000000000002' };
    await make(s, 'b', { ownerReferences: [owner, other] });
    await settled(s, 'secrets/b', (text) => !text.includes('000000000002'));
    await s.get('secrets');
  },
  'owner references that are none': async (s) => {
    const good = { apiVersion: 'v1', kind: 'Secret', name: 'owner', uid: 'u' };
    for (const [index, ownerReferences] of [
      [{}],
      [{ ...good, uid: '' }],
      [{ ...good, name: '' }],
      [{ ...good, kind: '' }],
      [{ ...good, apiVersion: '' }],
      [{ ...good, apiVersion: 'a/b/c' }],
      [{ ...good, kind: 'Event' }],
      [
        { ...good, controller: true },
        { ...good, uid: 'v', controller: true },
      ],
      [good, good],
      [good, { ...good, blockOwnerDeletion: true }],
    ].entries())
      await s.create('secrets?dryRun=All', { metadata: { name: `s${index}`, ownerReferences } });
  },
  collections: async (s) => {
    for (const name of ['a', 'b', 'c', 'd']) await make(s, name, { labels: { name } });
    await make(s, 'held', { labels: { name: 'held' }, finalizers: ['x.io/hold'] });
    await s.delete('secrets?labelSelector=name%3Da&dryRun=All');
    await s.delete('secrets?labelSelector=name%3Da');
    await s.delete('secrets?fieldSelector=metadata.name%3Db');
    await s.delete('secrets?labelSelector=%3D');
    await s.delete('secrets?fieldSelector=x%3D1');
    await s.delete('secrets?propagationPolicy=Nonsense');
    await s.delete('secrets', { propagationPolicy: 'Nonsense' });
    await s.delete('secrets?limit=1');
    await s.get('secrets');
    await s.delete('secrets', { preconditions: { uid: 'x' } });
    await s.delete('secrets');
    await s.get('secrets');
    await s.delete('secrets');
    await s.patch('merge', 'secrets/held', { metadata: { finalizers: null } });
    await s.delete('secrets');
    await s.delete('functions');
    await s.delete('pods');
    await s.delete('namespaces');
    await s.delete('nothing');
  },
  'a collection of pods': async (s) => {
    await s.create('pods', pod('a', { nodeName: 'nowhere' }), { quiet: true });
    await s.create('pods', pod('b'), { quiet: true });
    await s.delete('pods?gracePeriodSeconds=9');
    await s.get('pods');
    await s.delete('pods', { gracePeriodSeconds: 0 });
    await s.get('pods');
  },
};
