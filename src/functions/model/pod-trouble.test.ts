import { expect, test } from 'vitest';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { isOverlooked, podTrouble, refusalText } from './pod-trouble.ts';

const image = 'registry.example/team/node:1';
const waiting = (reason: string, message?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'node-1' },
  spec: { containers: [{ name: 'function', image }] },
  status: {
    phase: 'Pending',
    containerStatuses: [
      {
        name: 'function',
        image,
        imageID: '',
        ready: false,
        restartCount: 0,
        state: { waiting: { reason, ...(message !== undefined && { message }) } },
      },
    ],
  },
});

const unreachable = (port: number): string =>
  `failed to pull and unpack image "${image}": failed to resolve reference "${image}": failed to do request: Head "https://registry.example/v2/team/node/manifests/1": dial tcp: lookup registry.example on 10.0.0.53:53: read udp 10.0.0.2:${port}->10.0.0.53:53: i/o timeout`;
const absent = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;

test.each([
  [waiting('ErrImagePull', unreachable(1)), 'dial tcp: lookup registry.example on 10.0.0.53:53: i/o timeout'],
  [
    waiting('ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${unreachable(2)}`),
    'dial tcp: lookup registry.example on 10.0.0.53:53: i/o timeout',
  ],
  [waiting('ErrImagePull', absent), `${image}: not found`],
  [waiting('ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${absent}`), `${image}: not found`],
  [
    waiting('ErrImageNeverPull', 'Container image is not present with pull policy of Never'),
    'Container image is not present with pull policy of Never',
  ],
])('of an image that cannot be pulled, the same is told whether the kubelet pulls or waits (%#)', (pod, cause) => {
  expect(podTrouble(pod)).toEqual({
    reason: 'ImageUnavailable',
    message: `image "${image}" cannot be pulled: ${cause}`,
    isLasting: true,
  });
});

test('an older kubelet does not say the cause while it waits', () => {
  expect(podTrouble(waiting('ImagePullBackOff', `Back-off pulling image "${image}"`))?.message).toBe(`image "${image}" cannot be pulled`);
});

test('what else keeps a container from starting is told without the name of the pod, and never at length', () => {
  const root = 'container has runAsNonRoot and image will run as root (pod: "node-1_default(6b0c)", container: function)';
  expect(podTrouble(waiting('CreateContainerConfigError', root))).toEqual({
    reason: 'CreateContainerConfigError',
    message: 'container has runAsNonRoot and image will run as root',
    isLasting: true,
  });
  expect(podTrouble(waiting('CreateContainerError', 'x'.repeat(5000)))?.message).toHaveLength(300);
  expect(podTrouble(waiting('ContainerCreating'))).toBeUndefined();
});

test('a refusal is told without the name of the pod', () => {
  expect(refusalText('pods "node-5vpnns8dcg" is forbidden: exceeded quota: small')).toBe('exceeded quota: small');
  expect(refusalText('Pod "node-5vpnns8dcg" is invalid: spec: Forbidden')).toBe('spec: Forbidden');
  expect(refusalText('namespaces "x" not found')).toBe('namespaces "x" not found');
});

test('a pod is overlooked when after 2 s no scheduler has looked at it', () => {
  const creationTimestamp = '2030-01-01T00:00:00Z';
  const pod = (spec: object, status: object): Pod => ({
    ...waiting('ContainerCreating'),
    metadata: { name: 'node-1', creationTimestamp },
    spec: { containers: [], ...spec },
    status: { phase: 'Pending', ...status },
  });
  const at = (pod: Pod, seconds: number): boolean => isOverlooked(pod, Date.parse(creationTimestamp) + seconds * 1000);
  expect([at(pod({}, {}), 1), at(pod({}, {}), 3)]).toEqual([false, true]);
  expect(at(pod({ nodeName: 'a' }, {}), 3)).toBe(false);
  // It was looked at: no node has room.
  expect(at(pod({}, { conditions: [{ type: 'PodScheduled', status: 'False' }] }), 3)).toBe(false);
});
