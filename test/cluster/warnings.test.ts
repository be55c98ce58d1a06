/** Leases, and what new objects are warned of: a real API server and ours say the same. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { serviceAccounts } from '../../src/resources/resources.ts';
import { openPair, type Pair } from './pair.ts';
import type { RawAnswer } from './raw.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

const leases: readonly (object | undefined)[] = [
  undefined,
  {},
  { holderIdentity: '' },
  { holderIdentity: null },
  { holderIdentity: 'a', leaseDurationSeconds: 0 },
  { leaseDurationSeconds: -1, leaseTransitions: -1 },
  { leaseDurationSeconds: 1.5 },
  { leaseTransitions: 3e9 },
  { strategy: 'OldestEmulationVersion', preferredHolder: 'a' },
  { strategy: 'a/b/c' },
  { acquireTime: 'x' },
  { acquireTime: '2026-01-01T00:00:00Z' },
  { renewTime: '2026-01-01T00:00:00.123Z' },
  { renewTime: '2026-01-01T00:00:00.123456Z' },
  { renewTime: '2026-01-01T01:00:00.123456+01:00', acquireTime: '2026-01-01T00:00:00.000000Z' },
];

const container = (more: object = {}): object => ({ name: 'a', image: 'i', ...more });
const pod = (spec: object = {}, metadata: object = {}): object => ({
  metadata: { name: 'x', ...metadata },
  spec: { automountServiceAccountToken: false, containers: [container()], ...spec },
});
const twice = [
  { name: 'A', value: '1' },
  { name: 'A', value: '2' },
];

const pods: Readonly<Record<string, object>> = {
  'a name that is no label': pod({}, { name: 'a.b' }),
  'a name too long for a host': pod({ hostname: 'h' }, { name: 'x'.repeat(64) }),
  'variables that hide others': pod({
    containers: [container({ env: [...twice, ...twice] })],
    initContainers: [container({ name: 'b', env: twice })],
  }),
  'old labels': pod({
    nodeSelector: Object.fromEntries(
      ['beta.kubernetes.io/arch', 'beta.kubernetes.io/instance-type', 'failure-domain.beta.kubernetes.io/zone', 'ok'].map((key) => [
        key,
        'a',
      ]),
    ),
  }),
  'old volumes': pod({
    volumes: [
      { name: 'a', gitRepo: { repository: 'r' } },
      { name: 'b', cephfs: { monitors: ['m'] } },
      { name: 'c', storageos: { volumeName: 'v' } },
      { name: 'd', emptyDir: {} },
    ],
  }),
  'secrets that stand twice': pod({ imagePullSecrets: [{ name: 'a' }, { name: 'a' }, { name: '' }, {}] }),
  'parts of bytes': pod({
    containers: [container({ resources: { limits: { memory: '100m', cpu: '100m' }, requests: { 'ephemeral-storage': '0.5' } } })],
  }),
  'ports that stand twice': pod({
    containers: [
      container({
        ports: [{ containerPort: 80 }, { containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }, { containerPort: 81, hostPort: 9 }],
      }),
      container({ name: 'b', ports: [{ containerPort: 80 }, { containerPort: 81 }, { containerPort: 81, hostPort: 10 }] }),
    ],
  }),
  'nothing to say': pod(),
};

describe.runIf(path)('leases and warnings on a real API server and on ours', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await openPair(path as string);
    // A namespace takes pods once it has its account.
    await vi.waitFor(() => pair.client.get(serviceAccounts, { namespace: pair.namespace, name: 'default' }), { timeout: 30_000 });
  });
  afterAll(() => pair?.close());

  const shown = ({ status, warnings, body }: RawAnswer): object => {
    const { message, spec } = body as { message?: string; spec?: object };
    return { status, warnings: warnings.toSorted(), message, spec };
  };

  it.each(leases.map((spec) => [spec]))('a Lease of %j', async (spec) => {
    const url = `/apis/coordination.k8s.io/v1/namespaces/${pair.namespace}/leases?dryRun=All`;
    const { theirs, mine } = await pair.ask({ method: 'POST', path: url, body: { metadata: { name: 'x' }, ...(spec && { spec }) } });
    expect(shown(mine)).toEqual(shown(theirs));
  });

  const expectSameWords = async (url: string, body: object): Promise<void> => {
    const { theirs, mine } = await pair.ask({ method: 'POST', path: `${url}?dryRun=All`, body });
    expect({ ...shown(mine), spec: undefined }).toEqual({ ...shown(theirs), spec: undefined });
  };

  it.each(Object.entries(pods))('a Pod with %s', async (_, body) => expectSameWords(`/api/v1/namespaces/${pair.namespace}/pods`, body));

  it.each(['foo', 'a b', 'a.b/c', 'kubernetes'])('finalizer %j', async (finalizer) => {
    const metadata = { name: 'x', finalizers: [finalizer] };
    for (const [url, more] of [
      [`/api/v1/namespaces/${pair.namespace}/configmaps`, {}],
      [`/apis/coordination.k8s.io/v1/namespaces/${pair.namespace}/leases`, {}],
      ['/apis/tsumugi.dev/v1/runtimes', { apiVersion: 'tsumugi.dev/v1', kind: 'Runtime', spec: { image: 'i' } }],
    ] as const)
      await expectSameWords(url, { ...more, metadata });
  });

  it('an account with an old annotation', async () => {
    const metadata = { name: 'x', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } };
    await expectSameWords(`/api/v1/namespaces/${pair.namespace}/serviceaccounts`, { metadata });
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
