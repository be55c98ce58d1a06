import { afterAll, afterEach } from 'vitest';
import { type Pod, removeShim, startPod } from './pod.ts';

/** Pods of one test file: each is stopped after its test, the bundle is removed after the last. */
export function usePods(): () => Promise<Pod> {
  const pods: Pod[] = [];
  afterEach(async () => {
    await Promise.all(pods.splice(0).map((pod) => pod.stop()));
  });
  afterAll(removeShim);
  return async () => {
    const pod = await startPod();
    pods.push(pod);
    return pod;
  };
}
