/** Revisions that nobody needs any more: a few are kept to look at, those with traffic or instances always. */
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../resources/object.ts';
import { revisions } from '../../resources/resources.ts';
import { defaults } from '../model/names.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { RevisionResource } from '../../resources/revision.ts';

/** `own`: the function's revisions, the newest first. */
export async function removeOldRevisions(
  client: KubeClient,
  object: FunctionResource,
  own: readonly RevisionResource[],
  isOccupied: (revisionUid: string) => boolean,
): Promise<void> {
  const traffic = object.status?.latestReadyRevision;
  const old = own.slice(1).filter((each) => each.metadata.name !== traffic);
  for (const { metadata } of old.slice(defaults.oldRevisions)) {
    if (isOccupied(metadata.uid ?? '') || metadata.deletionTimestamp) continue;
    try {
      const { namespace = '', name, uid = '' } = metadata;
      await client.delete(revisions, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
