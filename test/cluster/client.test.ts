/** The HTTP driver on a real Kubernetes: what the contract suite says is what Kubernetes does. */
import { describe, it, vi } from 'vitest';
import { kubeClientContract } from '../../src/kube/client.contract.ts';
import { createHttpClient, type HttpKubeClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import { crdOf } from '../../src/resources/crd.ts';
import { functionKind } from '../../src/resources/function.ts';
import { isAlreadyExists, type KubeObject } from '../../src/resources/object.ts';

/** The suite makes Functions too: here they need their CustomResourceDefinition. */
async function installFunctions(client: HttpKubeClient): Promise<void> {
  const definitions = {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    namespaced: false,
  };
  await client.create<KubeObject>(definitions, crdOf(functionKind)).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
  await vi.waitFor(() => client.list(functionKind), { timeout: 30_000 });
}

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];

describe.runIf(path)('the client contract on a real Kubernetes API server', () => {
  kubeClientContract(async () => {
    const client = createHttpClient(await loadConnection({ path: path as string }));
    await installFunctions(client);
    return { client, close: async () => client.close() };
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
