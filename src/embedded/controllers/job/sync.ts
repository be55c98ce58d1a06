/** One look at a Job that is not over: pods are started or ended, its status says how far it has come. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../base/clock.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { EventRecorder } from '../../../kube/events.ts';
import type { Job, JobCondition, JobStatus } from '../../../resources/builtin/job/types.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { selects } from '../../../resources/label-selector.ts';
import { jobs } from '../../../resources/resources.ts';
import { type Backoff, noBackoff } from './backoff.ts';
import { withCondition } from './conditions.ts';
import type { JobPods } from './job-pods.ts';
import { planOf } from './plan.ts';
import { type Done, PodControl } from './pod-control.ts';
import { isReady, isTracked } from './pod-state.ts';
import { type Progress, progressOf } from './progress.ts';
import { countReleased, deadlineLeft, isSettled, track } from './tracking.ts';
import { completionsReached, isComplete, type Verdict, verdictOf } from './verdict.ts';

export interface JobParts {
  readonly client: KubeClient;
  readonly pods: JobPods;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

/** Pods as they are once this look has done its part. */
interface Counts {
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
}

interface Managed {
  readonly counts: Counts;
  readonly verdict?: Verdict | undefined;
  readonly waitMs?: number | undefined;
  readonly error?: unknown;
  /** Whether pods were started or ended as the Job wants: then it is suspended, or is not. */
  readonly planned: boolean;
}

export class JobSync {
  readonly #parts: JobParts;
  readonly #control: PodControl;
  /** By the Job's uid. */
  readonly #backoffs = new Map<string, Backoff>();

  constructor(parts: JobParts) {
    this.#parts = parts;
    this.#control = new PodControl(parts.client, parts.recorder);
  }

  /** Takes the finalizers off pods that nobody will count any more. */
  async release(pods: readonly Pod[]): Promise<void> {
    const { error } = await this.#control.release(pods.filter(isTracked));
    if (error !== undefined) throw error;
  }

  forget(uid: string): void {
    this.#backoffs.delete(uid);
  }

