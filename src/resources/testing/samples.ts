/** Valid and invalid objects of our kinds: the unit tests and the tests against a real API server read the same ones. */
import type { KubeObject } from '../object.ts';

export interface Sample {
  readonly what: string;
  readonly kind: 'Execution' | 'Function' | 'JobDefinition' | 'Revision' | 'Route' | 'Runtime';
  readonly name?: string;
  readonly spec: unknown;
  readonly status?: unknown;
}

const inline = { inline: 'export default () => 1' };
const packaged = { package: `sha256:${'0'.repeat(64)}` };
const func = (what: string, more: object, name?: string): Sample => ({
  what,
  kind: 'Function',
  spec: { source: inline, ...more },
  ...(name && { name }),
});
const emptyVolume = { name: 'v', emptyDir: {} };
const mounts = (...all: object[]): object => ({ volumes: [emptyVolume], volumeMounts: all.map((mount) => ({ name: 'v', ...mount })) });
const route = (what: string, match: object): Sample => ({ what, kind: 'Route', spec: { match, backend: { function: 'hello' } } });

const container = { name: 'main', image: 'tsumugi/node' };
/** A JobDefinition with this task; `execution` is what stands around the task, `more` beside the template. */
const job = (what: string, task: object, execution: object = {}, more: object = {}, name?: string): Sample => ({
  what,
  kind: 'JobDefinition',
  spec: { template: { spec: { ...execution, template: { spec: task } } }, ...more },
  ...(name && { name }),
});
const call = { call: { function: 'squares' } };
const execution = (what: string, more: object): Sample => ({ what, kind: 'Execution', spec: { jobDefinition: 'squares', ...more } });

export const validSamples: readonly Sample[] = [
  func('the least', {}),
  func('from a package', { source: packaged }),
  func('everything', {
    runtime: 'python',
    handler: 'main',
    env: [
      { name: 'A', value: 'x' },
      { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'k.x', optional: true } } },
      { name: 'C', valueFrom: { configMapKeyRef: { name: 'c', key: 'K' } } },
    ],
    secrets: ['a', 'b.c'],
    configMaps: ['d'],
    timeoutSeconds: 5,
    concurrency: 7,
    scale: { min: 1, max: 2, idleTimeoutSeconds: 9 },
  }),
  func('part of scale', { scale: { max: 3 } }),
  func('nulls are as if absent', { scale: null, handler: null, env: null, concurrency: null }),
  func('empty lists stay', { env: [], secrets: [] }),
  func('a name of 40 characters', {}, 'a'.repeat(40)),
  func('pods of its own', {
    image: 'registry.example/own:1@sha256:abc',
    imagePullSecrets: [{ name: 'registry' }, { name: 'b.c' }],
    resources: { limits: { memory: '256Mi', cpu: 1 }, requests: { memory: 1024 } },
    serviceAccountName: 'robot.a',
    volumes: [
      { name: 'c', configMap: { name: 'c.d', items: [{ key: 'k', path: 'a/..b/.c' }], optional: true } },
      { name: 's', secret: { secretName: 's' } },
      { name: 'e', emptyDir: {} },
      { name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
      { name: 'p', persistentVolumeClaim: { claimName: 'p', readOnly: true } },
    ],
    volumeMounts: [
      { name: 'c', mountPath: '/work/config', readOnly: true },
      { name: 'c', mountPath: '/etc/..c', subPath: 'a/b' },
      { name: 'e', mountPath: '/tsumugis' },
    ],
  }),
  func('one request for each pod', { reuse: 'never', concurrency: 1, visibility: 'private' }),
  func('pods that are used again', { reuse: 'always', concurrency: 5, visibility: 'public' }),
  func('a volume that is mounted nowhere', { volumes: [{ name: 'e', emptyDir: {} }], volumeMounts: [] }),
  { what: 'a Revision', kind: 'Revision', spec: { function: 'hello', source: packaged } },
  { what: 'the least of a Runtime', kind: 'Runtime', spec: { image: 'tsumugi/node' } },
  {
    what: 'a Runtime with limits',
    kind: 'Runtime',
    spec: { image: 'x', poolSize: 0, idleTimeoutSeconds: 5, concurrency: 1, resources: { limits: { memory: '256Mi', cpu: 1 } } },
  },
  job('a call', call),
  job('a container', { containers: [container] }),
  job(
    'all of a call',
    { call: { function: 'squares', export: 'square', args: [1, 'a', null, { a: null, b: [true] }, []] }, maxRetries: 0, timeoutSeconds: 1 },
    { parallelism: 8, taskCount: 3, activeDeadlineSeconds: 60, items: [null, 0, { deep: [{}] }] },
    { concurrencyPolicy: 'Forbid', successfulExecutionsHistoryLimit: 0, failedExecutionsHistoryLimit: 5 },
  ),
  job('all of a container', {
    containers: [
      {
        ...container,
        command: ['sh', '-c'],
        args: ['true'],
        workingDir: '/tmp',
        env: [
          { name: 'A', value: 'x' },
          { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'k', optional: true } } },
        ],
        envFrom: [{ configMapRef: { name: 'c' } }],
        resources: { limits: { memory: '256Mi', cpu: 1 }, requests: { cpu: '100m' } },
        volumeMounts: [{ name: 'v', mountPath: '/data', readOnly: true }],
        ports: [{ containerPort: 80 }],
        lifecycle: { preStop: { exec: { command: ['true'] } } },
      },
    ],
    volumes: [
      { name: 'v', persistentVolumeClaim: { claimName: 'c' } },
      { name: 'w', projected: { sources: [{ secret: { name: 's' } }] } },
    ],
    serviceAccountName: 'robot',
    imagePullSecrets: [{ name: 'registry' }],
    terminationGracePeriodSeconds: 0,
  }),
  job('a job of a name of 40 characters', call, {}, {}, 'j'.repeat(40)),
  execution('the least of an Execution', {}),
  execution('all of an Execution', {
    args: [null, 'x'],
    env: [{ name: 'A', value: 'y' }],
    taskCount: 2,
    items: [1, 2],
    parallelism: 2,
    timeoutSeconds: 5,
    suspend: true,
  }),
  route('a template', { path: '/users/{id}/x' }),
  route('hosts and methods', { hosts: ['a.example.com', '*.example.com'], prefix: '/', methods: ['GET', 'POST'] }),
];

