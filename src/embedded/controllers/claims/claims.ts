/**
 * Binds claims to volumes, makes volumes of the node's own class, lets go of what nobody uses any more: what a real cluster's
 * persistent-volume, provisioning and protection controllers do. Each step is an intent that the next look finds again.
 */
import { getIfThere } from '../../../kube/get.ts';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeClient } from '../../../kube/client.ts';
import type { EventRecorder } from '../../../kube/events.ts';
import type { Reconcile, ReconcileResult } from '../../../kube/reconcile.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { claimProtection, volumeProtection } from '../../../resources/builtin/volumes.ts';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../resources/builtin/volumes.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../../resources/object.ts';
import type { KubeObject, Resource } from '../../../resources/object.ts';
import { persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '../../../resources/resources.ts';
import { queueKey, storeKey } from '../objects.ts';
import { allWaiting, claimNames, claims, volumes } from './keys.ts';
import { chooseVolume, isFor } from './match.ts';

/** Who makes volumes: folders of the node. */
export const provisioner = 'tsumugi.dev/folder';
const byController = { 'pv.kubernetes.io/bound-by-controller': 'yes' };
const provisionedBy = 'pv.kubernetes.io/provisioned-by';

export interface ClaimsOptions {
  readonly client: KubeClient;
  readonly recorder: EventRecorder;
  /** Where folders for claims are made: `<folder>/<namespace>/<volume>`; absent: nobody makes any. */
  readonly folder: string | undefined;
  readonly enqueue: (key: string) => void;
}

export function claimReconciler(options: ClaimsOptions): Reconcile {
  return async (key): Promise<ReconcileResult> => {
    try {
      await look(options, key);
    } catch (error) {
      // Somebody else wrote in between: the change comes as a key of its own, or the thing is gone.
      if (!isConflict(error) && !isNotFound(error)) throw error;
      return isConflict(error) ? { again: 0.05 } : undefined;
    }
    return undefined;
  };
}

async function look(options: ClaimsOptions, key: string): Promise<void> {
  const { client, enqueue } = options;
  if (key === allWaiting) {
    const { items } = await client.list<PersistentVolumeClaim>(persistentVolumeClaims);
    for (const { metadata, status } of items)
      if (status?.phase === 'Pending') enqueue(queueKey({ resource: claims, namespace: metadata.namespace ?? '', name: metadata.name }));
    return;
  }
  const { resource, namespace, name } = storeKey(key);
  if (resource === volumes) {
    const volume = await getIfThere<PersistentVolume>(client, persistentVolumes, { name });
    if (volume) await lookAtVolume(options, volume);
    return;
  }
  const claim = await getIfThere<PersistentVolumeClaim>(client, persistentVolumeClaims, { namespace, name });
  if (!claim) return;
  if (claim.metadata.deletionTimestamp !== undefined) await release(client, claim);
  else if (claim.status?.phase !== 'Bound') await bind(options, claim);
  else if (!(await getIfThere(client, persistentVolumes, { name: claim.spec?.volumeName ?? '' })))
    await client.patch(
      persistentVolumeClaims,
      claim.metadata,
      { type: 'merge', body: { status: { phase: 'Lost' } } },
      { subresource: 'status' },
    );
}

async function bind(options: ClaimsOptions, claim: PersistentVolumeClaim): Promise<void> {
  const { client, recorder } = options;
  const all = (await client.list<PersistentVolume>(persistentVolumes)).items;
  const volume = chooseVolume(claim, all);
  if (!volume) {
    await provide(options, claim);
    return;
  }
  const { metadata } = claim;
  if (volume.spec?.claimRef?.uid !== metadata.uid) {
    const { namespace, name, uid, resourceVersion } = metadata;
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion };
    const annotations = volume.spec?.claimRef ? {} : byController;
    const body = { metadata: { resourceVersion: volume.metadata.resourceVersion, annotations }, spec: { claimRef } };
    await client.patch(persistentVolumes, volume.metadata, { type: 'merge', body });
  }
  await setPhase(client, volume, 'Bound');
  const { name: volumeName } = volume.metadata;
  const annotations = { 'pv.kubernetes.io/bind-completed': 'yes', ...(claim.spec?.volumeName !== volumeName && byController) };
  const body = { metadata: { resourceVersion: metadata.resourceVersion, annotations }, spec: { volumeName } };
  await client.patch(persistentVolumeClaims, metadata, { type: 'merge', body });
  const status = { phase: 'Bound', accessModes: volume.spec?.accessModes, capacity: volume.spec?.capacity };
  await client.patch(persistentVolumeClaims, metadata, { type: 'merge', body: { status } }, { subresource: 'status' });
  if (volume.metadata.annotations?.[provisionedBy] === provisioner)
    recorder.record(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName}`);
}

/** Nothing that fits: of the node's own class one is made. */
async function provide({ client, recorder, folder }: ClaimsOptions, claim: PersistentVolumeClaim): Promise<void> {
  const { metadata, spec } = claim;
  const className = spec?.storageClassName ?? '';
  if (className === '') {
    recorder.record(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set');
    return;
  }
  const storageClass = await getIfThere<StorageClass>(client, storageClasses, { name: className });
  if (!storageClass) {
    recorder.record(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`);
    return;
  }
  if (storageClass.provisioner !== provisioner || folder === undefined || spec?.volumeName) return;
  if (spec?.volumeMode === 'Block' || spec?.selector) {
    recorder.record(claim, 'Warning', 'ProvisioningFailed', 'folders of the node have no volumeMode Block, and are not chosen by selector');
    return;
  }
  const name = `pvc-${metadata.uid ?? ''}`;
  const volume: PersistentVolume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, annotations: { [provisionedBy]: provisioner } },
    spec: {
      capacity: { storage: spec?.resources?.requests?.['storage'] ?? '0' },
      accessModes: spec?.accessModes ?? [],
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: className,
      hostPath: { path: join(folder, metadata.namespace ?? '', name), type: 'DirectoryOrCreate' },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace: metadata.namespace ?? '',
        name: metadata.name,
        uid: metadata.uid ?? '',
      },
    },
  };
  // Its change comes back as a key of the claim.
  await client.create(persistentVolumes, volume).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}

