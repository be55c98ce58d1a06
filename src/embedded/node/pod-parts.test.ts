import { expect, it } from 'vitest';
import type { ContainerStatus, Pod } from '../../resources/builtin/pod-types.ts';
import { expand } from './container/env.ts';
import { terminated } from './container/exit.ts';
import { resolveImage } from './images.ts';
import { podSocketPath } from './paths.ts';
import { phaseOf, podStatus, sameStatus } from './pod-status.ts';

const status = (state: ContainerStatus['state'], lastState: ContainerStatus['lastState'] = {}): ContainerStatus => ({
  name: 'main',
  image: 'host',
  imageID: '',
  ready: state?.running !== undefined,
  restartCount: 0,
  state: state ?? {},
  lastState: lastState ?? {},
});
const ended = (exitCode: number): ContainerStatus => status({ terminated: { exitCode } });

it.each([
  [[status({ waiting: { reason: 'ContainerCreating' } })], 'Never', 'Pending'],
  [[status({ running: {} })], 'Never', 'Running'],
  [[status({ waiting: { reason: 'CrashLoopBackOff' } }, { terminated: { exitCode: 1 } })], 'OnFailure', 'Running'],
  [[ended(0)], 'Never', 'Succeeded'],
  [[ended(0), ended(1)], 'Never', 'Failed'],
  [[ended(0), status({ running: {} })], 'Never', 'Running'],
  [[ended(0)], 'OnFailure', 'Succeeded'],
  [[ended(0)], 'Always', 'Running'],
] as const)('phase %#', (containers, policy, phase) => {
  expect(phaseOf(containers, policy)).toBe(phase);
});

it('keeps transition times of what did not change, and the conditions of others', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: [] } } as Pod;
  const first = podStatus(pod, { inits: [], mains: [status({ running: {} })] }, '2026-01-01T00:00:00Z');
  const theirs = { type: 'example.com/gate', status: 'True' as const };
  const stored: Pod = { ...pod, status: { ...first, conditions: [...(first.conditions ?? []), theirs] } };
  const later = podStatus(stored, { inits: [], mains: [ended(1)] }, '2026-01-02T00:00:00Z');
  const time = (type: string): string | null | undefined => later.conditions?.find((each) => each.type === type)?.lastTransitionTime;
  expect(time('PodScheduled')).toBe('2026-01-01T00:00:00Z');
  expect(time('Ready')).toBe('2026-01-02T00:00:00Z');
  expect(later.conditions).toContainEqual(theirs);
  expect(later.startTime).toBe('2026-01-01T00:00:00Z');
  expect(sameStatus(stored.status, podStatus(stored, { inits: [], mains: [status({ running: {} })] }, '2026-01-03T00:00:00Z'))).toBe(true);
  expect(sameStatus(stored.status, later)).toBe(false);
});

it('is pending until its init containers have ended well, and failed where one has not', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: [], restartPolicy: 'Never' } } as Pod;
  const of = (inits: readonly ContainerStatus[], main: ContainerStatus): unknown[] => {
    const { phase, conditions, containerStatuses } = podStatus(pod, { inits, mains: [main] }, '2026-01-01T00:00:00Z');
    return [phase, conditions?.find(({ type }) => type === 'Initialized')?.status, containerStatuses?.[0]?.state?.waiting?.reason];
  };
  const waiting = status({ waiting: { reason: 'ContainerCreating' } });
  expect(of([status({ running: {} }), waiting], waiting)).toEqual(['Pending', 'False', 'PodInitializing']);
  expect(of([ended(0), status({ running: {} })], waiting)).toEqual(['Pending', 'False', 'PodInitializing']);
  expect(of([ended(1), waiting], waiting)).toEqual(['Failed', 'False', 'PodInitializing']);
  expect(of([ended(0)], waiting)).toEqual(['Pending', 'True', 'PodInitializing']);
  expect(of([ended(0)], status({ running: {} }))).toEqual(['Running', 'True', undefined]);
  expect(of([], waiting)).toEqual(['Pending', 'True', 'ContainerCreating']);
});

it('tells an end by code, signal or want of memory', () => {
  expect(terminated({ code: 0, signal: null, at: 0 }, 0, false)).toMatchObject({ exitCode: 0, reason: 'Completed' });
  expect(terminated({ code: null, signal: 'SIGTERM', at: 0 }, 0, false)).toMatchObject({ exitCode: 143, reason: 'Error' });
  expect(terminated({ code: null, signal: 'SIGKILL', at: 0 }, 0, true)).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
});

it('knows its own images, and tags of its own version alone', () => {
  const shims = { node: '/shims/node.cjs' };
  expect(resolveImage('tsumugi/node', shims, '1.0.0')).toEqual({ kind: 'shim', bundle: '/shims/node.cjs' });
  expect(resolveImage('tsumugi/node:1.0.0', shims, '1.0.0').kind).toBe('shim');
  expect(resolveImage('host', shims, '1.0.0').kind).toBe('host');
  for (const image of ['tsumugi/node:2.0.0', 'tsumugi/constructor', 'nginx', undefined])
    expect(resolveImage(image, shims, '1.0.0').kind).toBe('unavailable');
});

it('expands variables as Kubernetes does', () => {
  expect(expand('$(A)-$$(A)-$(B)-$A', { A: 'x' })).toBe('x-$(A)-$(B)-$A');
});

it('keeps socket paths short', () => {
  expect(podSocketPath('/run/user/1000/tsumugi/12345678', '5a0f2a94-61f7-4c8b-b2e0-94c9f6c35d0b')).toBe(
    '/run/user/1000/tsumugi/12345678/p/5a0f2a94-61f7/socket',
  );
});
