/** Programs that use the platform, on a whole Kubernetes: the suite that the embedded cluster passes too (`test/e2e/client-suite.test.ts`). */
import { it } from 'vitest';
import { clientSuite } from '../substrates/client.ts';
import { kubernetesSubstrate } from '../substrates/kubernetes.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];

if (kubeconfig) clientSuite('Kubernetes', () => kubernetesSubstrate(kubeconfig));
else it.skip('needs TSUMUGI_TEST_KUBERNETES, a kubeconfig of a cluster with a node: npm run test:kubernetes');
