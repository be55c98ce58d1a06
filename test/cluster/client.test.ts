/** The HTTP driver on a real Kubernetes: what the contract suite says is what Kubernetes does. */
import { describe, it } from 'vitest';
import { kubeClientContract } from '../../src/kube/client.contract.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { installKinds } from './custom-kinds.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

describe.runIf(path)('the client contract on a real Kubernetes API server', () => {
  kubeClientContract(async () => {
    const client = createHttpClient(await loadConnection({ path: path as string }));
    // The suite makes Functions too.
    await installKinds(client);
    return { client, close: async () => client.close() };
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
