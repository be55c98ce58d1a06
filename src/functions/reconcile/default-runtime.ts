/** The Runtimes that every platform has: made at the first start, left alone afterwards. They cost no pod until a function uses them. */
import { programImage, programRuntime } from '../../build/program.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isAlreadyExists, isNotFound } from '../../resources/object.ts';
import { runtimes } from '../../resources/resources.ts';
import { defaults, fieldManager } from '../model/names.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';

const standard = [
  { name: defaults.runtime, image: 'tsumugi/node', concurrency: defaults.concurrency },
  { name: programRuntime, image: programImage, concurrency: 1 },
] as const;

export async function ensureDefaultRuntimes(client: KubeClient): Promise<void> {
  for (const { name, image, concurrency } of standard) {
    const runtime: RuntimeResource = {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Runtime',
      metadata: { name },
      // Without a limit, one function that eats memory takes the machine with it.
      spec: { image, poolSize: defaults.poolSize, concurrency, resources: { limits: { memory: defaults.memory } } },
    };
    try {
      if (!(await isThere(client, name))) await client.create(runtimes, runtime, { fieldManager });
    } catch (error) {
      // Another controller was first.
      if (!isAlreadyExists(error)) throw error;
    }
  }
}

function isThere(client: KubeClient, name: string): Promise<boolean> {
  return client.get(runtimes, { name }).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );
}
