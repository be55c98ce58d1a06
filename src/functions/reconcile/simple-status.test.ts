import { expect, test } from 'vitest';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';
import { poolPod } from '../model/pod-template.ts';
import { runtimeVerdict } from './simple-status.ts';

const runtime = (image: string): RuntimeResource => ({
  apiVersion: 'tsumugi.dev/v1',
  kind: 'Runtime',
  metadata: { name: 'node' },
  spec: { image, poolSize: 3, concurrency: 100 },
});
const kubernetes = { publicKey: '', images: new Map([['tsumugi/node', 'registry.example/node:1']]) };

/** A pod as the pool makes it, that waits for its image. */
function pulling(of: RuntimeResource, hash?: string): Pod {
  const made = poolPod({ namespace: 'default', runtime: 'node', pod: {}, ...(hash !== undefined && { hash }) }, of, kubernetes);
  const [{ name, image = '' } = { name: '' }] = made.spec.containers;
  const state = { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } };
  return { ...made, status: { phase: 'Pending', containerStatuses: [{ name, image, imageID: '', ready: false, restartCount: 0, state }] } };
}

test('a runtime whose pods cannot have their image is not ready, whatever name stands for the image', () => {
  for (const [name, reference] of [
    ['tsumugi/node', 'registry.example/node:1'],
    ['registry.example/own:2', 'registry.example/own:2'],
  ] as const) {
    const verdict = runtimeVerdict(runtime(name), [pulling(runtime(name))], kubernetes);
    const message = `image "${reference}" cannot be pulled`;
    expect(verdict).toEqual({ status: 'False', reason: 'ImageUnavailable', message });
  }
});

test('pods of another image, or of a pool of its own, say nothing of it', () => {
  const node = runtime('tsumugi/node');
  const others = [pulling(runtime('registry.example/before:1')), pulling(node, 'hash')];
  expect(runtimeVerdict(node, others, kubernetes)).toMatchObject({ status: 'True' });
});
