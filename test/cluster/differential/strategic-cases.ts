/** Strategic merge patch with all directives and their wrong use; on pods, whose metadata and status have every kind of list. */
import type { Script } from './servers.ts';

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    labels: { a: '1', b: '2' },
    finalizers: ['x.io/a', 'x.io/b', 'x.io/c'],
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Gone', name: 'one', uid: 'u1' },
      { apiVersion: 'v1', kind: 'Gone', name: 'two', uid: 'u2' },
    ],
  },
  spec: {
    automountServiceAccountToken: false,
    containers: [{ name: 'c', image: 'i:1', env: [{ name: 'A', value: '1' }] }],
    volumes: [{ name: 'v', emptyDir: {} }],
  },
};
const at = '2026-01-01T00:00:00Z';
const status = {
  podIPs: [{ ip: '10.0.0.1' }],
  podIP: '10.0.0.1',
  hostIP: '10.1.0.1',
  hostIPs: [{ ip: '10.1.0.1' }],
  conditions: [
    { type: 'Ready', status: 'False', lastTransitionTime: at, lastProbeTime: at },
    { type: 'Initialized', status: 'True', lastTransitionTime: at, lastProbeTime: at, message: 'm' },
  ],
};

/** Each patch goes to a fresh pod. */
const meta =
  (...patches: unknown[]): Script =>
  async (s) => {
    const { ownerReferences: _, ...metadata } = pod.metadata;
    for (const [index, patch] of patches.entries()) {
      await s.create('pods', { ...pod, metadata: { ...metadata, name: `p${index}` } }, { quiet: true });
      await s.patch('strategic', `pods/p${index}`, patch);
    }
  };
const text =
  (...patches: string[]): Script =>
  async (s) => {
    await s.create('configmaps', { metadata: { name: 'c' }, data: { a: '1' } }, { quiet: true });
    for (const each of patches) await s.patch('strategic', 'configmaps/c', undefined, { text: each });
  };
const inStatus =
  (...patches: object[]): Script =>
  async (s) => {
    await s.create('pods', { ...pod, metadata: { name: 'p' } }, { quiet: true });
    await s.patch('merge', 'pods/p/status', { status });
    for (const patch of patches) await s.patch('strategic', 'pods/p/status', { status: patch });
  };

