/**
 * Execution objects become runs: the object asks, the record is the truth, the status shows it. A finalizer keeps the object until its run
 * is gone, so that deleting the object cancels what runs.
 */
import { type Clock, systemClock } from '../../base/clock.ts';
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ReconcileResult } from '../../kube/reconcile.ts';
import type { NewRun, Run, RunStore } from '../../records/runs.ts';
import { conditionOf, setCondition } from '../../resources/conditions.ts';
import type { Execution, ExecutionStatus } from '../../resources/execution.ts';
import type { JobDefinition } from '../../resources/job-definition.ts';
import { type Condition, isNotFound } from '../../resources/object.ts';
import { executions as resource } from '../../resources/resources.ts';
import type { Bell } from '../bell.ts';
import type { RunJobRequest } from '../jobs.ts';
import { planOf } from '../model/plan.ts';
import { queueUntil } from '../model/queue.ts';

/** On each Execution that has a run. */
export const runFinalizer = 'tsumugi.dev/run';
const fieldManager = 'tsumugi-jobs';
/** While a run goes on its object is looked at so often, whatever was told; s. */
const openAgain = 5;
const goneAgain = 0.2;
const missingAgain = 5;

export interface ExecutionReconcilerOptions {
  readonly client: KubeClient;
  readonly runs: RunStore;
  readonly bell: Bell;
  readonly find: (key: string) => Execution | undefined;
  readonly definition: (key: string) => JobDefinition | undefined;
  /** Throws what is wrong with the request. */
  readonly plan: (request: RunJobRequest & { readonly name: string }, definition: JobDefinition) => Omit<NewRun, 'uid' | 'createdAt'>;
  readonly clock?: Clock;
}

export class ExecutionReconciler {
  readonly #options: ExecutionReconcilerOptions;
  readonly #clock: Clock;

  constructor(options: ExecutionReconcilerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async reconcile(key: string): Promise<ReconcileResult> {
    const object = this.#options.find(key);
    if (!object) return undefined;
    const [run] = await this.#options.runs.get([object.metadata.uid ?? '']);
    if (object.metadata.deletionTimestamp) return this.#remove(object, run);
    if (run) {
      await this.#follow(object, run);
      await this.#write(object, statusOf(object, run, this.#clock.now()));
      return run.endedAt === undefined ? { again: openAgain } : undefined;
    }
    // Its record was dropped with the history; what the status says stays.
    if (object.status?.completionTime !== undefined) return undefined;
    return this.#begin(object);
  }

  async #begin(object: Execution): Promise<ReconcileResult> {
    const { name, namespace = '', uid = '', labels } = object.metadata;
    const { jobDefinition, suspend: _, ...overrides } = object.spec;
    const definition = this.#options.definition(`${namespace}/${jobDefinition}`);
    if (!definition) {
      const message = `JobDefinition "${jobDefinition}" does not exist in namespace ${namespace}`;
      await this.#say(object, { status: 'Unknown', reason: 'JobDefinitionMissing', message });
      return { again: missingAgain };
    }
    if (!object.metadata.finalizers?.includes(runFinalizer)) {
      // The informer brings it back with the finalizer.
      await this.#finalizers(object, [...(object.metadata.finalizers ?? []), runFinalizer]);
      return undefined;
    }
    try {
      const planned = this.#options.plan(
        { namespace, job: jobDefinition, name, overrides: overrides as RunJobRequest['overrides'] & object, ...(labels && { labels }) },
        definition,
      );
      const now = this.#clock.now();
      const createdAt = Date.parse(object.metadata.creationTimestamp ?? '') || now;
      // It waits in line from now on: for its definition it may have waited longer.
      await this.#options.runs.insert([{ ...planned, uid, createdAt, ...queueUntil(planned.spec, now) }]);
    } catch (error) {
      if (!(error instanceof TsumugiError) || (error.code !== 'Invalid' && error.code !== 'Conflict')) throw error;
      const reason = error.code === 'Invalid' ? 'Invalid' : 'NameTaken';
      await this.#say(object, { status: 'False', reason, message: [error.field, error.message, error.hint].filter(Boolean).join(': ') });
      return undefined;
    }
    if (object.spec.suspend) await this.#options.runs.want(uid, 'pause');
    this.#options.bell.ring('asked');
    return { again: 0 };
  }

  /** What the object wants, where it says so anew: in between others may have asked for something else. */
  async #follow({ spec, metadata, status }: Execution, run: Run): Promise<void> {
    if (spec.suspend === undefined || run.endedAt !== undefined || (status?.observedGeneration ?? 0) >= (metadata.generation ?? 1)) return;
    const desired = spec.suspend ? 'pause' : 'run';
    if (run.desired === desired || run.desired === 'cancel' || run.desired === 'delete') return;
    await this.#options.runs.want(run.uid, desired);
    this.#options.bell.ring('asked');
  }

  async #remove(object: Execution, run: Run | undefined): Promise<ReconcileResult> {
    if (!object.metadata.finalizers?.includes(runFinalizer)) return undefined;
    if (run) {
      if (run.desired !== 'delete') {
        await this.#options.runs.want(run.uid, 'delete');
        this.#options.bell.ring('asked');
      }
      await this.#write(object, statusOf(object, run, this.#clock.now()));
      return { again: goneAgain };
    }
    await this.#finalizers(
      object,
      object.metadata.finalizers.filter((each) => each !== runFinalizer),
    );
    return undefined;
  }

  async #finalizers({ metadata }: Execution, finalizers: readonly string[]): Promise<void> {
    const { namespace = '', name, resourceVersion } = metadata;
    const body = { metadata: { resourceVersion, finalizers } };
    await this.#options.client.patch(resource, { namespace, name }, { type: 'merge', body }, { fieldManager }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  #say(object: Execution, verdict: Pick<Condition, 'status' | 'reason' | 'message'>): Promise<void> {
    const conditions = setCondition(object.status?.conditions, { type: 'Completed', ...verdict }, this.#clock.now());
    return this.#write(object, { ...object.status, conditions, observedGeneration: object.metadata.generation ?? 1 });
  }

  async #write(object: Execution, status: ExecutionStatus): Promise<void> {
    if (JSON.stringify(status) === JSON.stringify(object.status)) return;
    await this.#options.client.update<Execution>(resource, { ...object, status }, { subresource: 'status', fieldManager });
  }
}

