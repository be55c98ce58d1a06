/** Taking a guest away: what has no informer goes first, so that what is left after a crash is found by its Jobs and pods. */
import type { Run } from '../../records/runs.ts';
import { isNotFound, type KubeObject } from '../../resources/object.ts';
import { pods, secrets } from '../../resources/resources.ts';
import { deleteJob, deleteNamed } from './api.ts';
import { resourceOf } from './guest-objects.ts';
import { label } from './labels.ts';
import type { RunObjects } from './objects.ts';
import type { GuestSpec } from './specs.ts';

/** Only what is of this very run: somebody else may have made objects of the same names since. */
export async function deleteGuest({ client, jobsOf, podsOf }: Pick<RunObjects, 'client' | 'jobsOf' | 'podsOf'>, run: Run): Promise<void> {
  const { uid, namespace, name } = run;
  for (const object of (run.spec as GuestSpec).objects) {
    if (object.kind !== 'ConfigMap' && object.kind !== 'Secret') continue;
    const resource = resourceOf(object);
    const found = await client.get<KubeObject>(resource, { namespace, name: object.metadata.name }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      return undefined;
    });
    if (found?.metadata.labels?.[label.run] === uid) await deleteNamed(client, resource, namespace, object.metadata.name);
  }
  await deleteNamed(client, secrets, namespace, name);
  for (const pod of podsOf(uid)) {
    const isOwned = pod.metadata.ownerReferences?.some(({ kind }) => kind === 'Job');
    if (!isOwned && !pod.metadata.deletionTimestamp) await deleteNamed(client, pods, namespace, pod.metadata.name);
  }
  for (const job of jobsOf(uid)) if (!job.metadata.deletionTimestamp) await deleteJob(client, job);
}
