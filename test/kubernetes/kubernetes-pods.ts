/** A whole Kubernetes, for suites of pods. */
import { readFileSync } from 'node:fs';
import type { PodsSubstrate } from '../substrates/pods-world.ts';
import { findKubectl, Kubectl } from '../e2e/kubectl.ts';
import { importToolsImage } from './tools-image.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];
const importer = process.env['TSUMUGI_IMAGE_IMPORT'];
const found = await findKubectl();

/** Why suites of pods cannot run here; undefined: they can. */
export const podsMissing =
  !kubeconfig || !importer
    ? 'needs TSUMUGI_TEST_KUBERNETES and TSUMUGI_IMAGE_IMPORT: npm run test:kubernetes'
    : 'missing' in found
      ? `kubectl is not there: ${found.missing}`
      : undefined;

export async function kubernetesPods(): Promise<PodsSubstrate> {
  if (!kubeconfig || !importer || 'missing' in found) throw new Error(podsMissing);
  const image = await importToolsImage(importer);
  const kubectl = new Kubectl(found.path, readFileSync(kubeconfig, 'utf8'));
  return { kubectl, image, makesVolumes: false, close: () => Promise.resolve(kubectl.close()) };
}
