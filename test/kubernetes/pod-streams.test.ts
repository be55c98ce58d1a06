/** The words of a real kubelet: what `test/e2e/pod-streams.test.ts` asks of one machine. */
import { readFileSync } from 'node:fs';
import { it } from 'vitest';
import { findKubectl, Kubectl } from '../e2e/kubectl.ts';
import { podStreamsSuite } from '../substrates/pod-streams.ts';
import { importToolsImage } from './tools-image.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];
const importer = process.env['TSUMUGI_IMAGE_IMPORT'];
const found = await findKubectl();

if (!kubeconfig || !importer) it.skip('needs TSUMUGI_TEST_KUBERNETES and TSUMUGI_IMAGE_IMPORT: npm run test:kubernetes');
else if ('missing' in found) it.skip(`kubectl is not there: ${found.missing}`);
else {
  podStreamsSuite('a whole Kubernetes', async () => {
    const image = await importToolsImage(importer);
    const kubectl = new Kubectl(found.path, readFileSync(kubeconfig, 'utf8'));
    return { kubectl, image, close: () => Promise.resolve(kubectl.close()) };
  });
}
