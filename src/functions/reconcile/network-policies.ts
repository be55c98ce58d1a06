/** Beside the pools: each namespace with functions has the NetworkPolicies that close their pods to strangers. A key is a namespace. */
import { getIfThere } from '../../kube/get.ts';
import { isDeepStrictEqual } from 'node:util';

import type { KubeClient } from '../../kube/client.ts';
import type { Informer } from '../../kube/informer.ts';
import type { ReconcileResult } from '../../kube/reconcile.ts';
import type { FunctionResource } from '../../resources/function.ts';
import { isAlreadyExists } from '../../resources/object.ts';
import { networkPolicies } from '../../resources/resources.ts';
import { fieldManager } from '../model/names.ts';
import { functionNetworkPolicies, type NetworkPolicy } from '../model/network-policy.ts';

export interface NetworkPolicyOptions {
  readonly client: KubeClient;
  /** Indexed `namespace`. */
  readonly functions: Informer<FunctionResource>;
  readonly systemNamespace: string;
}

/** Policies are not watched: one that somebody changed or deleted is put right after this. */
const lookAgainMs = 300_000;

/** Creates what is missing, mends what differs. A policy stays when the last function goes: it selects no pod then. */
export function reconcileNetworkPolicy({ client, functions, systemNamespace }: NetworkPolicyOptions) {
  const looked = new Map<string, number>();
  return async (namespace: string): Promise<ReconcileResult> => {
    if (functions.countByIndex('namespace', namespace) === 0) {
      looked.delete(namespace);
      return;
    }
    const rest = (looked.get(namespace) ?? 0) + lookAgainMs - Date.now();
    if (rest > 0) return { again: rest / 1000 };
    for (const policy of functionNetworkPolicies(namespace, systemNamespace)) await ensure(client, policy);
    looked.set(namespace, Date.now());
    return { again: lookAgainMs / 1000 };
  };
}

async function ensure(client: KubeClient, wanted: NetworkPolicy): Promise<void> {
  const key = { namespace: wanted.metadata.namespace ?? '', name: wanted.metadata.name };
  const current = await getIfThere<NetworkPolicy>(client, networkPolicies, key);
  if (current) {
    if (isDeepStrictEqual(current.spec, wanted.spec)) return;
    const body = [{ op: 'replace', path: '/spec', value: wanted.spec }];
    await client.patch<NetworkPolicy>(networkPolicies, key, { type: 'json', body }, { fieldManager });
    return;
  }
  try {
    await client.create(networkPolicies, wanted, { fieldManager });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
