import { expect, test } from 'vitest';
import type { RuntimeResource } from '../../resources/runtime.ts';
import { podImage, poolPod } from './pod-template.ts';

const runtime = (resources?: RuntimeResource['spec']['resources']): RuntimeResource => ({
  apiVersion: 'tsumugi.dev/v1',
  kind: 'Runtime',
  metadata: { name: 'node', uid: 'u1' },
  spec: { image: 'tsumugi/node', ...(resources && { resources }) } as RuntimeResource['spec'],
});
const kubernetes = { publicKey: 'KEY', images: new Map([['tsumugi/node', 'registry.example/node:1']]) };

test('on one machine a pod has no more than its image and its limits', () => {
  const { spec } = poolPod('default', runtime({ limits: { memory: '512Mi' } }));
  expect(spec.containers).toEqual([{ name: 'function', image: 'tsumugi/node', resources: { limits: { memory: '512Mi' } } }]);
  expect(spec.volumes).toBeUndefined();
});

test('on Kubernetes it knows who it is, whom it obeys and where to listen, and can write to two folders alone', () => {
  const { spec } = poolPod('default', runtime(), kubernetes);
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
  expect(container?.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(['/work', '/tmp']);
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
  expect(poolPod('default', runtime(resources), kubernetes).spec.containers[0]?.resources?.requests).toEqual(requests);
});
