/** What the two servers are asked: by name, what it is about. */
import type { Case, Step } from './script.ts';

const apply = (manager: string, body: object, query: Record<string, string> = {}): Step => ({
  do: 'apply',
  body,
  query: { fieldManager: manager, ...query },
});
const force = { force: 'true' };
const merge = (body: object, query: Record<string, string> = {}): Step => ({ do: 'merge', body, query });
const get: Step = { do: 'get' };

const configMaps: Record<string, readonly Step[]> = {
  'create, update and patches': [
    { do: 'create', body: { data: { a: '1', b: '2' }, metadata: { labels: { l: 'x' } } } },
    merge({ data: { a: '3' } }, { fieldManager: 'patcher' }),
    { do: 'json', body: [{ op: 'add', path: '/data/c', value: 'z' }], userAgent: 'jsoner' },
    { do: 'strategic', body: { data: { b: null } }, query: { fieldManager: 'strategist' } },
    { do: 'update', body: { data: { only: 'this' } }, userAgent: 'kubectl/v1.36 (linux)' },
  ],
  'nothing changes': [
    { do: 'create', body: { data: { a: '1' } } },
    merge({ data: { a: '1' } }, { fieldManager: 'other' }),
    { do: 'update', body: { data: { a: '1' } }, query: { fieldManager: 'other' } },
    apply('one', { data: { a: '1' } }),
    apply('one', { data: { a: '1' } }),
    get,
  ],
  'apply creates': [apply('one', { data: { a: '1' }, metadata: { labels: { l: 'x' }, annotations: { k: 'v' } } }), get],
  'apply again, with more and less': [
    apply('one', { data: { a: '1', b: '2' } }),
    apply('one', { data: { a: '1', c: '3' } }),
    apply('one', { data: { a: '2' } }),
    apply('one', {}),
    get,
  ],
  'a conflict and force': [
    apply('one', { data: { a: '1', b: '2' } }),
    apply('two', { data: { a: '9' } }),
    apply('two', { data: { a: '9', b: '8', c: '7' } }),
    apply('two', { data: { a: '9' } }, force),
    apply('one', { data: { b: '2' } }),
    apply('one', { data: { a: '1', b: '2' } }),
    get,
  ],
  'two have the same': [
    apply('one', { data: { a: '1', b: '2' } }),
    apply('two', { data: { a: '1' } }),
    apply('one', { data: { b: '2' } }),
    apply('two', {}),
    get,
  ],
  'an update takes what was applied': [
    apply('one', { data: { a: '1', b: '2' } }),
    merge({ data: { a: 'x' } }, { fieldManager: 'editor' }),
    apply('one', { data: { a: '1', b: '2' } }),
    apply('one', { data: { b: '2' } }),
    apply('one', { data: { a: 'y', b: '2' } }, force),
    get,
  ],
  'conflicts with several': [
    apply('one', { data: { a: '1' } }),
    apply('two', { data: { b: '1' } }),
    merge({ data: { c: '1' }, metadata: { labels: { l: 'm' } } }, { fieldManager: 'editor' }),
    apply('three', { data: { a: '2', b: '2', c: '2' }, metadata: { labels: { l: 'n' } } }),
    apply('three', { data: { a: '2', b: '2', c: '2' }, metadata: { labels: { l: 'n' } } }, force),
  ],
  'what others removed': [
    apply('one', { data: { a: '1', b: '2' } }),
    merge({ data: { a: null } }, { fieldManager: 'editor' }),
    merge({ data: null }, { fieldManager: 'editor' }),
    apply('one', { data: { a: '1' } }),
  ],
  'before the first apply': [
    { do: 'create', body: { data: { a: '1' } } },
    merge({ metadata: { managedFields: [{}] } }),
    merge({ data: { b: '2' } }),
    apply('one', { data: { a: '2' } }),
    apply('one', { data: { a: '2' } }, force),
  ],
  'managers forgotten': [
    { do: 'create', body: { data: { a: '1' } } },
    { do: 'update', body: { data: { a: '1' }, metadata: { managedFields: [] } } },
    { do: 'update', body: { data: { a: '1', b: '2' } } },
    apply('one', { data: { c: '1' } }),
    { do: 'json', body: [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }] },
    get,
  ],
  'managers corrected': [
    { do: 'create', body: { data: { a: '1' } } },
    apply('one', { data: { b: '1' } }),
    { do: 'json', body: [{ op: 'replace', path: '/metadata/managedFields/0/manager', value: 'renamed' }] },
    { do: 'json', body: [{ op: 'remove', path: '/metadata/managedFields/1' }] },
    { do: 'json', body: [{ op: 'remove', path: '/metadata/managedFields/0' }] },
    { do: 'json', body: [{ op: 'add', path: '/metadata/managedFields/0/operation', value: 'Odd' }] },
    get,
  ],
  'managers on create': [
    {
      do: 'create',
      body: {
        data: { a: '1', b: '2' },
        metadata: {
          managedFields: [
            {
              manager: 'given',
              operation: 'Apply',
              apiVersion: 'v1',
              fieldsType: 'FieldsV1',
              time: '2020-01-01T00:00:00Z',
              fieldsV1: { 'f:data': { 'f:a': {} } },
            },
          ],
        },
      },
    },
    apply('given', { data: { b: '2' } }),
  ],
  'managedFields in a configuration': [apply('one', { data: { a: '1' }, metadata: { managedFields: [{}] } }), get],
  'dry runs': [
    apply('one', { data: { a: '1' } }, { dryRun: 'All' }),
    apply('one', { data: { a: '1' } }),
    apply('one', { data: { a: '2' } }, { dryRun: 'All' }),
    merge({ data: { a: '3' } }, { dryRun: 'All' }),
    apply('two', { data: { a: '2' } }, { dryRun: 'All' }),
    get,
  ],
  'nulls and empties': [
    apply('one', { data: { a: '' }, metadata: { labels: {} } }),
    apply('one', { data: {} }),
    apply('one', { data: null }),
    apply('one', { data: { a: '1' }, binaryData: {}, immutable: null }),
    apply('one', { data: { a: null } }),
    get,
  ],
  'options that are wrong': [
    { do: 'apply', body: { data: {} } },
    apply('', { data: {} }),
    apply('x'.repeat(129), { data: {} }),
    apply('a\nb', { data: {} }),
    { do: 'create', body: { data: {} }, query: { fieldManager: 'x'.repeat(129) } },
    { do: 'create', body: { data: {} }, query: { dryRun: 'Some', fieldManager: 'a\n' } },
    merge({ data: {} }, { force: 'true' }),
    apply('a', { data: {} }, { fieldValidation: 'Odd' }),
  ],
  'configurations that are wrong': [
    apply('one', { data: { a: 1 } }),
    apply('one', { data: 'x' }),
    apply('one', { odd: 1 }),
    apply('one', { data: { a: { b: [true] } } }),
    apply('one', { data: ['x', 1] }),
    apply('one', { immutable: 'x' }),
    apply('one', { data: { a: '1' }, kind: 'Secret' }),
    apply('one', { data: { a: '1' }, apiVersion: 'v2' }),
    { do: 'apply', text: '{"metadata":{"name":"NAME"}}', query: { fieldManager: 'one' } },
    { do: 'apply', text: 'apiVersion: v1\nkind: ConfigMap\ndata: {a: "1"}', query: { fieldManager: 'one' } },
    apply('one', { metadata: { name: 'other' } }),
    apply('one', { metadata: { namespace: 'other' } }),
    apply('one', { metadata: { resourceVersion: '1' } }),
    apply('one', { metadata: { uid: 'x' } }),
    get,
  ],
  YAML: [
    { do: 'apply', text: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: NAME\ndata:\n  a: "1"\n', query: { fieldManager: 'one' } },
    {
      do: 'apply',
      text: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {a: "1", b: x}\n',
      query: { fieldManager: 'one' },
    },
  ],
  'YAML that is none': [
    { do: 'apply', text: '- a', query: { fieldManager: 'one' } },
    { do: 'apply', text: 'x', query: { fieldManager: 'one' } },
    { do: 'apply', text: '', query: { fieldManager: 'one' } },
  ],
  'keys that stand twice': ['Strict', 'Warn', 'Ignore'].map((fieldValidation) => ({
    do: 'apply',
    text: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata:\n  a: "1"\n  a: "2"\n',
    query: { fieldManager: 'one', fieldValidation },
  })),
  'versions in a configuration': [
    apply('one', { data: { a: '1' } }),
    apply('one', { data: { a: '2' }, metadata: { resourceVersion: '1' } }),
    apply('one', { data: { a: '3' }, metadata: { uid: 'other' } }),
  ],
  finalizers: [
    apply('one', { metadata: { finalizers: ['a.b/c'] } }),
    apply('two', { metadata: { finalizers: ['d.e/f'] } }),
    apply('one', { metadata: { finalizers: ['x.y/z', 'a.b/c'] } }),
    apply('one', { metadata: { finalizers: ['a.b/c'] } }),
    merge({ metadata: { finalizers: ['d.e/f', 'g.h/i'] } }),
    apply('two', {}),
    { do: 'delete' },
    merge({ metadata: { finalizers: null } }),
  ],
  // The garbage collector would take the object if it were stored.
  owners: [
    apply('one', { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u1' }] } }, { dryRun: 'All' }),
    {
      do: 'create',
      body: { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u1' }] } },
      query: { dryRun: 'All' },
    },
  ],
  'labels and annotations': [
    { do: 'create', body: { metadata: { labels: { a: '1' }, annotations: { x: '1' } } } },
    apply('one', { metadata: { labels: { b: '2' }, annotations: { 'a.b/c': 'd' } } }),
    merge({ metadata: { labels: { a: null, b: '3' } } }),
    apply('one', { metadata: { annotations: {} } }),
  ],
  'many updaters': [
    { do: 'create', body: { data: { a: '0' } } },
    ...Array.from({ length: 12 }, (_, index) =>
      merge({ data: { [`k${index}`]: 'x' } }, { fieldManager: `m${String(index).padStart(2, '0')}` }),
    ),
    get,
  ],
  'an applier that also updates': [
    apply('one', { data: { a: '1', b: '1' } }),
    merge({ data: { a: '2' } }, { fieldManager: 'one' }),
    apply('one', { data: { a: '1', b: '1' } }),
    apply('one', { data: { a: '1', b: '1' } }, force),
  ],
  'from client-side apply': [
    {
      do: 'create',
      body: {
        data: { a: '1', b: '2' },
        metadata: {
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration':
              '{"apiVersion":"v1","data":{"a":"1","b":"2"},"kind":"ConfigMap","metadata":{"name":"NAME"}}\n',
          },
        },
      },
      query: { fieldManager: 'kubectl-client-side-apply' },
    },
    apply('kubectl', { data: { a: '3' } }),
    apply('kubectl', { data: { a: '4' }, metadata: { annotations: { x: 'y' } } }),
    apply('two', { data: { b: '4' } }),
    get,
  ],
  'from client-side apply, changed meanwhile': [
    {
      do: 'create',
      body: {
        data: { a: '1', b: '2' },
        metadata: {
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration': '{"apiVersion":"v1","data":{"a":"1","b":"2"},"kind":"ConfigMap"}',
          },
        },
      },
      query: { fieldManager: 'kubectl-client-side-apply' },
    },
    merge({ data: { a: 'x' } }, { fieldManager: 'editor' }),
    apply('kubectl', { data: { a: '3', b: '3' } }),
    apply('kubectl', { data: { a: '3', b: '3' } }, force),
  ],
  'odd keys': [
    apply('one', { data: { __proto__: '1', 'a.b': '2', '1': '3' } }),
    apply('one', { data: { constructor: '4' } }),
    apply('two', { data: { constructor: '5' } }),
  ],
};

const container = (more: object = {}): object => ({ name: 'a', image: 'i', ...more });
const pod = (containers: readonly object[], more: object = {}): object => ({
  spec: { automountServiceAccountToken: false, containers, ...more },
});
const condition = (type: string, status: string): object => ({
  type,
  status,
  lastProbeTime: '2026-01-01T00:00:00Z',
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const env = (name: string, value: string): object => ({ name, value });

const podCases: Record<string, readonly Step[]> = {
  created: [
    {
      do: 'create',
      body: pod([container({ env: [env('A', '1')], ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } } })], {
        volumes: [{ name: 'v', emptyDir: {} }],
        nodeSelector: { a: 'b' },
      }),
    },
    get,
  ],
  applied: [
    apply('one', pod([container({ env: [env('A', '1')], ports: [{ containerPort: 80 }], args: ['a'] })])),
    get,
    apply('one', pod([container({ env: [env('A', '1')], ports: [{ containerPort: 80 }], args: ['a'] })])),
  ],
  'created with probes': [
    {
      do: 'create',
      body: pod(
        [
          container({
            livenessProbe: { exec: { command: ['a'] } },
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
            securityContext: { runAsUser: 1 },
          }),
          container({ name: 'b' }),
        ],
        { initContainers: [container({ name: 'i' })], volumes: [{ name: 'v', configMap: { name: 'c' } }], securityContext: {} },
      ),
    },
  ],
  'image changed': [
    { do: 'create', body: pod([container()]) },
    { do: 'strategic', body: { spec: { containers: [{ name: 'a', image: 'j' }] } }, query: { fieldManager: 'kubectl-set' } },
    apply('one', pod([container({ image: 'k' })])),
    apply('one', pod([container({ image: 'k' })]), force),
  ],
  'labels by reconcilers': [
    { do: 'create', body: { ...pod([container()]), metadata: { labels: { app: 'x' } } }, query: { fieldManager: 'tsumugi' } },
    merge({ metadata: { labels: { revision: 'r' }, annotations: { a: 'b' } } }, { fieldManager: 'tsumugi' }),
    merge({ metadata: { labels: { app: null } } }, { fieldManager: 'other' }),
  ],
  status: [
    { do: 'create', body: pod([container()]) },
    {
      do: 'merge',
      subresource: 'status',
      body: { status: { phase: 'Running', hostIP: '10.0.0.1', hostIPs: [{ ip: '10.0.0.1' }] } },
      query: { fieldManager: 'kubelet' },
    },
    {
      do: 'strategic',
      subresource: 'status',
      body: { status: { conditions: [condition('Ready', 'True')] } },
      query: { fieldManager: 'kubelet' },
    },
    {
      do: 'strategic',
      subresource: 'status',
      body: {
        status: {
          conditions: [condition('Ready', 'False'), condition('X', 'True')],
        },
      },
      query: { fieldManager: 'other' },
    },
    { ...apply('three', { status: { conditions: [condition('Ready', 'Unknown')] } }), subresource: 'status' },
    { ...apply('three', { status: { conditions: [condition('Y', 'Unknown')] } }), subresource: 'status' },
    { do: 'merge', body: { status: { phase: 'Failed' } }, query: { fieldManager: 'cheat' } },
    get,
  ],
  'lists that are wrong': [
    apply('one', pod([container(), container()])),
    apply('one', pod([{ image: 'x' }])),
    apply('one', pod([container({ env: [env('A', '1'), env('A', '2')] })])),
    apply('one', pod(['x' as never])),
    apply('one', { spec: { containers: {} } }),
    apply('one', { spec: { containers: [{ name: 'a', ports: [{ name: 'p' }] }] } }),
  ],
  'a variable twice': [
    { do: 'create', body: pod([container({ env: [env('A', '1'), env('A', '2'), env('B', '1')] })]) },
    apply('one', pod([container({ env: [env('B', '1')] })])),
  ],
  'ports by two keys': [apply('one', pod([container({ ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }] })]))],
  'deleted with a finalizer': [
    { do: 'create', body: { ...pod([container()]), metadata: { finalizers: ['a.b/c'] } } },
    { do: 'delete' },
    merge({ metadata: { finalizers: [] } }, { fieldManager: 'last' }),
  ],
};

