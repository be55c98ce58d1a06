/** kubectl exec, attach, cp, port-forward and logs on one machine: the suite that a whole Kubernetes passes too (`test/kubernetes`). */
import { readFileSync } from 'node:fs';
import { it } from 'vitest';
import { podStreamsSuite } from '../substrates/pod-streams.ts';
import { findKubectl, Kubectl } from './kubectl.ts';
import { cleanUp, startPlatform } from './platform.ts';

const found = await findKubectl();
/** Before, kubectl asks for SPDY. */
const oldest = 31;

if ('missing' in found) it.skip(`kubectl is not there: ${found.missing}`);
else if (found.minor < oldest) it.skip(`kubectl is 1.${found.minor}, streams need 1.${oldest}`);
else {
  podStreamsSuite('one machine', async () => {
    const platform = await startPlatform();
    const kubectl = new Kubectl(found.path, readFileSync(platform.kubeconfig, 'utf8'));
    return {
      kubectl,
      image: 'host',
      close: async () => {
        kubectl.close();
        await cleanUp();
      },
    };
  });
}
