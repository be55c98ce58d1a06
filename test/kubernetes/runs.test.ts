/** Runs on a whole Kubernetes, `TSUMUGI_TEST_KUBERNETES`: the suite that the embedded cluster passes too (`test/e2e/runs-suite.test.ts`). */
import { describe, test } from 'vitest';
import { kubernetesSubstrate } from '../substrates/kubernetes.ts';
import { runsSuite } from '../substrates/runs.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];

if (kubeconfig === undefined) describe('runs on Kubernetes', () => test.skip('TSUMUGI_TEST_KUBERNETES names no cluster', () => undefined));
else runsSuite('Kubernetes', () => kubernetesSubstrate(kubeconfig));
