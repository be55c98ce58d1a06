/** What the controller does to pods, and tells of it. */
import { toError } from '../../../base/errors.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { EventRecorder } from '../../../kube/events.ts';
import type { Job } from '../../../resources/builtin/job/types.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { ApiError, isNotFound, type ObjectMeta } from '../../../resources/object.ts';
import { pods } from '../../../resources/resources.ts';
import { trackingFinalizer } from './names.ts';
import { newPod } from './new-pod.ts';
import { isTracked } from './pod-state.ts';

/** So many are tried before more are: where none can be made, few are tried in vain. */
const firstBatch = 8;

/** What of many things was done, and why not all. */
export interface Done {
  readonly pods: readonly Pod[];
  readonly error?: unknown;
}

/** One for each pod to be: its index, and the pod that it replaces. */
export type NewPod = readonly [index: number | undefined, replaces: Pod | undefined];

export class PodControl {
  readonly #client: KubeClient;
  readonly #recorder: EventRecorder;

  constructor(client: KubeClient, recorder: EventRecorder) {
    this.#client = client;
    this.#recorder = recorder;
  }

  async create(job: Job, wanted: readonly NewPod[]): Promise<Done> {
    const made: Pod[] = [];
    for (let [begin, size] = [0, firstBatch]; begin < wanted.length; begin += size, size *= 2) {
      const batch = wanted.slice(begin, begin + size).map(([index, replaces]) => this.#create(job, index, replaces));
      const done = await each(batch);
      made.push(...done.pods);
      if (done.error !== undefined) return { pods: made, error: done.error };
    }
    return { pods: made };
  }

  async #create(job: Job, index: number | undefined, replaces: Pod | undefined): Promise<Pod> {
    try {
      const pod = await this.#client.create(pods, newPod(job, index, replaces));
      this.#recorder.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      return pod;
    } catch (error) {
      if (!isEnding(error)) this.#recorder.record(job, 'Warning', 'FailedCreate', `Error creating: ${toError(error).message}`);
      throw error;
    }
  }

  /** `counted`: the finalizer stays until each is counted; else they go uncounted. */
  delete(job: Job, gone: readonly Pod[], { counted }: { readonly counted: boolean }): Promise<Done> {
    return each(
      gone.map(async (pod) => {
        if (!counted) await this.#letGo(pod);
        try {
          await this.#client.delete(pods, pod.metadata);
        } catch (error) {
          if (isNotFound(error)) return pod;
          this.#recorder.record(job, 'Warning', 'FailedDelete', `Error deleting: ${toError(error).message}`);
          throw error;
        }
        this.#recorder.record(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
        return pod;
      }),
    );
  }

  /** Takes the finalizer off, in one commit. */
  release(counted: readonly Pod[]): Promise<Done> {
    return each(
      counted.map(async (pod) => {
        await this.#letGo(pod);
        return pod;
      }),
    );
  }

  async #letGo(pod: Pod): Promise<void> {
    if (isTracked(pod)) await this.#patch(pod.metadata, { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] });
  }

  /** Makes a pod that has no controller this Job's. */
  async adopt({ metadata }: Job, name: string): Promise<void> {
    const { namespace } = metadata;
    const key = { name, ...(namespace !== undefined && { namespace }) };
    const pod = await this.#client.get<Pod>(pods, key);
    if (pod.metadata.deletionTimestamp !== undefined) return;
    const owner = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      name: metadata.name,
      uid: metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    };
    await this.#patch(pod.metadata, { ownerReferences: [owner], finalizers: [trackingFinalizer] });
  }

  /** The pod has other labels by now: it is nobody's. */
  async disown({ metadata }: Job, pod: Pod): Promise<void> {
    await this.#patch(pod.metadata, {
      ownerReferences: [{ $patch: 'delete', uid: metadata.uid }],
      '$deleteFromPrimitiveList/finalizers': [trackingFinalizer],
    });
  }

  async #patch({ namespace, name, uid }: ObjectMeta, metadata: object): Promise<void> {
    const key = { name, ...(namespace !== undefined && { namespace }) };
    await this.#client.patch(pods, key, { type: 'strategic', body: { metadata: { uid, ...metadata } } }).catch((error: unknown) => {
      // Another of its name is none of ours.
      if (!isNotFound(error) && !(error instanceof ApiError && error.reason === 'Invalid')) throw error;
    });
  }
}

/** A namespace that ends takes no new pods, which is no news. */
const isEnding = (error: unknown): boolean =>
  error instanceof ApiError && (error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false);

async function each(actions: readonly Promise<Pod>[]): Promise<Done> {
  const results = await Promise.allSettled(actions);
  const failed = results.find((result) => result.status === 'rejected');
  return {
    pods: results.filter((result) => result.status === 'fulfilled').map(({ value }) => value),
    ...(failed && { error: failed.reason as unknown }),
  };
}
