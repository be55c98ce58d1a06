/** One machine, for suites of pods. */
import { readFileSync } from 'node:fs';
import type { PodsSubstrate } from '../substrates/pods-world.ts';
import { findKubectl, Kubectl } from './kubectl.ts';
import { cleanUp, startPlatform } from './platform.ts';

const found = await findKubectl();
/** Before, kubectl asks for SPDY. */
const oldest = 31;

/** Why suites of pods cannot run here; undefined: they can. */
export const podsMissing =
  'missing' in found
    ? `kubectl is not there: ${found.missing}`
    : found.minor < oldest
      ? `kubectl is 1.${found.minor}, streams need 1.${oldest}`
      : undefined;

export async function embeddedPods(): Promise<PodsSubstrate> {
  if ('missing' in found) throw new Error(found.missing);
  const platform = await startPlatform();
  const kubectl = new Kubectl(found.path, readFileSync(platform.kubeconfig, 'utf8'));
  return {
    kubectl,
    image: 'host',
    makesVolumes: true,
    close: async () => {
      kubectl.close();
      await cleanUp();
    },
  };
}
