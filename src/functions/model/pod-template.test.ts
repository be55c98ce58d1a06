import { expect, test } from 'vitest';
import type { RuntimeResource } from '../../resources/runtime.ts';
import { isUpToDate, podImage, poolPod } from './pod-template.ts';

const runtime = (resources?: RuntimeResource['spec']['resources']): RuntimeResource => ({
  apiVersion: 'tsumugi.dev/v1',
  kind: 'Runtime',
  metadata: { name: 'node', uid: 'u1' },
  spec: { image: 'tsumugi/node', ...(resources && { resources }) } as RuntimeResource['spec'],
});
const common = { namespace: 'default', runtime: 'node', pod: {} };
const kubernetes = { publicKey: 'KEY', images: new Map([['tsumugi/node', 'registry.example/node:1']]) };

test('on one machine a pod has no more than its image and its limits', () => {
  const { spec } = poolPod(common, runtime({ limits: { memory: '512Mi' } }));
  expect(spec.containers).toEqual([{ name: 'function', image: 'tsumugi/node', resources: { limits: { memory: '512Mi' } } }]);
  expect(spec.volumes).toBeUndefined();
});

test('on Kubernetes it knows who it is, whom it obeys and where to listen, and can write to four folders alone, two of them in memory', () => {
  const { spec } = poolPod(common, runtime(), kubernetes);
  const [container] = spec.containers;
  expect(container?.env?.map(({ name, value, valueFrom }) => [name, value ?? valueFrom?.fieldRef?.fieldPath])).toEqual([
    ['TSUMUGI_POD_UID', 'metadata.uid'],
    ['TSUMUGI_POD_IP', 'status.podIP'],
    ['TSUMUGI_LISTEN', 'tcp:$(TSUMUGI_POD_IP):8700'],
    ['TSUMUGI_PUBLIC_KEY', 'KEY'],
  ]);
  expect(container?.workingDir).toBe('/work');
  expect(container?.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  expect(container?.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(['/work', '/tmp', '/secrets', '/configs']);
  expect(spec.volumes?.slice(2).map(({ emptyDir }) => emptyDir)).toEqual([{ medium: 'Memory' }, { medium: 'Memory' }]);
  expect(spec.automountServiceAccountToken).toBe(false);
});

test('an image is the reference that the nodes know; one without is taken as it stands', () => {
  expect(podImage(runtime(), kubernetes)).toBe('registry.example/node:1');
  expect(podImage(runtime(), { ...kubernetes, images: new Map() })).toBe('tsumugi/node');
  expect(podImage(runtime(), undefined)).toBe('tsumugi/node');
});

test.each([
  [undefined, { cpu: '10m', memory: '64Mi' }],
  [{ limits: { memory: '512Mi' } }, { cpu: '10m', memory: '64Mi' }],
  [{ limits: { memory: '32Mi' } }, { cpu: '10m', memory: '32Mi' }],
  [
    { limits: { memory: '512Mi' }, requests: { memory: '256Mi' } },
    { cpu: '10m', memory: '256Mi' },
  ],
])('of %j a kubelet reserves %j', (resources, requests) => {
  expect(poolPod(common, runtime(resources), kubernetes).spec.containers[0]?.resources?.requests).toEqual(requests);
});

test('what a function says of its pods goes before what the runtime says', () => {
  const pod = {
    image: 'tsumugi/own',
    resources: { limits: { memory: '128Mi' }, requests: { cpu: 1 } },
    serviceAccountName: 'robot',
    volumes: [{ name: 'a', configMap: { name: 'c' } }],
    volumeMounts: [{ name: 'a', mountPath: '/a' }],
  };
  const node = runtime({ limits: { memory: '512Mi', cpu: 2 }, requests: { memory: '256Mi' } });
  const images = new Map([['tsumugi/own', 'registry.example/own:1']]);
  for (const made of [
    poolPod({ ...common, hash: 'h', pod }, node),
    poolPod({ ...common, hash: 'h', pod }, node, { ...kubernetes, images }),
  ]) {
    const [container] = made.spec.containers;
    expect(made.metadata.labels).toEqual({ 'tsumugi.dev/runtime': 'node', 'tsumugi.dev/pool': 'h' });
    expect(made.spec).toMatchObject({ serviceAccountName: 'robot', automountServiceAccountToken: true });
    expect(made.spec.volumes?.at(-1)).toEqual(pod.volumes[0]);
    expect(container?.volumeMounts?.at(-1)).toEqual(pod.volumeMounts[0]);
    // The runtime asks for more than the function allows its pods.
    expect(container?.resources).toEqual({ limits: { memory: '128Mi', cpu: 2 }, requests: { memory: '128Mi', cpu: 1 } });
    expect(container?.image).toMatch(/own/);
  }
});

test('it may be pulled with the secrets of the installation, of the runtime and of the function', () => {
  const node = runtime();
  const private_ = { ...node, spec: { ...node.spec, imagePullSecrets: [{ name: 'runtime' }, { name: 'all' }] } };
  const pod = { imagePullSecrets: [{ name: 'own' }] };
  const withSecrets = { ...kubernetes, imagePullSecrets: ['all'] };
  const made = poolPod({ ...common, hash: 'h', pod }, private_, withSecrets);
  expect(made.spec.imagePullSecrets).toEqual([{ name: 'all' }, { name: 'runtime' }, { name: 'own' }]);
  expect(poolPod(common, node, kubernetes).spec.imagePullSecrets).toBeUndefined();

  expect(isUpToDate(made, { pod }, private_, withSecrets)).toBe(true);
  expect(isUpToDate(made, { pod }, private_, { ...withSecrets, imagePullSecrets: ['all', 'new'] })).toBe(false);
  expect(isUpToDate(made, { pod: { image: 'other' } }, private_, withSecrets)).toBe(false);
});

test("the platform's own volumes keep their names from the function's", () => {
  const volumes = [{ name: 'work', emptyDir: {} }];
  const { spec } = poolPod(
    { ...common, hash: 'h', pod: { volumes, volumeMounts: [{ name: 'work', mountPath: '/x' }] } },
    runtime(),
    kubernetes,
  );
  expect(spec.volumes?.map(({ name }) => name)).toEqual(['tsumugi-work', 'tsumugi-tmp', 'tsumugi-secrets', 'tsumugi-configs', 'work']);
  expect(spec.containers[0]?.volumeMounts?.map(({ name, mountPath }) => `${name} ${mountPath}`)).toEqual([
    'tsumugi-work /work',
    'tsumugi-tmp /tmp',
    'tsumugi-secrets /secrets',
    'tsumugi-configs /configs',
    'work /x',
  ]);
});
