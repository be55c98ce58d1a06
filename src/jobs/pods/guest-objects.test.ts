import { expect, test } from 'vitest';
import { guestObjects } from './guest-objects.ts';

const pod = (spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'guest' },
  spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'host' }], ...spec },
});
const job = (spec: object): object => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'guest' },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'host' }], ...spec } } },
});
const privileged = { name: 'main', image: 'host', securityContext: { privileged: true } };

test.each([
  [pod({ hostNetwork: true }), 'spec.hostNetwork'],
  [pod({ hostPID: true }), 'spec.hostPID'],
  [pod({ hostIPC: true }), 'spec.hostIPC'],
  [pod({ serviceAccountName: 'admin' }), 'spec.serviceAccountName'],
  [
    pod({
      volumes: [
        { name: 'a', emptyDir: {} },
        { name: 'b', hostPath: { path: '/' } },
      ],
    }),
    'spec.volumes[1].hostPath',
  ],
  [job({ containers: [privileged] }), 'spec.template.spec.containers[0].securityContext.privileged'],
  [job({ initContainers: [privileged] }), 'spec.template.spec.initContainers[0].securityContext.privileged'],
])('what is more than a function has is refused: %j', (object, field) => {
  expect(() => guestObjects('default', [object])).toThrow(
    expect.objectContaining({ code: 'Invalid', field: `manifests[0].${field}`, hint: expect.stringContaining('kubectl apply') }),
  );
});

test('the rest is taken, what others name first', () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' } };
  const spec = { hostNetwork: false, serviceAccountName: 'default', imagePullSecrets: [{ name: 'registry' }] };
  expect(guestObjects('default', [pod(spec), secret]).map(({ kind, metadata }) => `${metadata.namespace} ${kind}`)).toEqual([
    'default Secret',
    'default Pod',
  ]);
});
