import { describe, expect, test } from 'vitest';
import { printCells, shownCell } from '../cells.ts';
import { check, defaulted, typeError } from '../kinds.ts';
import { podKind, type Container, type Pod, type PodSpec, type PodStatus } from './pod.ts';

const container = (more: object = {}): Container => ({ name: 'a', image: 'i', ...more });
const pod = (spec: object, status?: PodStatus): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'x', namespace: 'n' },
  spec: spec as PodSpec,
  ...(status && { status }),
});
const read = (spec: object): Pod => defaulted(podKind, pod(spec));
const said = (spec: object, old?: object): string[] =>
  check(podKind, read(spec), old && read(old)).map(({ field, message }) => `${field}: ${message}`);

describe('defaults', () => {
  test('a bare container becomes what the real server answers', () => {
    expect(read({ containers: [container()] }).spec).toEqual({
      containers: [
        container({
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'Always',
        }),
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
    });
  });

  test.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['host:5000/nginx', 'Always'],
    ['nginx:1.2', 'IfNotPresent'],
    [`nginx@sha256:${'a'.repeat(64)}`, 'IfNotPresent'],
  ])('image %s is pulled %s', (image, policy) => {
    expect(read({ containers: [container({ image })] }).spec.containers[0]?.imagePullPolicy).toBe(policy);
  });

  test('quantities take their canonical form, and limits are requested', () => {
    const { spec } = read({ containers: [container({ resources: { limits: { cpu: 1.5, memory: '1024Mi' }, requests: { cpu: '0.5' } } })] });
    expect(spec.containers[0]?.resources).toEqual({ limits: { cpu: '1500m', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } });
  });

  test('volumes, ports, probes and field references', () => {
    const { spec } = read({
      containers: [
        container({
          ports: [{ containerPort: 80 }],
          readinessProbe: { httpGet: { port: 80 } },
          env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        }),
      ],
      volumes: [{ name: 'e' }, { name: 's', secret: { secretName: 'q' } }, { name: 'h', hostPath: { path: '/a' } }],
    });
    expect(spec.containers[0]).toMatchObject({
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      readinessProbe: {
        httpGet: { path: '/', port: 80, scheme: 'HTTP' },
        timeoutSeconds: 1,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 3,
      },
      env: [{ name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
    });
    expect(spec.volumes).toEqual([
      { name: 'e', emptyDir: {} },
      { name: 's', secret: { secretName: 'q', defaultMode: 420 } },
      { name: 'h', hostPath: { path: '/a', type: '' } },
    ]);
  });

  test('defaults are stable: a second reading changes nothing', () => {
    const once = read({ containers: [container({ resources: { limits: { memory: '64Mi' } } })], volumes: [{ name: 'e' }] });
    expect(defaulted(podKind, once)).toEqual(once);
  });

  test('a new pod is Pending, with its class of service', () => {
    const classOf = (resources: object): unknown => podKind.prepareForCreate?.(read({ containers: [container({ resources })] })).status;
    expect(classOf({})).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
    expect(classOf({ limits: { cpu: '1', memory: '1Gi' } })).toEqual({ phase: 'Pending', qosClass: 'Guaranteed' });
    expect(classOf({ limits: { memory: '1Gi' } })).toEqual({ phase: 'Pending', qosClass: 'Burstable' });
  });
});

describe('validation', () => {
  test.each<[string, object, string[]]>([
    ['no containers', {}, ['spec.containers: Required value']],
    ['no name, no image', { containers: [{}] }, ['spec.containers[0].name: Required value', 'spec.containers[0].image: Required value']],
    ['two of one name', { containers: [container(), container()] }, ['spec.containers[1].name: Duplicate value: "a"']],
    [
      'unknown policy',
      { containers: [container()], restartPolicy: 'X' },
      ['spec.restartPolicy: Unsupported value: "X": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      'deadline of 0',
      { containers: [container()], activeDeadlineSeconds: 0 },
      ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
    ],
    [
      'a mount of nothing',
      { containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/x' }] })] },
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    [
      'requests over limits',
      { containers: [container({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } })] },
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      'a port too high',
      { containers: [container({ ports: [{ containerPort: 70_000 }] })] },
      ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [
      'a probe of nothing',
      { containers: [container({ livenessProbe: {} })] },
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      'variables from nowhere and from two places',
      {
        containers: [
          container({
            env: [
              { name: 'A', valueFrom: {} },
              { name: 'B', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
            ],
          }),
        ],
      },
      [
        'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
        'spec.containers[0].env[1].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
      ],
    ],
  ])('%s', (_, spec, errors) => expect(said(spec)).toEqual(errors));

  test('an update changes images, the deadline, new tolerations, and nothing else', () => {
    const old = { containers: [container()], tolerations: [{ key: 'a' }] };
    expect(
      said({ containers: [container({ image: 'j' })], activeDeadlineSeconds: 5, tolerations: [{ key: 'a' }, { key: 'b' }] }, old),
    ).toEqual([]);
    expect(said({ ...old, nodeName: 'here' }, old)).toHaveLength(1);
    expect(said({ ...old, nodeName: 'there' }, { ...old, nodeName: 'here' })).toHaveLength(1);
    expect(said({ ...old, restartPolicy: 'Never' }, old)[0]).toMatch(
      /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`/,
    );
    expect(said({ ...old, containers: [container(), container({ name: 'b' })] }, old)).toEqual([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
  });

  test.each<[unknown, string]>([
    [{ containers: 'x' }, 'json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container'],
    [{ containers: [5] }, 'json: cannot unmarshal number into Go struct field PodSpec.spec.containers of type v1.Container'],
    [
      { containers: [container({ args: [1] })] },
      'json: cannot unmarshal number into Go struct field Container.spec.containers.args of type string',
    ],
    [
      { containers: [container({ env: [{ name: 1 }] })] },
      'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.name of type string',
    ],
    [
      { terminationGracePeriodSeconds: 1.5 },
      'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64',
    ],
    [{ priority: 3e9 }, 'json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32'],
    ['x', 'json: cannot unmarshal string into Go struct field Pod.spec of type v1.PodSpec'],
    [
      { containers: [container({ resources: { limits: { cpu: '1x' } } })] },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
  ])('a wrong type ends the reading: %j', (spec, message) => {
    expect(typeError(podKind.structure, pod(spec as object))).toBe(message);
  });
});

describe('the row of kubectl get', () => {
  const base = { name: 'a', image: 'i', imageID: '', restartCount: 0, ready: false };
  const row = (status: PodStatus, metadata: object = {}): unknown => {
    const object = {
      ...pod({ containers: [container()], nodeName: 'here' }, status),
      metadata: { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    };
    return printCells(podKind, object).map((cell, index) =>
      shownCell(podKind.columns[index] as never, cell, Date.parse('2026-01-01T00:05:03Z')),
    );
  };

  test('waiting, running, ended', () => {
    expect(row({ phase: 'Pending' })).toEqual(['x', '0/1', 'Pending', '0', '5m3s', '<none>', 'here', '<none>', '<none>']);
    expect(row({ phase: 'Pending', containerStatuses: [{ ...base, state: { waiting: { reason: 'ImageUnavailable' } } }] })).toMatchObject({
      2: 'ImageUnavailable',
    });
    expect(
      row({ phase: 'Running', podIP: '10.0.0.1', containerStatuses: [{ ...base, ready: true, state: { running: {} } }] }),
    ).toMatchObject({ 1: '1/1', 2: 'Running', 5: '10.0.0.1' });
    expect(
      row({ phase: 'Succeeded', containerStatuses: [{ ...base, state: { terminated: { exitCode: 0, reason: 'Completed' } } }] }),
    ).toMatchObject({ 2: 'Completed' });
    expect(row({ phase: 'Failed', containerStatuses: [{ ...base, state: { terminated: { exitCode: 3 } } }] })).toMatchObject({
      2: 'ExitCode:3',
    });
    expect(row({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' })).toMatchObject({ 2: 'Terminating' });
  });

  test('restarts say when the last one was', () => {
    const again = {
      ...base,
      restartCount: 3,
      state: { running: {} },
      lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:04:03Z' } },
    };
    expect(row({ phase: 'Running', containerStatuses: [again] })).toMatchObject({ 3: '3 (60s ago)' });
  });

  test('an init container that is not done is what the pod waits for', () => {
    const failed = [{ ...base, state: { terminated: { exitCode: 1, reason: 'Error' } } }];
    expect(row({ phase: 'Pending', initContainerStatuses: failed })).toMatchObject({ 2: 'Init:Error' });
  });
});