/** A deleted claim goes once no pod uses it. */
async function release(client: KubeClient, { metadata }: PersistentVolumeClaim): Promise<void> {
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(claimProtection)) return;
  const { namespace = '', name } = metadata;
  // One that has ended counts, too, as long as it is there.
  const users = (await client.list<Pod>(pods, { namespace })).items.filter((pod) => pod.spec.nodeName && claimNames(pod).includes(name));
  if (users.length > 0) return;
  await withoutFinalizer(client, persistentVolumeClaims, metadata, claimProtection);
}

async function lookAtVolume({ client, folder }: ClaimsOptions, volume: PersistentVolume): Promise<void> {
  const { metadata, spec, status } = volume;
  const { claimRef } = spec ?? {};
  const claim =
    claimRef &&
    (await getIfThere<PersistentVolumeClaim>(client, persistentVolumeClaims, {
      namespace: claimRef.namespace ?? '',
      name: claimRef.name ?? '',
    }));
  const isHeld = claim !== undefined && isFor(volume, claim) && claimRef?.uid !== undefined;
  if (metadata.deletionTimestamp !== undefined) {
    if (!isHeld && metadata.finalizers?.includes(volumeProtection))
      await withoutFinalizer(client, persistentVolumes, metadata, volumeProtection);
    return;
  }
  if (!claimRef?.uid) {
    await setPhase(client, volume, 'Available');
    return;
  }
  if (isHeld) return;
  if (status?.phase !== 'Released') {
    await setPhase(client, volume, 'Released');
    return;
  }
  if (spec?.persistentVolumeReclaimPolicy !== 'Delete' || metadata.annotations?.[provisionedBy] !== provisioner || folder === undefined)
    return;
  // The data first: while they are there, so is the volume.
  const path = join(folder, claimRef.namespace ?? '', metadata.name);
  if (spec.hostPath?.path === path) await rm(path, { recursive: true, force: true });
  await client.delete(persistentVolumes, metadata, { preconditions: { uid: metadata.uid ?? '' } });
}

type Phase = NonNullable<NonNullable<PersistentVolume['status']>['phase']>;

async function setPhase(client: KubeClient, { metadata, status }: PersistentVolume, phase: Phase): Promise<void> {
  if (status?.phase === phase) return;
  const lastPhaseTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
  await client.patch(
    persistentVolumes,
    metadata,
    { type: 'merge', body: { status: { phase, lastPhaseTransitionTime } } },
    { subresource: 'status' },
  );
}

async function withoutFinalizer(
  client: KubeClient,
  resource: Resource,
  metadata: KubeObject['metadata'],
  finalizer: string,
): Promise<void> {
  const finalizers = (metadata.finalizers ?? []).filter((each) => each !== finalizer);
  const body = { metadata: { resourceVersion: metadata.resourceVersion, finalizers } };
  await client.patch(resource, metadata, { type: 'merge', body });
}
