/** The controller of batch/v1 Jobs, as Kubernetes has it: their pods, their status, and their end after `ttlSecondsAfterFinished`. */
import { type Clock } from '../../../base/clock.ts';
import { type Log } from '../../../base/log.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { EventRecorder } from '../../../kube/events.ts';
import { type Controller, type ControllerOptions, type Reconcile, runController } from '../../../kube/reconcile.ts';
import { isFinished, type Job } from '../../../resources/builtin/job/types.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { isNotFound } from '../../../resources/object.ts';
import { jobs, pods } from '../../../resources/resources.ts';
import type { Store } from '../../storage/store.ts';
import { objectOf } from '../../api/rows.ts';
import { resourceName } from '../objects.ts';
import { JobPods, strayOf } from './job-pods.ts';
import { controllerName } from './names.ts';
import { controllerOf } from './pod-state.ts';
import { JobSync } from './sync.ts';

interface JobControllerOptions extends Pick<ControllerOptions, 'onRun'> {
  readonly client: KubeClient;
  readonly store: Store;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Runs until `signal` is aborted. */
export function runJobController({ client, store, log, clock, signal, onRun }: JobControllerOptions): Controller {
  const recorder = new EventRecorder(client, 'job-controller', { sparing: true, log, clock });
  const known = new JobPods(store, signal, log);
  const sync = new JobSync({ client, pods: known, recorder, clock });

  const reconcile: Reconcile = async (key) => {
    const stray = strayOf(key);
    if (stray) return releaseStray(stray);
    const [namespace = '', name = ''] = key.split('/');
    const [row] = await store.get([{ resource: resourceName(jobs), namespace, name }]);
    const job = row && objectOf<Job>(row);
    const others = known.ofOthers(namespace, name, job?.metadata.uid);
    if (others.length > 0) await sync.release(others);
    if (!job) return undefined;
    if (isFinished(job)) return finished(job);
    if (isManagedByOther(job)) return undefined;
    const again = await sync.run(job);
    return again === undefined ? undefined : { again: again / 1000 };
  };

  /** It had a Job that let go of it. */
  async function releaseStray({ namespace, name }: { namespace: string; name: string }): Promise<void> {
    const [row] = await store.get([{ resource: resourceName(pods), namespace, name }]);
    const pod = row && objectOf<Pod>(row);
    if (pod && !controllerOf(pod)) await sync.release([pod]);
  }

  async function finished(job: Job): Promise<{ again: number } | undefined> {
    sync.forget(job.metadata.uid ?? '');
    // Counted it is; a crash may have left some that do not know.
    if (!isManagedByOther(job)) await sync.release(known.of(job));
    const left = timeToLive(job, clock.now());
    if (left === undefined) return undefined;
    if (left > 0) return { again: left / 1000 };
    const { uid = '' } = job.metadata;
    await client.delete(jobs, job.metadata, { propagationPolicy: 'Foreground', preconditions: { uid } }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    return undefined;
  }

  return runController({
    name: 'jobs',
    informers: [known],
    reconcile,
    parallelism: 16,
    // A conflict means that somebody wrote meanwhile: the next look is at that.
    firstDelay: 10,
    signal,
    log,
    clock,
    ...(onRun && { onRun }),
  });
}

const isManagedByOther = ({ spec }: Job): boolean => spec.managedBy !== undefined && spec.managedBy !== controllerName;

/** Milliseconds that a finished Job has left; undefined: it stays. */
function timeToLive({ metadata, spec, status }: Job, now: number): number | undefined {
  if (spec.ttlSecondsAfterFinished === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  const end = status?.conditions?.find(({ type, status: is }) => is === 'True' && (type === 'Complete' || type === 'Failed'));
  const at = Date.parse(end?.lastTransitionTime ?? '');
  return Number.isNaN(at) ? undefined : at + spec.ttlSecondsAfterFinished * 1000 - now;
}
