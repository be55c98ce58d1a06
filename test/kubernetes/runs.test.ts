/** Runs on a whole Kubernetes: the suite that the embedded cluster passes too (`test/e2e/runs-suite.test.ts`). */
import { it } from 'vitest';
import { kubernetesSubstrate } from '../substrates/kubernetes.ts';
import { runsSuite } from '../substrates/runs.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];

if (kubeconfig) runsSuite('Kubernetes', () => kubernetesSubstrate(kubeconfig));
else it.skip('needs TSUMUGI_TEST_KUBERNETES, a kubeconfig of a cluster with a node: npm run test:kubernetes');
