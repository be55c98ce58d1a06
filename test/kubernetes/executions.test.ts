/** Executions on a whole Kubernetes: the suite that the embedded cluster passes too (`test/e2e/executions-suite.test.ts`). */
import { it } from 'vitest';
import { kubernetesSubstrate } from '../substrates/kubernetes.ts';
import { executionsSuite } from '../substrates/executions.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];

if (kubeconfig) executionsSuite('Kubernetes', () => kubernetesSubstrate(kubeconfig));
else it.skip('needs TSUMUGI_TEST_KUBERNETES, a kubeconfig of a cluster with a node: npm run test:kubernetes');
