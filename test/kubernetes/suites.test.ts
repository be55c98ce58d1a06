/** What a real Kubernetes passes as the embedded cluster does (`test/e2e/*-suite.test.ts`), on one installation. */
import { afterAll, beforeAll, it } from 'vitest';
import { clientSuite } from '../substrates/client.ts';
import { executionsSuite } from '../substrates/executions.ts';
import { kubernetesSubstrate } from '../substrates/kubernetes.ts';
import { runsSuite } from '../substrates/runs.ts';
import type { Substrate } from '../substrates/substrate.ts';
import { functionsSuite } from '../substrates/suite.ts';

const kubeconfig = process.env['TSUMUGI_TEST_KUBERNETES'];

if (kubeconfig) {
  // Each has a namespace of its own, and finds the platform there.
  let installation: Substrate | undefined;
  beforeAll(async () => {
    installation = await kubernetesSubstrate(kubeconfig);
  }, 600_000);
  afterAll(() => installation?.stop(), 120_000);
  for (const suite of [functionsSuite, runsSuite, executionsSuite, clientSuite]) suite('Kubernetes', () => kubernetesSubstrate(kubeconfig));
} else it.skip('needs TSUMUGI_TEST_KUBERNETES, a kubeconfig of a cluster with a node: npm run test:kubernetes');
