import { vi } from 'vitest';
import type { KubeClient } from '../../src/kube/client.ts';
import { crdOf } from '../../src/resources/crd.ts';
import { kinds } from '../../src/resources/kinds.ts';
import { isAlreadyExists, type KubeObject } from '../../src/resources/object.ts';

const definitions = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/** Our kinds on a real cluster: their CustomResourceDefinitions as they are now, and served. */
export async function installKinds(client: KubeClient): Promise<void> {
  for (const kind of kinds.filter(({ origin }) => origin === 'custom')) {
    const definition = crdOf(kind);
    await client.create<KubeObject>(definitions, definition).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
      return client.patch(definitions, { name: definition.metadata.name }, { type: 'merge', body: { spec: definition.spec } });
    });
    await vi.waitFor(() => client.list(kind), { timeout: 30_000 });
  }
}