export const strategicCases: Readonly<Record<string, Script>> = {
  'a list of words merges': meta({ metadata: { finalizers: ['x.io/z', 'x.io/b'] } }),
  'a list of words is cut': meta({ metadata: { '$deleteFromPrimitiveList/finalizers': ['x.io/b', 'x.io/none'] } }),
  'a list of words is cut, extended and ordered': meta({
    metadata: {
      '$deleteFromPrimitiveList/finalizers': ['x.io/b'],
      '$setElementOrder/finalizers': ['x.io/z', 'x.io/c', 'x.io/a'],
      finalizers: ['x.io/z'],
    },
  }),
  'cutting by something that is no list': meta(
    { metadata: { '$deleteFromPrimitiveList/finalizers': 'x.io/b' } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': { a: 'x' } } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': null } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': [] } },
    { metadata: { '$deleteFromPrimitiveList/labels': ['a'] } },
    { metadata: { '$deleteFromPrimitiveList/none': ['a'] } },
    { metadata: { '$deleteFromPrimitiveList/name': ['a'] } },
  ),
  'cutting a list that is not there': async (s) => {
    await s.create('configmaps', { metadata: { name: 'c' } }, { quiet: true });
    await s.patch('strategic', 'configmaps/c', { metadata: { '$deleteFromPrimitiveList/finalizers': ['a.io/b'] } });
    await s.patch('strategic', 'configmaps/c', { metadata: { '$setElementOrder/finalizers': ['a.io/b'] } });
    await s.patch('strategic', 'configmaps/c', { metadata: { '$setElementOrder/ownerReferences': [{ uid: 'a' }] } });
    await s.patch('strategic', 'configmaps/c', { metadata: { labels: { $patch: 'delete' } } });
    await s.patch('strategic', 'configmaps/c', { metadata: { labels: { $patch: 'replace', a: 'b' } } });
    await s.patch('strategic', 'configmaps/c', { metadata: { annotations: { $retainKeys: ['a'], a: 'b' } } });
    await s.patch('strategic', 'configmaps/c', { data: { $patch: 'merge', a: 'b' } });
    await s.patch('strategic', 'configmaps/c', { data: { $patch: 'nonsense', a: 'b' } });
    await s.patch('strategic', 'configmaps/c', { data: { a: 'b', $retainKeys: ['c'] } });
    await s.patch('strategic', 'configmaps/c', { $patch: 'merge' });
    await s.patch('strategic', 'configmaps/c', { $patch: 'replace' });
    await s.patch('strategic', 'configmaps/c', { $patch: 'delete' });
  },
  'a word list replaced as a map is': meta(
    { metadata: { finalizers: ['$patch', 'x.io/q'] } },
    { metadata: { finalizers: [] } },
    { metadata: { finalizers: null } },
  ),
  'a list where there is a map, and the other way round': meta(
    { metadata: { labels: ['a'] } },
    { metadata: { finalizers: { a: 'b' } } },
    { metadata: { finalizers: 'x' } },
    { metadata: 'x' },
    { spec: [] },
    { spec: null },
    { spec: { containers: 'x' } },
    { spec: { containers: { name: 'c' } } },
    { spec: { containers: ['c'] } },
    { spec: { containers: [null] } },
    { spec: { containers: [['c']] } },
    { metadata: { finalizers: [{ a: 1 }] } },
    { metadata: { finalizers: [1] } },
    { metadata: { finalizers: [null] } },
  ),
  'order: wrong use': meta(
    { metadata: { '$setElementOrder/finalizers': 'x' } },
    { metadata: { '$setElementOrder/finalizers': null } },
    { metadata: { '$setElementOrder/labels': ['x'] } },
    { metadata: { '$setElementOrder/finalizers': ['x.io/b'], finalizers: ['x.io/a'] } },
    { metadata: { '$setElementOrder/finalizers': ['x.io/b', 'x.io/a'], finalizers: ['x.io/a', 'x.io/b'] } },
    { metadata: { '$setElementOrder/finalizers': ['x.io/b'], finalizers: { a: 'b' } } },
    { metadata: { '$setElementOrder/none': ['x'] } },
    { spec: { '$setElementOrder/containers': ['c'] } },
    { spec: { '$setElementOrder/containers': [{ image: 'c' }] } },
    { spec: { '$setElementOrder/containers': [{ name: 'd' }], containers: [{ name: 'c', image: 'j' }] } },
    { spec: { '$setElementOrder/containers': [{ name: 'c' }], containers: 'x' } },
  ),
  'order: of words': meta(
    { metadata: { '$setElementOrder/finalizers': ['x.io/c', 'x.io/a'] } },
    { metadata: { '$setElementOrder/finalizers': ['x.io/b', 'x.io/q', 'x.io/c', 'x.io/a'], finalizers: ['x.io/q'] } },
    { metadata: { '$setElementOrder/finalizers': ['x.io/a', 'x.io/a'] } },
    { metadata: { '$setElementOrder/finalizers': [] } },
  ),
  'retainKeys: wrong use': meta(
    { metadata: { labels: { $retainKeys: 'a' } } },
    { metadata: { labels: { $retainKeys: null } } },
    { metadata: { labels: { $retainKeys: [] } } },
    { metadata: { labels: { $retainKeys: [1] } } },
    { metadata: { labels: { $retainKeys: ['a'], b: '3' } } },
    { metadata: { labels: { $retainKeys: ['a', 'z'], b: null, z: '3' } } },
    { metadata: { labels: { $retainKeys: ['z'] } } },
  ),
  'directives: wrong use': meta(
    { metadata: { labels: { $patch: null } } },
    { metadata: { labels: { $patch: 1 } } },
    { metadata: { labels: { $patch: 'Replace' } } },
    { metadata: { labels: { $patch: ['replace'] } } },
    { metadata: { labels: { $patch: '' } } },
    { spec: { containers: [{ $patch: 'merge', name: 'c', image: 'j' }] } },
    { spec: { containers: [{ $patch: 'nonsense', name: 'c', image: 'j' }] } },
    { spec: { containers: [{ $patch: 'delete' }] } },
    { spec: { containers: [{ $patch: 'delete', image: 'j' }] } },
    { spec: { containers: [{ $patch: 1, name: 'c' }] } },
    { spec: { containers: [{ image: 'j' }] } },
    { spec: { containers: [{ name: null, image: 'j' }] } },
    { spec: { containers: [{ name: 7, image: 'j' }] } },
    { spec: { containers: [{ name: 'd', $patch: 'delete' }] } },
    { spec: { volumes: [{ name: 'v', $patch: 'replace' }] } },
    { $unknown: 1 },
    { metadata: { '$setElement/none': [] } },
  ),
  'map directives': meta(
    { metadata: { labels: { $patch: 'replace', z: '1' } } },
    { metadata: { labels: { $patch: 'delete', z: '1' } } },
    { metadata: { labels: { k: '1' }, annotations: { $patch: 'replace', a: 'b' } } },
    { metadata: { annotations: { $patch: 'delete' } } },
    { metadata: { labels: null } },
  ),
  'ownerReferences merge by uid': async (s) => {
    await s.create('configmaps', {
      metadata: { name: 'c', ownerReferences: [{ apiVersion: 'x/v1', kind: 'Foreign', name: 'one', uid: 'u1' }] },
    });
    const patch = (ownerReferences: unknown, more: object = {}) =>
      s.patch('strategic', 'configmaps/c', { metadata: { ownerReferences, ...more } });
    await patch([{ uid: 'u1', name: 'other' }]);
    await patch([{ uid: 'u2', apiVersion: 'x/v1', kind: 'Foreign', name: 'two' }], {
      '$setElementOrder/ownerReferences': [{ uid: 'u2' }, { uid: 'u1' }],
    });
    await patch([{ uid: 'u1', $patch: 'delete' }]);
    await patch([{ uid: 'u2', blockOwnerDeletion: true, controller: null }]);
    await patch([{ $patch: 'replace' }, { uid: 'u3', apiVersion: 'x/v1', kind: 'Foreign', name: 'three' }]);
    await patch([{ $patch: 'replace' }]);
  },
  'conditions merge by type': inStatus(
    { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at }] },
    {
      conditions: [
        { type: 'New', status: 'Unknown', lastTransitionTime: at, lastProbeTime: at },
        { type: 'Initialized', message: null },
      ],
    },
    {
      '$setElementOrder/conditions': [{ type: 'Ready' }, { type: 'Initialized' }, { type: 'New' }],
      conditions: [{ type: 'New', message: 'x' }],
    },
    { conditions: [{ type: 'Ready', $patch: 'delete' }] },
    { conditions: [{ $patch: 'replace' }, { type: 'Only', status: 'True', lastProbeTime: at, lastTransitionTime: at }] },
    { conditions: null },
  ),
  'addresses merge by ip': inStatus(
    { podIPs: [{ ip: 'fd00::1' }] },
    { podIPs: [{ ip: 'fd00::1', $patch: 'delete' }] },
    { podIPs: [{ $patch: 'replace' }, { ip: '10.0.0.1' }, { ip: 'fd00::2' }] },
  ),
  'bodies that are no patch': text(
    '',
    'null',
    '[]',
    '"a"',
    '1',
    '{"data":{"a":1}}',
    '{"data":{"a":null,"a":"x"}}',
    '{"kind":"Secret"}',
    '{"apiVersion":"v2"}',
    '{"metadata":null}',
    '{"metadata":{"name":"other"}}',
    '{"metadata":{"resourceVersion":"1"}}',
    '{"metadata":{"uid":"other"}}',
    '{"metadata":{"resourceVersion":"x"}}',
    '{"metadata":{"namespace":"other"}}',
    '{"metadata":{"creationTimestamp":null,"generation":7}}',
    '{"unknown":1}',
  ),
  'what is not there': async (s) => {
    await s.patch('strategic', 'configmaps/none', { data: { a: 'b' } });
    await s.patch('strategic', 'configmaps/none', { data: { $patch: 'x' } });
    await s.patch('strategic', 'functions/none', { data: { $patch: 'x' } });
    await s.create('configmaps', { metadata: { name: 'c' }, data: { a: '1' } }, { quiet: true });
    await s.patch('strategic', 'configmaps/c', { data: { a: '2' } }, { type: 'application/nonsense' });
    await s.patch('strategic', 'configmaps/c', { data: { a: '2' } }, { type: 'application/json' });
    await s.patch('strategic', 'configmaps/c', { data: { a: '2' } }, { type: '' });
    await s.patch('strategic', 'configmaps/c', { data: { a: '2' } }, { type: 'application/strategic-merge-patch+json; charset=utf-8' });
    await s.patch('strategic', 'configmaps/c', { data: { a: '2' } }, { type: 'Application/Strategic-Merge-Patch+JSON' });
  },
};
