import { describe, expect, test } from 'vitest';
import type { ContainerStatus, Pod, PodStatus } from '../resources/builtin/pod-types.ts';
import { whyNotReady } from './rollout.ts';

const pod = (status: PodStatus): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'ns', name: 'p' },
  spec: { containers: [] },
  status,
});
const container = (more: Partial<ContainerStatus>): Pod =>
  pod({
    phase: 'Running',
    containerStatuses: [{ name: 'c', ready: false, restartCount: 0, image: 'tsumugi/platform:1', imageID: '', ...more }],
  });

describe('why a pod is not ready', () => {
  test('nothing to say of one that is, or that starts', () => {
    expect(whyNotReady(container({ ready: true, state: { running: {} } }))).toBeUndefined();
    expect(whyNotReady(pod({ phase: 'Running' }))).toBeUndefined();
  });

  test.each(['ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'])('%s: how images get there; no use in waiting', (reason) => {
    const why = whyNotReady(container({ state: { waiting: { reason, message: 'no such host' } } }));
    expect(why).toMatchObject({ final: true, hint: expect.stringContaining('tsumugi images build --import') });
    expect(why?.message).toBe(`${reason}: tsumugi/platform:1: no such host`);
  });

  test('the first refusal of a registry may pass', () => {
    expect(whyNotReady(container({ state: { waiting: { reason: 'ErrImagePull' } } }))).toMatchObject({ final: false });
  });

  test('one that ends again and again: where its log is', () => {
    const lastState = { terminated: { exitCode: 1, reason: 'Error' } };
    const waiting = { reason: 'CrashLoopBackOff' };
    const why = whyNotReady(container({ state: { waiting }, lastState, restartCount: 3 }));
    expect(why).toMatchObject({ final: true, hint: 'its log says why: kubectl logs -n ns p --previous' });
    expect(why?.message).toContain('exit code 1 (Error), 3 restarts');
    expect(whyNotReady(container({ state: { waiting }, lastState, restartCount: 1 }))).toMatchObject({ final: false });
  });

  test('no node has room', () => {
    const conditions = [
      { type: 'PodScheduled', status: 'False' as const, reason: 'Unschedulable', message: '0/1 nodes: insufficient cpu' },
    ];
    expect(whyNotReady(pod({ phase: 'Pending', conditions }))).toMatchObject({
      final: false,
      message: expect.stringContaining('insufficient cpu'),
    });
  });
});