const time = (milliseconds: number): string => `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;

const word = {
  queued: 'Queued',
  running: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
  cancelled: 'Cancelled',
  forceDeleted: 'ForceDeleted',
} as const;

/** What the object shows of its run. */
export function statusOf(object: Execution, run: Run, now: number): ExecutionStatus {
  const { counts, startedAt, endedAt, message = '', desired } = run;
  const { taskCount } = planOf(run);
  const isPaused = endedAt === undefined && desired === 'pause';
  let conditions = setCondition(
    object.status?.conditions,
    {
      type: 'Completed',
      status: endedAt === undefined ? 'Unknown' : run.status === 'succeeded' ? 'True' : 'False',
      reason: endedAt === undefined ? (isPaused ? 'Suspended' : word[run.status]) : (run.reason ?? word[run.status]),
      message,
    },
    now,
  );
  if (startedAt !== undefined)
    conditions = setCondition(conditions, { type: 'Started', status: 'True', reason: 'Started', message: '' }, now);
  if (isPaused || conditionOf({ status: { conditions } }, 'Suspended')) {
    conditions = setCondition(
      conditions,
      { type: 'Suspended', status: isPaused ? 'True' : 'False', reason: isPaused ? 'Suspended' : 'Resumed', message: '' },
      now,
    );
  }
  return {
    conditions,
    observedGeneration: object.metadata.generation ?? 1,
    taskCount,
    runningCount: counts.running,
    succeededCount: counts.succeeded,
    failedCount: counts.failed,
    cancelledCount: counts.cancelled,
    retriedCount: counts.retried,
    progress: `${counts.succeeded}/${taskCount}`,
    ...(startedAt !== undefined && { startTime: time(startedAt) }),
    ...(endedAt !== undefined && { completionTime: time(endedAt) }),
    logUri: `/v1/namespaces/${run.namespace}/runs/${run.name}/logs`,
  };
}
