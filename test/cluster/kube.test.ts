/** `Kube` of tsumugi/client on a real Kubernetes. */
import { readFileSync } from 'node:fs';
import { describe, it } from 'vitest';
import { kubeContract } from '../../src/client/kube/kube.contract.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

describe.runIf(path)('Kube on a real Kubernetes API server', () => {
  kubeContract(async () => ({ kubeconfig: readFileSync(path as string, 'utf8'), close: async () => undefined }));
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
