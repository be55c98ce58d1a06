/** How a guest's objects come and go, in the same order: what is left of it after a crash is found by its Jobs and pods. */
import type { KubeClient } from '../../kube/client.ts';
import type { Run } from '../../records/runs.ts';
import type { Job } from '../../resources/builtin/job/types.ts';
import type { Secret } from '../../resources/builtin/secret.ts';
import type { KubeObject } from '../../resources/object.ts';
import { secrets } from '../../resources/resources.ts';
import { createOnce, deleteJob, deleteNamed, noSecret } from './api.ts';
import { getIfThere } from '../../kube/get.ts';
import { labelled, resourceOf } from './guest-objects.ts';
import { runOf } from './labels.ts';
import type { GuestSpec } from './specs.ts';

/** Its objects with what is in its Secrets. Throws NotFound where that was lost, Unavailable while it may still come. */
export async function wholeObjects(home: KubeClient, run: Run, now: number): Promise<readonly KubeObject[]> {
  const { objects } = run.spec as GuestSpec;
  if (!objects.some(({ kind }) => kind === 'Secret')) return objects;
  const kept = await getIfThere<Secret>(home, secrets, run);
  if (!kept) throw noSecret(run, now, 'its Secrets were lost before they were kept: run it again');
  return objects.map((object) => {
    const data = kept.data?.[object.metadata.name];
    return object.kind === 'Secret' && data !== undefined ? (JSON.parse(Buffer.from(data, 'base64').toString()) as KubeObject) : object;
  });
}

/** All at once, or what is missing of it after a restart. */
export async function makeObjects(
  client: KubeClient,
  uid: string,
  objects: readonly KubeObject[],
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  for (const object of objects) await createOnce(client, resourceOf(object), labelled(object, labels), uid);
}

/** What it has in the platform's own cluster: all of it where it runs here, else its Secret. */
export async function tidyGuest(home: KubeClient, run: Run): Promise<void> {
  await deleteNamed(home, secrets, run.namespace, run.name);
  const { cluster, objects } = run.spec as GuestSpec;
  if (cluster === undefined) await deleteObjects(home, run.uid, objects);
}

/** Only what is of this very run: somebody else may have made objects of the same names since. */
export async function deleteObjects(client: KubeClient, uid: string, objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) {
    const { namespace = '', name } = object.metadata;
    const resource = resourceOf(object);
    const found = await getIfThere(client, resource, { namespace, name });
    if (!found || runOf(found) !== uid || found.metadata.deletionTimestamp) continue;
    if (object.kind === 'Job') await deleteJob(client, found as Job);
    else await deleteNamed(client, resource, namespace, name);
  }
}
