/** What the first instances of a revision showed: whether it can have pods, and whether its code can be loaded. */
import type { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { conditionOf, setCondition } from '../../resources/conditions.ts';
import { isConflict, isNotFound } from '../../resources/object.ts';
import { revisions } from '../../resources/resources.ts';
import { NoPods } from '../activator/waiting.ts';
import { fieldManager } from '../model/names.ts';
import type { RevisionResource } from '../../resources/revision.ts';

/** In the Ready condition of a revision whose code was tried. */
export const loadFailed = 'LoadFailed';

/** Off the path of the request that started the instance. Only a verdict on the revision is written: that no pod was free says nothing about it. */
export async function writeRevisionStatus(client: KubeClient, revision: RevisionResource, error: TsumugiError | undefined): Promise<void> {
  if (error && error.code !== 'LoadError' && !(error instanceof NoPods)) return;
  const { namespace = '', name, uid } = revision.metadata;
  const next = error
    ? { type: 'Ready', status: 'False' as const, reason: error instanceof NoPods ? error.reason : loadFailed, message: error.message }
    : { type: 'Ready', status: 'True' as const, reason: 'Loaded', message: 'an instance has loaded it' };
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      const current = attempt === 0 ? revision : await client.get<RevisionResource>(revisions, { namespace, name });
      if (current.metadata.uid !== uid) return;
      const was = conditionOf(current, 'Ready');
      if (was?.status === next.status && was.message === next.message) return;
      const conditions = setCondition(current.status?.conditions, next, Date.now());
      await client.update<RevisionResource>(
        revisions,
        { ...current, status: { ...current.status, conditions } },
        { subresource: 'status', fieldManager },
      );
      return;
    } catch (thrown) {
      if (isNotFound(thrown)) return;
      if (!isConflict(thrown)) throw thrown;
    }
  }
}