const secrets: Record<string, readonly Step[]> = {
  stringData: [{ do: 'create', body: { stringData: { a: 'b' } } }, merge({ stringData: { c: 'd' } }), get],
  applied: [
    apply('one', { data: { a: 'YQ==' }, type: 'Opaque' }),
    apply('one', { stringData: { b: 'x' } }),
    apply('two', { data: { a: 'Yg==' } }),
    apply('two', { data: { b: 'Yg==' } }),
    get,
  ],
};

const leases: Record<string, readonly Step[]> = {
  held: [
    { do: 'create', body: { spec: { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.000000Z' } } },
    {
      do: 'update',
      change: (now: { spec: object }) => ({ ...now, spec: { ...now.spec, holderIdentity: 'b', leaseTransitions: 1 } }),
      query: { fieldManager: 'b' },
    },
    apply('one', { spec: { holderIdentity: 'c' } }),
    apply('one', { spec: { holderIdentity: 'c' } }, force),
    apply('one', {}),
  ],
};

const source = { inline: 'export default () => 1' };
const fn = (more: object = {}): object => ({ spec: { runtime: 'node', source, ...more } });

const functions: Record<string, readonly Step[]> = {
  created: [{ do: 'create', body: fn({ env: [env('A', '1')], scale: { max: 3 } }) }, get],
  applied: [apply('one', fn({ env: [env('A', '1')] })), apply('one', fn({ env: [env('A', '1')] })), apply('one', fn()), get],
  'two appliers': [
    apply('one', fn({ env: [env('A', '1')] })),
    apply('two', { spec: { env: [env('B', '2')] } }),
    apply('two', { spec: { env: [env('B', '2')], timeoutSeconds: 9 } }),
    apply('one', fn({ timeoutSeconds: 8 })),
    apply('one', fn({ timeoutSeconds: 8 }), force),
    apply('two', { spec: {} }),
  ],
  status: [
    { do: 'create', body: fn() },
    {
      do: 'merge',
      subresource: 'status',
      body: {
        status: {
          url: 'u',
          conditions: [{ type: 'Ready', status: 'True', reason: 'R', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }],
        },
        metadata: { labels: { not: 'taken' } },
      },
      query: { fieldManager: 'tsumugi' },
    },
    { do: 'merge', body: { status: { url: 'cheat' } } },
    { ...apply('three', { status: { url: 'w' } }), subresource: 'status' },
    { ...apply('three', { status: { url: 'w' } }, force), subresource: 'status' },
    merge({ spec: { timeoutSeconds: 7 } }),
    get,
  ],
  'configurations that are wrong': [
    apply('one', fn({ odd: 1 })),
    apply('one', fn({ timeoutSeconds: 'x' })),
    apply('one', fn({ env: [env('A', '1'), env('A', '2')] })),
    apply('one', { spec: {} }),
    apply('one', {}),
  ],
  nulls: [apply('one', fn({ timeoutSeconds: null })), apply('one', fn({ env: [] })), merge({ spec: { env: null } })],
  'lists emptied': [
    apply('one', fn({ env: [env('A', '1')] })),
    apply('one', fn({ env: [] })),
    apply('one', fn({ env: [] })),
    apply('two', { spec: { env: [env('B', '1')] } }),
    apply('one', fn({ env: [env('A', '1')] })),
    apply('one', fn()),
  ],
  updates: [
    { do: 'create', body: fn(), query: { fieldManager: 'tsumugi' } },
    {
      do: 'update',
      change: (now: { spec: object }) => ({ ...now, spec: { ...now.spec, timeoutSeconds: 5, env: [env('X', '1')] } }),
      query: { fieldManager: 'tsumugi' },
    },
    {
      do: 'update',
      change: (now: { spec: object }) => ({ ...now, spec: { ...now.spec, env: [env('X', '1'), env('Y', '1')] } }),
      query: { fieldManager: 'other' },
    },
    { do: 'update', change: (now: object) => now },
    { do: 'json', body: [{ op: 'remove', path: '/spec/env/0' }], query: { fieldManager: 'third' } },
  ],
};

const about = { involvedObject: { kind: 'Pod', name: 'p', namespace: 'NAMESPACE' } };

const events: Record<string, readonly Step[]> = {
  'happened once, then again': [
    { do: 'create', body: { ...about, reason: 'R', count: 1, source: { component: 'c' }, firstTimestamp: '2026-01-01T00:00:00Z' } },
    { do: 'strategic', body: { count: 2, lastTimestamp: '2026-01-01T00:00:01Z' }, query: { fieldManager: 'two' } },
    apply('one', { ...about, reason: 'S' }),
    apply('one', { ...about, reason: 'S' }, force),
  ],
};

/** Not stored: a namespace of each would have to go again. */
const dry = { dryRun: 'All' };
const others: readonly [Case['kind'], Record<string, readonly Step[]>][] = [
  [
    'Namespace',
    {
      dry: [
        { do: 'create', body: { metadata: { labels: { a: 'b' } } }, query: dry },
        apply('one', { metadata: { labels: { a: 'b' } } }, dry),
        apply('one', { spec: { finalizers: ['a.b/c'] } }, dry),
      ],
    },
  ],
  [
    'ServiceAccount',
    {
      plain: [
        { do: 'create', body: {} },
        apply('one', { metadata: { labels: { a: 'b' } }, imagePullSecrets: [{ name: 's' }] }),
        apply('one', {}),
      ],
    },
  ],
];

const routes: Record<string, readonly Step[]> = {
  sets: [
    apply('one', { spec: { match: { path: '/a', methods: ['GET'] }, backend: { function: 'f' } } }),
    apply('two', { spec: { match: { methods: ['POST'] } } }),
    apply('two', { spec: { match: { methods: ['POST', 'POST'] } } }),
    apply('one', { spec: { match: { path: '/a' }, backend: { function: 'f' } } }),
    merge({ spec: { match: { methods: ['GET', 'PUT'] } } }),
    { do: 'merge', subresource: 'status', body: { status: { conditions: [] } } },
  ],
};

const named = (kind: Case['kind'], cases: Record<string, readonly Step[]>): [string, Case][] =>
  Object.entries(cases).map(([name, steps]) => [`${kind}: ${name}`, { kind, steps }]);

export const cases: readonly [string, Case][] = [
  ...named('ConfigMap', configMaps),
  ...named('Pod', podCases),
  ...named('Secret', secrets),
  ...named('Lease', leases),
  ...named('Event', events),
  ...others.flatMap(([kind, each]) => named(kind, each)),
  ...named('Function', functions),
  ...named('Route', routes),
];
