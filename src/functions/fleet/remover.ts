/** Taking pods away: out of the gateways' sight, the log kept, the object deleted. */
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ApiError, isNotFound } from '../../resources/object.ts';
import { pods } from '../../resources/resources.ts';
import type { LogKeeper } from '../logs/keeper.ts';
import { label } from '../model/names.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { Fleet } from './fleet.ts';
import type { Member } from './member.ts';

export interface RemoverOptions {
  readonly client: KubeClient;
  readonly fleet: Fleet;
  readonly keeper: LogKeeper;
  readonly revisionByUid: (uid: string) => RevisionResource | undefined;
  readonly log: Log;
}

export class PodRemover {
  readonly #options: RemoverOptions;
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: RemoverOptions) {
    this.#options = options;
  }

  /** Now: for a pod that is no use any more, or hangs. `revisionUid`: whose code it ran, if that is not its claim; `before`: waited for before the log is kept. Never throws; what fails is tried again by the pool's reconciler. */
  kill(member: Member, why: string, revisionUid = member.claim?.revisionUid, before?: () => Promise<unknown>): Promise<void> {
    const isFunction = revisionUid !== undefined;
    this.#options.log[isFunction ? 'info' : 'debug']({ pod: member.name, namespace: member.namespace, why }, 'removing a pod');
    this.#options.fleet.retire(member);
    return this.#remove(member.pod, 0, revisionUid, before);
  }

  /** A pod whose process has ended, or one that has drained. */
  remove(pod: Pod, revisionUid?: string): Promise<void> {
    return this.#remove(pod, 0, revisionUid);
  }

  #remove(pod: Pod, graceSeconds: number, revisionUid: string | undefined, before?: () => Promise<unknown>): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    const running = this.#running.get(uid);
    if (running) return running;
    const { namespace = '', name } = pod.metadata;
    const now = before ? before().then(() => this.#options.client.get<Pod>(pods, { namespace, name })) : Promise.resolve(pod);
    const done = now
      .catch(() => pod)
      .then((last) => this.#run(last.metadata.uid === uid ? last : pod, graceSeconds, revisionUid))
      .catch((error: unknown) => {
        this.#options.log.warn(
          { pod: pod.metadata.name, namespace: pod.metadata.namespace, error: toError(error).message },
          'a pod could not be removed',
        );
      })
      .finally(() => this.#running.delete(uid));
    this.#running.set(uid, done);
    return done;
  }

  async #run(pod: Pod, gracePeriodSeconds: number, revisionUid: string | undefined): Promise<void> {
    const { client } = this.#options;
    const { namespace = '', name, uid = '' } = pod.metadata;
    await this.keepLog(pod, revisionUid);
    try {
      await client.delete(pods, { namespace, name }, { gracePeriodSeconds, preconditions: { uid } });
    } catch (error) {
      // Gone, or another of the same name by now.
      if (!isNotFound(error) && !(error instanceof ApiError && error.code === 409)) throw error;
    }
  }

  /** Resolves when nothing is being removed. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** Copies the pod's log into records, if it was a function's. */
  async keepLog(pod: Pod, revisionUid?: string): Promise<void> {
    const { keeper, revisionByUid } = this.#options;
    const { labels } = pod.metadata;
    const functionName = labels?.[label.function] ?? (revisionUid === undefined ? undefined : revisionByUid(revisionUid)?.spec.function);
    if (functionName !== undefined) await keeper.keep(pod, functionName);
  }
}
