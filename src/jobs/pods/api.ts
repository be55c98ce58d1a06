/** Writing to the API so that it may be done twice. */
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Run } from '../../records/runs.ts';
import type { Job } from '../../resources/builtin/job/types.ts';
import { ApiError, isAlreadyExists, isConflict, isNotFound, type KubeObject, type Resource } from '../../resources/object.ts';
import { jobs } from '../../resources/resources.ts';
import { fieldManager, runOf } from './labels.ts';

/** Later it will not come. */
const secretPatienceMs = 10_000;

/** Creates an object of a run, or answers it if it is there already. Throws Invalid for what the API will never take, and where the name is another's. */
export async function createOnce<T extends KubeObject>(client: KubeClient, resource: Resource, object: T, uid: string): Promise<T> {
  try {
    return await client.create<T>(resource, object, { fieldManager });
  } catch (error) {
    if (error instanceof ApiError && [400, 404, 413, 422].includes(error.code))
      throw new TsumugiError('Invalid', error.message, { cause: error });
    if (!isAlreadyExists(error)) throw error;
  }
  const { namespace = '', name } = object.metadata;
  const there = await client.get<T>(resource, { namespace, name });
  if (there.metadata.deletionTimestamp)
    throw new TsumugiError('Unavailable', `an earlier ${object.kind} "${name}" in namespace ${namespace} is still being deleted`);
  if (runOf(there) === uid) return there;
  throw new TsumugiError('Invalid', `there is a ${object.kind} "${name}" already in namespace ${namespace}, of somebody else`);
}

/** What to throw where the Secret of a run is not there: it is written right after the record, so for a while it may still come. */
export function noSecret({ admittedAt = 0 }: Pick<Run, 'admittedAt'>, now: number, message: string): TsumugiError {
  return new TsumugiError(now - admittedAt > secretPatienceMs ? 'NotFound' : 'Unavailable', message);
}

/** With its pods, and what else it owns. */
export async function deleteJob(client: KubeClient, { metadata }: Job): Promise<void> {
  await ignoreGone(
    client.delete(jobs, metadata, { propagationPolicy: 'Background', ...(metadata.uid && { preconditions: { uid: metadata.uid } }) }),
  );
}

export async function deleteNamed(client: KubeClient, resource: Resource, namespace: string, name: string): Promise<void> {
  await ignoreGone(client.delete(resource, { namespace, name }));
}

async function ignoreGone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    // Conflict: another of the same name is there by now.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
