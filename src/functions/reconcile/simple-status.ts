/** The Ready condition of Routes and Runtimes: nothing is made for them, but whoever writes one wants to know whether it works. */
import type { KubeClient } from '../../kube/client.ts';
import type { Informer } from '../../kube/informer.ts';
import { setCondition } from '../../resources/conditions.ts';
import type { Condition, KubeObject, Resource } from '../../resources/object.ts';
import { routes as routeResource, runtimes as runtimeResource } from '../../resources/resources.ts';
import { hasEnded } from '../fleet/member.ts';
import { fieldManager, label } from '../model/names.ts';
import { type KubernetesPods, podImage } from '../model/pod-template.ts';
import { podTrouble } from '../model/pod-trouble.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { RouteResource } from '../../resources/route.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;
type WithStatus = KubeObject & { readonly status?: { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number } };

/** A route works when its function exists. */
export function routeVerdict({ metadata, spec }: RouteResource, functions: Informer<FunctionResource>): Verdict {
  const name = spec.backend.function ?? '';
  if (functions.get(`${metadata.namespace}/${name}`))
    return { status: 'True', reason: 'Ready', message: `requests go to function "${name}"` };
  return { status: 'False', reason: 'FunctionMissing', message: `function "${name}" does not exist in namespace ${metadata.namespace}` };
}

/** A runtime works as long as no pod of it says that it cannot start. */
export function runtimeVerdict(runtime: RuntimeResource, pods: readonly Pod[], kubernetes?: Pick<KubernetesPods, 'images'>): Verdict {
  const image = podImage(runtime, kubernetes);
  for (const pod of pods) {
    // Pods of other pools are what their functions made of them.
    if (hasEnded(pod) || pod.metadata.labels?.[label.pool] !== undefined || pod.spec.containers[0]?.image !== image) continue;
    const trouble = podTrouble(pod);
    if (trouble?.isLasting) return { status: 'False', reason: trouble.reason, message: trouble.message };
  }
  return { status: 'True', reason: 'Ready', message: `pods run ${runtime.spec.image}` };
}

/** Writes the verdict if it is news. */
async function writeVerdict(client: KubeClient, resource: Resource, object: WithStatus, verdict: Verdict): Promise<void> {
  const { metadata, status } = object;
  const observedGeneration = metadata.generation ?? 1;
  const conditions = setCondition(status?.conditions, { type: 'Ready', ...verdict, observedGeneration }, Date.now());
  if (conditions === status?.conditions && status.observedGeneration === observedGeneration) return;
  const next = { ...object, status: { ...status, conditions, observedGeneration } };
  await client.update<WithStatus>(resource, next, { subresource: 'status', fieldManager });
}

export function reconcileRoute(client: KubeClient, routes: Informer<RouteResource>, functions: Informer<FunctionResource>) {
  return async (key: string): Promise<void> => {
    const route = routes.get(key);
    if (route && !route.metadata.deletionTimestamp) await writeVerdict(client, routeResource, route, routeVerdict(route, functions));
  };
}

/** `pods`: indexed `trouble`, by the runtime of those that are in trouble. */
export function reconcileRuntime(
  client: KubeClient,
  runtimes: Informer<RuntimeResource>,
  pods: Informer<Pod>,
  kubernetes?: Pick<KubernetesPods, 'images'>,
) {
  return async (key: string): Promise<void> => {
    const runtime = runtimes.get(key);
    if (runtime && !runtime.metadata.deletionTimestamp)
      await writeVerdict(client, runtimeResource, runtime, runtimeVerdict(runtime, pods.byIndex('trouble', key), kubernetes));
  };
}