  /** @returns in how many ms to look again, if nothing changes before. */
  async run(job: Job): Promise<number | undefined> {
    const { clock } = this.#parts;
    const now = clock.now();
    const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
    const { uid = '' } = job.metadata;
    const progress = progressOf(job, await this.#claim(job), this.#backoffs.get(uid) ?? noBackoff);
    const begun: JobStatus = {
      ...job.status,
      ...(!job.spec.suspend && { startTime: job.status?.startTime ?? time }),
      uncountedTerminatedPods: job.status?.uncountedTerminatedPods ?? {},
    };
    const left = deadlineLeft(job, begun, now);
    const { counts, verdict, waitMs, error, planned } = await this.#manage(progress, verdictOf(progress, left), now);
    const status = { ...(planned && !verdict ? this.#suspended(job, begun, time) : begun), ...counts };
    await this.#track(progress, status, verdict, time);
    if (error !== undefined) throw error;
    const due = [waitMs, ...(left !== undefined && left > 0 ? [left] : [])].filter((ms) => ms !== undefined);
    return due.length > 0 && !verdict ? Math.min(...due) : undefined;
  }

  /** Its pods, after those that have left it, and with those that have come to it. */
  async #claim(job: Job): Promise<readonly Pod[]> {
    const { pods } = this.#parts;
    if (job.metadata.deletionTimestamp !== undefined) return pods.of(job);
    const strangers = pods.of(job).filter(({ metadata }) => !selects(job.spec.selector, metadata.labels));
    const newcomers = pods.adoptable(job);
    await Promise.all([
      ...strangers.map((pod) => this.#control.disown(job, pod)),
      ...newcomers.map((name) => this.#control.adopt(job, name)),
    ]);
    return pods.of(job);
  }

  async #manage(progress: Progress, verdict: Verdict | undefined, now: number): Promise<Managed> {
    const { job, active, ready, terminating } = progress;
    const before = { active: active.length, ready, terminating };
    if (verdict) {
      const { pods, error } = await this.#control.delete(job, active, { counted: true });
      // It is not over while some of them go on.
      return { counts: without(before, pods), verdict: pods.length === active.length ? verdict : undefined, error, planned: false };
    }
    const planned = job.metadata.deletionTimestamp === undefined;
    const plan = planned ? planOf(progress, now) : { remove: [], create: [], waitMs: undefined };
    const removed = await this.#control.delete(job, plan.remove, { counted: false });
    const created = await this.#create(progress, plan.create);
    const counts = without({ ...before, active: before.active + created.pods.length }, removed.pods);
    return {
      counts,
      verdict: isComplete(progress, counts.active) ? completionsReached : undefined,
      waitMs: plan.waitMs,
      error: removed.error ?? created.error,
      planned,
    };
  }

  async #create({ job, indexes }: Progress, wanted: readonly (number | undefined)[]): Promise<Done> {
    const news = wanted.map((index) => [index, index === undefined ? undefined : indexes?.replaced.get(index)] as const);
    return this.#control.create(job, news);
  }

  #suspended(job: Job, status: JobStatus, time: string): JobStatus {
    const { recorder } = this.#parts;
    const { startTime: _, ...stopped } = status;
    const { conditions = [] } = status;
    const { suspend = false } = job.spec;
    const told: JobCondition & { reason: string; message: string } = suspend
      ? { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }
      : { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' };
    const next = withCondition(conditions, told, time);
    if (next === conditions) return status;
    recorder.record(job, 'Normal', suspend ? 'Suspended' : 'Resumed', told.message);
    // Its deadline is about the time that it is active without a break.
    return suspend ? { ...stopped, conditions: next } : { ...status, conditions: next, startTime: time };
  }

  /** Each step may be the last one before a crash: see `tracking.ts`. */
  async #track(progress: Progress, status: JobStatus, verdict: Verdict | undefined, time: string): Promise<void> {
    const { job } = progress;
    const { status: named, release, isPartial } = track(progress, status, verdict);
    const conditions = verdict ? withCondition(named.conditions ?? [], { ...verdict, status: 'True' }, time) : named.conditions;
    const stored = await this.#write(job, { ...named, ...(conditions && { conditions }) });
    this.#backoffs.set(job.metadata.uid ?? '', progress.backoff);
    const { error } = await this.#control.release(release);
    const held = new Set(
      this.#parts.pods
        .of(job)
        .filter(isTracked)
        .map(({ metadata }) => metadata.uid ?? ''),
    );
    const counted = countReleased(stored.status ?? {}, held);
    // That these are counted is written with what comes next: the finalizers' end leads to another look.
    if (verdict && !isPartial && error === undefined && isSettled(counted)) await this.#finish(stored, counted, verdict, time);
    if (error !== undefined) throw error;
  }

  async #finish(job: Job, status: JobStatus, verdict: Verdict, time: string): Promise<void> {
    const { recorder } = this.#parts;
    const isSuccess = verdict.type === 'SuccessCriteriaMet';
    const end = { ...verdict, type: isSuccess ? 'Complete' : 'Failed', status: 'True' } as const;
    const conditions = withCondition(status.conditions ?? [], end, time);
    await this.#write(job, { ...status, conditions, ...(isSuccess && { completionTime: time }) });
    this.forget(job.metadata.uid ?? '');
    if (!isSuccess) recorder.record(job, 'Warning', verdict.reason, verdict.message);
    else {
      if (job.spec.completions !== undefined && (status.succeeded ?? 0) > job.spec.completions)
        recorder.record(job, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached');
      recorder.record(job, 'Normal', 'Completed', 'Job completed');
    }
  }

  /** Only where it says something new; refused when somebody else has changed the Job meanwhile. */
  async #write(job: Job, status: JobStatus): Promise<Job> {
    if (isDeepStrictEqual(terse(status), terse(job.status ?? {}))) return job;
    return this.#parts.client.update<Job>(jobs, { ...job, status }, { subresource: 'status', fieldManager: 'job-controller' });
  }
}

/** Zeros and empty texts are not stored. */
const terse = ({ active, succeeded, failed, completedIndexes, ...rest }: JobStatus): JobStatus => ({
  ...rest,
  ...(active && { active }),
  ...(succeeded && { succeeded }),
  ...(failed && { failed }),
  ...(completedIndexes && { completedIndexes }),
});

const without = ({ active, ready, terminating }: Counts, gone: readonly Pod[]): Counts => ({
  active: active - gone.length,
  ready: ready - gone.filter(isReady).length,
  terminating: terminating + gone.length,
});
