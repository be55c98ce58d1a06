/** The controller of claims and volumes, and the storage class of the node's folders. */
import type { Clock } from '../../../base/clock.ts';
import { toError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { EventRecorder } from '../../../kube/events.ts';
import { runController } from '../../../kube/reconcile.ts';
import type { Controller, ControllerOptions } from '../../../kube/reconcile.ts';
import { defaultClassAnnotation } from '../../../resources/builtin/volumes.ts';
import type { StorageClass } from '../../../resources/builtin/volumes.ts';
import type { KindDefinition } from '../../../resources/kind.ts';
import { isAlreadyExists } from '../../../resources/object.ts';
import { storageClasses } from '../../../resources/resources.ts';
import type { Store } from '../../storage/store.ts';
import { resourceName } from '../objects.ts';
import { storeSource } from '../source.ts';
import { claimReconciler, provisioner } from './claims.ts';
import { claimKeys, claims, classes, volumes } from './keys.ts';

export interface ClaimControllerOptions {
  readonly client: KubeClient;
  readonly store: Store;
  readonly kinds: readonly KindDefinition[];
  readonly folder: string | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onRun?: ControllerOptions['onRun'];
}

export function runClaimController(options: ClaimControllerOptions): { readonly done: Promise<void> } {
  const { client, store, kinds, folder, log, clock, signal, onRun } = options;
  const recorder = new EventRecorder(client, 'persistentvolume-controller', { log, clock });
  const watched = kinds.filter((kind) => [claims, volumes, classes, 'pods'].includes(resourceName(kind)));
  const controller: Controller = runController({
    name: 'claims',
    log,
    clock,
    signal,
    ...(onRun && { onRun }),
    informers: [storeSource(store, watched, claimKeys, signal, log)],
    reconcile: claimReconciler({ client, recorder, folder, enqueue: (key) => controller.enqueue(key) }),
  });
  if (folder !== undefined) void makeClass(client, log);
  return { done: controller.done.then(() => recorder.flush()) };
}

/** The default class, where there is none of its name: who changed it keeps what they made of it. */
async function makeClass(client: KubeClient, log: Log): Promise<void> {
  const standard: StorageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { [defaultClassAnnotation]: 'true' } },
    provisioner,
  };
  await client.create(storageClasses, standard).catch((error: unknown) => {
    if (!isAlreadyExists(error)) log.warn({ error: toError(error).message }, 'the storage class "standard" could not be made');
  });
}