export const invalidSamples: readonly Sample[] = [
  { what: 'no spec', kind: 'Function', spec: undefined },
  { what: 'a spec that is no object', kind: 'Function', spec: 'x' },
  { what: 'no source', kind: 'Function', spec: {} },
  func('neither inline nor package', { source: {} }),
  func('inline and package', { source: { ...inline, ...packaged } }),
  func('an empty source', { source: { inline: '' } }),
  func('no package id', { source: { package: 'sha256:x' } }),
  func('a name of 41 characters', {}, 'a'.repeat(41)),
  func('a name with a dot', {}, 'a.b'),
  func('a handler that is no identifier', { handler: 'a-b' }),
  func('a runtime that is no name', { runtime: 'A' }),
  func('a runtime too long', { runtime: 'a'.repeat(41) }),
  func('no time', { timeoutSeconds: 0 }),
  func('too much time', { timeoutSeconds: 86_401 }),
  func('half a second', { timeoutSeconds: 0.5 }),
  func('time as text', { timeoutSeconds: '5s' }),
  func('scale turned round', { scale: { min: 5, max: 2 } }),
  func('no instance at most', { scale: { max: 0 } }),
  func('min over the default max', { scale: { min: 11 } }),
  func('a variable without a name', { env: [{ value: 'x' }] }),
  func('a variable with an empty name', { env: [{ name: '', value: 'x' }] }),
  func('a variable with = in its name', { env: [{ name: 'a=b', value: 'x' }] }),
  func('a variable twice', { env: [{ name: 'A' }, { name: 'A' }] }),
  func('a variable from two places', { env: [{ name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }),
  func('a variable from nowhere', { env: [{ name: 'A', valueFrom: {} }] }),
  func('a variable of a nameless secret', { env: [{ name: 'A', valueFrom: { secretKeyRef: { key: 'k' } } }] }),
  func('a number as value', { env: [{ name: 'A', value: 1 }] }),
  func('env that is no list', { env: { A: 'x' } }),
  func('a null in a list', { env: [null] }),
  func('a secret twice', { secrets: ['a', 'a'] }),
  func('a secret that is no name', { secrets: ['A b'] }),
  func('an image without a name', { image: '' }),
  func('an image pull secret twice', { imagePullSecrets: [{ name: 'a' }, { name: 'a' }] }),
  func('an image pull secret that is only a name', { imagePullSecrets: ['a'] }),
  func('a nameless image pull secret', { imagePullSecrets: [{}] }),
  func('memory that is no quantity', { resources: { requests: { memory: '1x' } } }),
  func('a service account that is no name', { serviceAccountName: 'A' }),
  func('a volume of nothing', { volumes: [{ name: 'a' }] }),
  func('a volume of two things', { volumes: [{ name: 'a', emptyDir: {}, secret: { secretName: 's' } }] }),
  func('a volume of a nameless ConfigMap', { volumes: [{ name: 'a', configMap: {} }] }),
  func('a volume twice', { volumes: [emptyVolume, emptyVolume] }),
  func("a volume with a platform's name", { volumes: [{ name: 'tsumugi-work', emptyDir: {} }] }),
  func('a volume on an unknown medium', { volumes: [{ name: 'a', emptyDir: { medium: 'Tape' } }] }),
  func('a file outside of its volume', { volumes: [{ name: 'a', secret: { secretName: 's', items: [{ key: 'k', path: '../k' }] } }] }),
  func('a file at the root', { volumes: [{ name: 'a', configMap: { name: 'c', items: [{ key: 'k', path: '/k' }] } }] }),
  func('a mount of no volume', { volumeMounts: [{ name: 'v', mountPath: '/a' }] }),
  func('a mount of an unknown volume', { volumes: [emptyVolume], volumeMounts: [{ name: 'b', mountPath: '/a' }] }),
  func('two mounts at one path', mounts({ mountPath: '/a' }, { mountPath: '/a' })),
  func('a mount without a path', mounts({})),
  func('a mount at the root', mounts({ mountPath: '/' })),
  func('a mount at a relative path', mounts({ mountPath: 'a' })),
  func('a mount at a path with ..', mounts({ mountPath: '/a/../b' })),
  func('a mount at a path with a slash at its end', mounts({ mountPath: '/a/' })),
  func('a mount over the package', mounts({ mountPath: '/work' })),
  func('a mount over the shim', mounts({ mountPath: '/tsumugi/bin' })),
  func('a mount of what is outside', mounts({ mountPath: '/a', subPath: '..' })),
  func('a mount over all Secrets', mounts({ mountPath: '/secrets' })),
  func('many requests for a pod that takes one', { reuse: 'never', concurrency: 2 }),
  func('a reuse that is none', { reuse: 'once' }),
  func('a visibility that is none', { visibility: 'secret' }),
  {
    what: 'a Revision for one request and many',
    kind: 'Revision',
    spec: { function: 'hello', source: packaged, reuse: 'never', concurrency: 2 },
  },
  func('several at once', { timeoutSeconds: 0, handler: '1', scale: { min: -1 } }),
  { what: 'a Revision of inline source', kind: 'Revision', spec: { function: 'hello', source: inline } },
  { what: 'a Revision of nothing', kind: 'Revision', spec: { source: packaged } },
  { what: 'a Runtime without an image', kind: 'Runtime', spec: {} },
  { what: 'memory that is no quantity', kind: 'Runtime', spec: { image: 'x', resources: { limits: { memory: '1x' } } } },
  { what: 'memory that is a truth', kind: 'Runtime', spec: { image: 'x', resources: { limits: { memory: true } } } },
  { what: 'a pool of less than none', kind: 'Runtime', spec: { image: 'x', poolSize: -1 } },
  job('neither a container nor a call', {}),
  job('a container and a call', { ...call, containers: [container] }),
  job('no container', { containers: [] }),
  job('two containers', { containers: [container, { ...container, name: 'other' }] }),
  job('a container without a name', { containers: [{ image: 'x' }] }),
  job('an image that is no text', { containers: [{ ...container, image: 1 }] }),
  job('a limit that is no quantity', { containers: [{ ...container, resources: { limits: { memory: '1x' } } }] }),
  job('a port of no number', { containers: [{ ...container, ports: [{ protocol: 'TCP' }] }] }),
  job('a pull policy that is none', { containers: [{ ...container, imagePullPolicy: 'Sometimes' }] }),
  job('a volume for a call', { ...call, volumes: [emptyVolume] }),
  job('a call of nothing', { call: {} }),
  job('an export that is no identifier', { call: { function: 'squares', export: 'a-b' } }),
  job('arguments that are no list', { call: { function: 'squares', args: 1 } }),
  job('less than no retries', { ...call, maxRetries: -1 }),
  job('no time for an attempt', { ...call, timeoutSeconds: 0 }),
  job('no task', call, { taskCount: 0 }),
  job('no task at once', call, { parallelism: 0 }),
  job('no item', call, { items: [] }),
  job('a deadline of no time', call, { activeDeadlineSeconds: 0 }),
  job('a policy that is none', call, {}, { concurrencyPolicy: 'Maybe' }),
  job('a history of less than none', call, {}, { failedExecutionsHistoryLimit: -1 }),
  job('a job of a name of 41 characters', call, {}, {}, 'j'.repeat(41)),
  { what: 'a job without a template', kind: 'JobDefinition', spec: {} },
  { what: 'an Execution of nothing', kind: 'Execution', spec: {} },
  execution('an Execution of no task', { taskCount: 0 }),
  execution('an Execution without time', { timeoutSeconds: 0 }),
  execution('a variable of an Execution twice', { env: [{ name: 'A' }, { name: 'A' }] }),
  execution('a variable of an Execution without a name', { env: [{ value: 'x' }] }),
  execution('suspended perhaps', { suspend: 'maybe' }),
  route('no path', {}),
  route('path and prefix', { path: '/a', prefix: '/b' }),
  route('a path without a slash', { path: 'a' }),
  route('a broken template', { path: '/{a' }),
  route('an unknown method', { path: '/', methods: ['FETCH'] }),
  route('a method twice', { path: '/', methods: ['GET', 'GET'] }),
  route('a host that is none', { path: '/', hosts: ['a b'] }),
  { what: 'a Route to nowhere', kind: 'Route', spec: { match: { path: '/' } } },
];

/** The object that a client would send. */
export function objectOf({ kind, name = 'sample', spec }: Sample, namespace?: string): KubeObject {
  return { apiVersion: 'tsumugi.dev/v1', kind, metadata: { name, ...(namespace && { namespace }) }, ...(spec !== undefined && { spec }) };
}
