/** The Runtime `node`, which every platform has: made at the first start, left alone afterwards. */
import type { KubeClient } from '../../kube/client.ts';
import { isAlreadyExists } from '../../resources/object.ts';
import { runtimes } from '../../resources/resources.ts';
import { defaults, fieldManager } from '../model/names.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';

export async function ensureDefaultRuntime(client: KubeClient): Promise<void> {
  const node: RuntimeResource = {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'Runtime',
    metadata: { name: defaults.runtime },
    spec: {
      image: 'tsumugi/node',
      poolSize: defaults.poolSize,
      concurrency: defaults.concurrency,
      // Without a limit, one function that eats memory takes the machine with it.
      resources: { limits: { memory: defaults.memory } },
    },
  };
  try {
    await client.create(runtimes, node, { fieldManager });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
