/** Built-in kinds on a real API server: the same verdicts and words, the same defaults, the same rows of `kubectl get`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import type { KubeEvent } from '../../src/resources/builtin/event.ts';
import type { ContainerStatus, Pod, PodStatus } from '../../src/resources/builtin/pod.ts';
import { printCells } from '../../src/resources/cells.ts';
import type { FieldError, KindDefinition } from '../../src/resources/kind.ts';
import { check, defaulted, kindOf, prune, typeError } from '../../src/resources/kinds.ts';
import { ApiError, type KubeObject } from '../../src/resources/object.ts';
import { events, namespaces, pods } from '../../src/resources/resources.ts';
import { rawRequest } from './raw.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const namespace = `builtin-${process.pid}`;

const container = (more: object = {}): object => ({ name: 'a', image: 'i', ...more });
const pod = (spec: object): object => ({ kind: 'Pod', spec: { automountServiceAccountToken: false, ...spec } });
const containers = (more: object): object => pod({ containers: [container(more)] });
const volumes = [
  { name: 'v', emptyDir: {} },
  { name: 's', secret: { secretName: 'q' } },
  { name: 'h', hostPath: { path: '/a' } },
  { name: 'c', configMap: { name: 'x' } },
];

const valid: Readonly<Record<string, object>> = {
  'a ConfigMap': { kind: 'ConfigMap', data: { a: 'b', '': undefined, 'x.y-z_1': '' }, binaryData: { c: 'aGk=' }, immutable: true },
  'an empty ConfigMap': { kind: 'ConfigMap', data: {}, immutable: null },
  'a Secret with plain text': { kind: 'Secret', stringData: { a: 'hello', b: '' }, data: { a: 'aaaa', c: null } },
  'a Secret for TLS': { kind: 'Secret', type: 'kubernetes.io/tls', data: { 'tls.crt': '', 'tls.key': '' } },
  'a Secret for basic authentication': { kind: 'Secret', type: 'kubernetes.io/basic-auth', stringData: { username: 'u' } },
  'the least of a Pod': containers({}),
  'a Pod with volumes': pod({
    containers: [
      container({
        volumeMounts: [
          { name: 'v', mountPath: '/v' },
          { name: 's', mountPath: '/s', readOnly: true },
        ],
      }),
    ],
    volumes,
  }),
  'a Pod with probes and ports': containers({
    ports: [{ containerPort: 80, name: 'web' }],
    livenessProbe: { exec: { command: ['a'] } },
    readinessProbe: { httpGet: { port: 'web' } },
  }),
  'a Pod with variables': containers({
    env: [
      { name: 'A', value: 'x' },
      { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'C', valueFrom: { secretKeyRef: { name: 's', key: 'k', optional: true } } },
    ],
    envFrom: [{ prefix: 'P_', configMapRef: { name: 'c' } }],
  }),
  'a Pod with resources': containers({ resources: { limits: { cpu: 1.5, memory: '1024Mi' }, requests: { cpu: '0.5' } } }),
  'a Pod with odd quantities': containers({
    resources: { limits: { cpu: '2000m', memory: '2500000' }, requests: { cpu: '1e0', memory: '1.5Mi' } },
  }),
  'a Pod with init containers': pod({
    initContainers: [container({ name: 'b', image: 'x:1' })],
    containers: [container()],
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 0,
    activeDeadlineSeconds: 5,
  }),
  'an Event': {
    kind: 'Event',
    involvedObject: { kind: 'Pod', name: 'p', namespace },
    type: 'Normal',
    reason: 'R',
    message: 'm',
    count: 2,
    source: { component: 'c' },
  },
};

const invalid: Readonly<Record<string, object>> = {
  'a name that is none': { kind: 'ConfigMap', metadata: { name: 'A_b' } },
  'a name too long': { kind: 'ConfigMap', metadata: { name: 'a'.repeat(254) } },
  'bad labels': { kind: 'ConfigMap', metadata: { labels: { 'a b': 'c d', '': 'x', 'a/b/c': 'y', 'A/b': 'z', ok: 'a'.repeat(64) } } },
  'bad annotations': { kind: 'ConfigMap', metadata: { annotations: { 'a b': 'c d', 'Foo/x': 'y' } } },
  'bad finalizers': { kind: 'ConfigMap', metadata: { finalizers: ['foo', 'a b'] } },
  'a nameless owner': { kind: 'ConfigMap', metadata: { ownerReferences: [{}] } },
  'bad keys': { kind: 'ConfigMap', data: { 'a b': '', '..': '', '.': '', '..x': '', both: '' }, binaryData: { both: '' } },
  'too much data': { kind: 'ConfigMap', data: { a: 'x'.repeat(2 ** 20 + 1) } },
  'a Secret without its keys': { kind: 'Secret', type: 'kubernetes.io/tls' },
  'a Secret with bad keys': { kind: 'Secret', stringData: { 'a b': '' } },
  'a Secret of no account': { kind: 'Secret', type: 'kubernetes.io/service-account-token' },
  'an Event about another namespace': { kind: 'Event', involvedObject: { kind: 'Pod', name: 'p', namespace: 'other' } },
  'a new Event that says little': {
    kind: 'Event',
    involvedObject: { kind: 'Pod', name: 'p', namespace },
    eventTime: '2026-01-01T00:00:00.000000Z',
  },
  'no containers': pod({}),
  'a nameless container': pod({ containers: [{}] }),
  'a container badly named': containers({ name: 'A.b' }),
  'two containers of one name': pod({ containers: [container(), container()], initContainers: [container()] }),
  'unknown policies': pod({
    containers: [container({ imagePullPolicy: 'X', terminationMessagePolicy: 'X' })],
    restartPolicy: 'X',
    dnsPolicy: 'X',
  }),
  'no deadline': pod({ containers: [container()], activeDeadlineSeconds: 0 }),
  'a node badly named': pod({ containers: [container()], nodeName: 'A_b', nodeSelector: { 'a b': 'c d' } }),
  'bad variables': containers({
    env: [
      { name: '' },
      { name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      { name: 'B', valueFrom: {} },
      { name: 'C', valueFrom: { secretKeyRef: {} } },
      { name: 'D', valueFrom: { secretKeyRef: { name: 'a', key: 'a b' } } },
      { name: 'E', valueFrom: { configMapKeyRef: { name: '', key: 'x' } } },
      { name: 'F', valueFrom: { fieldRef: { fieldPath: 'metadata.name' }, configMapKeyRef: { name: 'a', key: 'x' } } },
      { name: 'G', valueFrom: { fieldRef: { fieldPath: 'x' } } },
    ],
  }),
  'variables from nowhere': containers({ envFrom: [{}, { secretRef: {} }, { secretRef: { name: 'a' }, configMapRef: { name: 'b' } }] }),
  'bad ports': containers({
    ports: [
      {},
      { containerPort: 70_000 },
      { containerPort: 80, protocol: 'X' },
      { containerPort: 80, name: 'A_b' },
      { containerPort: 81, name: 'ab', hostPort: -1 },
      { containerPort: 82, name: 'ab' },
    ],
  }),
  'bad mounts': pod({
    containers: [
      container({
        volumeMounts: [
          { name: 'nope', mountPath: '/x' },
          { name: 'v', mountPath: '' },
          { name: 'v', mountPath: '/y' },
          { name: 'v', mountPath: '/y' },
          { name: 'v', mountPath: '/q', subPath: '../a' },
        ],
      }),
    ],
    volumes,
  }),
  'bad volumes': pod({
    containers: [container()],
    volumes: [
      { name: 'v', emptyDir: {} },
      { name: 'v', emptyDir: {} },
      { name: 'A_b' },
      { name: 'w', emptyDir: {}, configMap: { name: 'x' } },
      { name: 's', secret: {} },
      { name: 'c', configMap: {} },
      { name: 'h', hostPath: { path: '' } },
      { name: 'i', hostPath: { path: '/a', type: 'Q' } },
      { name: '' },
    ],
  }),
  'requests over limits': containers({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }),
  'probes of nothing': containers({ livenessProbe: {}, readinessProbe: { httpGet: { port: 80 }, exec: { command: [] } } }),
  nobody: pod({ containers: [container()], securityContext: { runAsUser: -1, fsGroup: -5 } }),
};

const wrongTypes: Readonly<Record<string, object>> = {
  'a number in data': { kind: 'ConfigMap', data: { a: 1 } },
  'a list as data': { kind: 'ConfigMap', data: [] },
  'a text as truth': { kind: 'ConfigMap', immutable: 'x' },
  'a number as label': { kind: 'ConfigMap', metadata: { labels: { a: 1 } } },
  'broken base64': { kind: 'Secret', data: { a: '%%' } },
  'cut base64': { kind: 'Secret', data: { a: 'aGk' } },
  'no time': { kind: 'ConfigMap', metadata: { creationTimestamp: 'x' } },
  'containers that are a text': pod({ containers: 'x' }),
  'a container that is a number': pod({ containers: [5] }),
  'a number among arguments': containers({ args: [1] }),
  'a spec that is a text': { kind: 'Pod', spec: 'x' },
  'half a second': pod({ containers: [], terminationGracePeriodSeconds: 1.5 }),
  'a priority out of range': pod({ containers: [], priority: 3e9 }),
  'a quantity that is none': containers({ resources: { limits: { cpu: '1x' } } }),
};

const waiting = (reason: string): object => ({ waiting: { reason } });
const ended = (exitCode: number, reason = '', more: object = {}): object => ({ terminated: { exitCode, reason, ...more } });
const running = { running: { startedAt: '2026-01-01T00:00:00Z' } };
const state = (name: string, given: object, more: object = {}): ContainerStatus => ({
  name,
  image: 'i',
  imageID: '',
  ready: false,
  restartCount: 0,
  state: given,
  ...more,
});
const ready = { type: 'Ready', status: 'True' } as const;

const statuses: Readonly<Record<string, PodStatus>> = {
  none: {},
  scheduled: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] },
  creating: { phase: 'Pending', containerStatuses: [state('a', waiting('ContainerCreating')), state('b', waiting('ImageUnavailable'))] },
  running: {
    phase: 'Running',
    podIP: '10.0.0.1',
    podIPs: [{ ip: '10.0.0.1' }],
    conditions: [ready],
    containerStatuses: [state('a', running, { ready: true }), state('b', running, { ready: true })],
  },
  'half ready': { phase: 'Running', containerStatuses: [state('a', running, { ready: true }), state('b', running)] },
  restarted: {
    phase: 'Running',
    containerStatuses: [
      state('a', running, { restartCount: 3, lastState: ended(1, 'Error', { finishedAt: '2020-01-01T00:00:00Z' }) }),
      state('b', running, { restartCount: 1 }),
    ],
  },
  crashing: {
    phase: 'Running',
    containerStatuses: [state('a', waiting('CrashLoopBackOff'), { restartCount: 2 }), state('b', running, { ready: true })],
  },
  'one completed': {
    phase: 'Running',
    containerStatuses: [state('a', ended(0, 'Completed')), state('b', running, { ready: true })],
    conditions: [ready],
  },
  'one completed, not ready': {
    phase: 'Running',
    containerStatuses: [state('a', ended(0, 'Completed')), state('b', running, { ready: true })],
  },
  succeeded: { phase: 'Succeeded', containerStatuses: [state('a', ended(0, 'Completed')), state('b', ended(0, 'Completed'))] },
  failed: { phase: 'Failed', containerStatuses: [state('a', ended(137, 'OOMKilled')), state('b', ended(1, 'Error'))] },
  'failed without a reason': { phase: 'Failed', containerStatuses: [state('a', ended(3)), state('b', ended(0, '', { signal: 9 }))] },
  evicted: { phase: 'Failed', reason: 'Evicted', message: 'm' },
  'init waiting': {
    phase: 'Pending',
    initContainerStatuses: [state('i', waiting('PodInitializing'))],
    containerStatuses: [state('a', waiting('PodInitializing')), state('b', waiting('PodInitializing'))],
  },
  'init failed': {
    phase: 'Pending',
    initContainerStatuses: [
      state('i', ended(2, 'Error'), { restartCount: 4, lastState: ended(2, 'Error', { finishedAt: '2020-01-01T00:00:00Z' }) }),
    ],
  },
  'init failed without a reason': { phase: 'Pending', initContainerStatuses: [state('i', ended(2))] },
  'init image away': { phase: 'Pending', initContainerStatuses: [state('i', waiting('ImagePullBackOff'))] },
  'init done': {
    phase: 'Running',
    initContainerStatuses: [state('i', ended(0, 'Completed'), { restartCount: 2 })],
    containerStatuses: [state('a', running, { ready: true }), state('b', running)],
    conditions: [{ type: 'Initialized', status: 'True' }],
  },
};

const sorted = (errors: readonly Partial<FieldError>[]): string[] =>
  [...new Set(errors.map(({ field, reason, message }) => `${field} ${reason} ${message}`))].sort();

describe.runIf(path)('built-in kinds on a real Kubernetes API server', () => {
  let client: ReturnType<typeof createHttpClient>;
  let connection: Awaited<ReturnType<typeof loadConnection>>;

  beforeAll(async () => {
    connection = await loadConnection({ path: path as string });
    client = createHttpClient(connection);
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } };
    await client
      .create({ ...namespaces, plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true }, account)
      .catch(() => undefined);
  });

  afterAll(async () => {
    await client?.delete(namespaces, { name: namespace });
    client?.close();
  });

  const objectOf = (sample: object): KubeObject => {
    const { metadata, ...rest } = sample as Partial<KubeObject>;
    return { apiVersion: 'v1', ...rest, metadata: { name: 'x', namespace, ...(metadata as object) } } as KubeObject;
  };
  const kindOfSample = (sample: object): KindDefinition => kindOf(objectOf(sample)) as KindDefinition;
  const read = (sample: object): KubeObject =>
    defaulted(kindOfSample(sample), prune(kindOfSample(sample).structure, objectOf(JSON.parse(JSON.stringify(sample)) as object)));

  async function refusal(sample: object): Promise<ApiError> {
    const refused = await client.create(kindOfSample(sample), objectOf(sample), { dryRun: true }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(refused instanceof ApiError)) throw new Error('the server took it', { cause: refused });
    return refused;
  }

  it.each(Object.entries(valid))('fills in the same: %s', async (_, sample) => {
    const kind = kindOfSample(sample);
    const sent = read(sample);
    const ours = kind.prepareForCreate?.(sent) ?? sent;
    expect(check(kind, ours)).toEqual([]);
    const theirs = await client.create<KubeObject>(kind, objectOf(sample), { dryRun: true });
    expect(withoutAdmission(theirs)).toEqual(withoutAdmission(ours));
  });

  it.each(Object.entries(invalid))('says the same: %s', async (_, sample) => {
    const ours = check(kindOfSample(sample), read(sample));
    const theirs = await refusal(sample);
    expect(theirs.code).toBe(422);
    expect(sorted(ours)).toEqual(sorted(theirs.status.details?.causes ?? []));
  });

  it.each(Object.entries(wrongTypes))('cannot read it either: %s', async (_, sample) => {
    const { kind, structure } = kindOfSample(sample);
    const theirs = await refusal(sample);
    expect(theirs.status).toMatchObject({
      code: 400,
      message: `${kind} in version "v1" cannot be handled as a ${kind}: ${typeError(structure, objectOf(sample))}`,
    });
  });

  it('prints the same rows of pods', async () => {
    const spec = {
      containers: [container(), container({ name: 'b' })],
      initContainers: [container({ name: 'i' })],
      readinessGates: [{ conditionType: 'Ready' }],
      automountServiceAccountToken: false,
    };
    const names = Object.keys(statuses).map((_, index) => `pod-${String(index).padStart(2, '0')}`);
    for (const [index, status] of Object.values(statuses).entries()) {
      const made = await client.create<Pod>(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: names[index] as string, namespace },
        spec: spec as Pod['spec'],
      });
      await client.update<Pod>(pods, { ...made, status: { ...made.status, ...status } }, { subresource: 'status' });
    }
    await comparesTables(kindOf({ apiVersion: 'v1', kind: 'Pod' }) as KindDefinition);
  });

  it('prints the same rows of events, secrets, config maps and accounts', async () => {
    const about = { kind: 'Pod', name: 'p', namespace, fieldPath: 'spec.containers{a}' };
    const given: Partial<KubeEvent>[] = [
      {
        type: 'Normal',
        reason: 'Started',
        message: ' m \n',
        count: 3,
        firstTimestamp: '2020-01-01T00:00:00Z',
        lastTimestamp: '2021-01-01T00:00:00Z',
        source: { component: 'c', host: 'h' },
      },
      {
        eventTime: '2021-01-01T00:00:00.000000Z',
        reportingComponent: 'tsumugi.dev/node',
        reportingInstance: 'i',
        action: 'A',
        reason: 'R',
        type: 'Warning',
      },
      { series: { count: 7, lastObservedTime: '2022-01-01T00:00:00.000000Z' }, firstTimestamp: '2020-01-01T00:00:00Z' },
      {},
    ];
    for (const [index, event] of given.entries())
      await client.create<KubeEvent>(events, {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `event-${index}`, namespace },
        involvedObject: about,
        ...event,
      });
    for (const sample of ['a ConfigMap', 'a Secret with plain text'])
      await client.create(kindOfSample(valid[sample] as object), objectOf(valid[sample] as object));
    for (const kind of ['Event', 'Secret', 'ConfigMap', 'ServiceAccount'])
      await comparesTables(kindOf({ apiVersion: 'v1', kind }) as KindDefinition);
  });

  /** Compares definitions and cells of the server's Table with ours of the same objects; ages move, so they compare as such. */
  async function comparesTables(kind: KindDefinition): Promise<void> {
    const theirs = await table(`/api/v1/namespaces/${namespace}/${kind.plural}?includeObject=Object`);
    expect(kind.columns.map(({ name, type, format = '', priority = 0 }) => ({ name, type, format, priority }))).toEqual(
      theirs.columnDefinitions.map(({ name, type, format, priority }) => ({ name, type, format, priority })),
    );
    expect(theirs.rows.length).toBeGreaterThan(0);
    for (const { cells, object } of theirs.rows) {
      const ages = printCells(kind, object).map((cell) =>
        typeof cell === 'string' ? cell.replace(/\uE000[^\uE000]*\uE000/g, 'AGE') : cell,
      );
      const shown = cells.map((cell, index) =>
        typeof cell === 'string' && String(ages[index]).includes('AGE') ? cell.replace(/\b(\d+[smhdy])+\b/, 'AGE') : cell,
      );
      expect(ages).toEqual(shown);
    }
  }

  interface Table {
    readonly columnDefinitions: readonly {
      readonly name: string;
      readonly type: string;
      readonly format: string;
      readonly priority: number;
    }[];
    readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: KubeObject }[];
  }

  async function table(url: string): Promise<Table> {
    return (await rawRequest(connection, 'GET', url, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })).body as Table;
  }
});

/** What a real server's admission adds, and what it says of who wrote: not ours to do. */
function withoutAdmission(object: KubeObject): object {
  const { metadata, ...rest } = object;
  const {
    uid: _uid,
    creationTimestamp: _created,
    managedFields: _managed,
    generation: _generation,
    resourceVersion: _version,
    ...meta
  } = metadata;
  const { spec } = rest as { spec?: Record<string, unknown> };
  const added = ['serviceAccountName', 'serviceAccount', 'tolerations', 'priority', 'preemptionPolicy'];
  const dropped =
    rest.kind === 'Event'
      ? {
          firstTimestamp: undefined,
          lastTimestamp: undefined,
          eventTime: undefined,
          reportingComponent: undefined,
          reportingInstance: undefined,
        }
      : {};
  const result = {
    ...rest,
    ...dropped,
    metadata: meta,
    ...(spec && { spec: Object.fromEntries(Object.entries(spec).filter(([key]) => !added.includes(key))) }),
  };
  return JSON.parse(JSON.stringify(result)) as object;
}

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
