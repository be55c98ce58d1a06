/** The labels and the owner of a specialised pod follow its claim: what `kubectl get pods -L tsumugi.dev/function` shows. */
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { WorkQueue } from '../../kube/queue.ts';
import { ApiError } from '../../resources/object.ts';
import { pods } from '../../resources/resources.ts';
import { fieldManager, label, ownedBy } from '../model/names.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { Fleet } from './fleet.ts';

/** The first request goes first: to write takes the thread that is to answer the gateway. */
const afterwardsMs = 15;

/** The labels of a claim that another controller has made are its to write; this is when they should be there, and else are written here. */
const othersMs = 1000;

/** Between attempts: the API server may be away. */
const longestMs = 5000;

/** Off the path of a request: the instance answers before its labels are there. */
export function startLabeller(options: {
  readonly client: KubeClient;
  readonly fleet: Fleet;
  readonly revisionByUid: (uid: string) => RevisionResource | undefined;
  /** In the claims that this controller makes. */
  readonly epoch: number;
  readonly log: Log;
}): { close(): Promise<void> } {
  const { client, fleet, revisionByUid, epoch, log } = options;

  async function work(uid: string): Promise<void> {
    const member = fleet.get(uid);
    const revision = member?.claim && revisionByUid(member.claim.revisionUid);
    if (!member || !revision || member.pod.metadata.labels?.[label.revision] === revision.metadata.name) return queue.forget(uid);
    try {
      const labels = { [label.function]: revision.spec.function, [label.revision]: revision.metadata.name };
      // Another pod of that name has another uid, which no patch may change.
      const body = { metadata: { uid, labels, ownerReferences: [ownedBy(revision)] } };
      await client.patch(pods, { namespace: member.namespace, name: member.name }, { type: 'merge', body }, { fieldManager });
      queue.forget(uid);
    } catch (error) {
      const gone = error instanceof ApiError && (error.code === 404 || error.code === 422);
      if (gone) queue.forget(uid);
      else queue.retry(uid, longestMs);
      if (!gone) log.warn({ pod: member.name, error: toError(error).message }, 'an instance could not be labelled');
    }
  }

  const queue = new WorkQueue({ work, parallelism: 4 });
  fleet.on({ serving: ({ uid, claim }) => queue.addAfter(uid, claim?.epoch === epoch ? afterwardsMs : othersMs) });
  return { close: () => queue.close() };
}
