/** The tasks of one execution as its pods and Jobs show them, and what of that the records do not have yet. */
import { noTasks, type Task, type TaskCounts, type TaskStatus } from '../../records/runs.ts';
import { parseIndexes } from '../../resources/builtin/job/indexes.ts';
import type { Job } from '../../resources/builtin/job/types.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { JobOrder } from './execution-jobs.ts';
import { taskOfPod } from './logs.ts';
import { podEnd } from './pod-end.ts';

export class TaskTable {
  readonly #tasks = new Map<number, Task>();
  readonly #changed = new Set<number>();
  readonly #taskCount: number;
  readonly #maxRetries: number;
  readonly #counts: { -readonly [Name in keyof TaskCounts]: number } = { ...noTasks };

  /** `known`: what the records have. */
  constructor(known: readonly Task[], { taskCount, maxRetries }: { readonly taskCount: number; readonly maxRetries: number }) {
    for (const task of known) {
      this.#tasks.set(task.index, task);
      this.#count(task.status, 1);
      this.#counts.retried += task.attempt;
    }
    this.#taskCount = taskCount;
    this.#maxRetries = maxRetries;
  }

  get counts(): TaskCounts {
    return { ...this.#counts };
  }

  get hasAllSucceeded(): boolean {
    return this.#counts.succeeded === this.#taskCount;
  }

  /** Whether nothing can become of the task any more. */
  isOver(index: number): boolean {
    const status = this.#tasks.get(index)?.status;
    return status === 'succeeded' || status === 'failed';
  }

  /** Whether the pod has nothing to say that changes the table. */
  hasSettled(pod: Pod): boolean {
    const { task: index, attempt } = taskOfPod(pod);
    const task = this.#tasks.get(index);
    if (!task) return false;
    if (this.isOver(index) || task.attempt > attempt) return true;
    return task.attempt === attempt && (isOwn(task, pod) ? task.endedAt !== undefined : task.pod !== undefined && wasTakenAway(pod));
  }

  /** What the pod says of its task. */
  look(pod: Pod, now: number): void {
    const { phase } = pod.status ?? {};
    if (this.hasSettled(pod) || (phase !== 'Running' && phase !== 'Succeeded' && phase !== 'Failed')) return;
    const { task: index, attempt } = taskOfPod(pod);
    const before = this.#tasks.get(index);
    const firstAttempt = before?.firstAttempt ?? 0;
    const isSame = before?.attempt === attempt && isOwn(before, pod);
    const startedAt = (isSame ? before.startedAt : undefined) ?? Math.min(now, startOf(pod) ?? now);
    const common = { index, attempt, ...(firstAttempt > 0 && { firstAttempt }), startedAt, pod: pod.metadata.name };
    const earlier = before?.error === undefined ? {} : { error: before.error };
    if (phase === 'Running')
      return isSame && before.status === 'running' ? undefined : this.#put({ ...common, ...earlier, status: 'running' });
    // It was told to end, of which nobody knows yet what the Job makes.
    if (wasTakenAway(pod))
      return isSame && before.status === 'pending' ? undefined : this.#put({ ...common, ...earlier, status: 'pending' });
    const end = podEnd(pod);
    const ended = {
      ...common,
      ...(end && { exitCode: end.exitCode }),
      ...(end?.output !== undefined && { result: end.output }),
      endedAt: now,
    };
    if (phase === 'Succeeded') return this.#put({ ...ended, status: 'succeeded' });
    const error = end?.message ?? pod.status?.message ?? 'its pod failed';
    // Another attempt may follow.
    this.#put({ ...ended, error, status: attempt - firstAttempt >= this.#maxRetries ? 'failed' : 'pending' });
  }

  /** The pod is no more: if its task ran in it, that runs no more either. */
  lose(index: number, pod: string): void {
    const task = this.#tasks.get(index);
    if (task?.status === 'running' && task.pod === pod) this.#put({ ...task, status: 'pending' });
  }

  /** The Job is over, and has the last word: pods may have gone before anybody looked. */
  settle({ tasks }: JobOrder, { status = {} }: Job, now: number): void {
    const each = (text: string | undefined, then: (index: number) => void): void => {
      for (const [first, last] of parseIndexes(text ?? '', tasks.length)) for (let at = first; at <= last; at++) then(tasks[at] as number);
    };
    each(status.completedIndexes, (index) => this.#close(index, 'succeeded', now));
    each(status.failedIndexes, (index) => this.#close(index, 'failed', now));
  }

  /** What has neither succeeded nor failed never will. */
  giveUp(now: number): void {
    for (const task of this.#tasks.values()) {
      if (task.status === 'running' || task.status === 'pending') this.#put({ ...task, status: 'cancelled', endedAt: now });
    }
    // Those that were never begun have no record.
    this.#counts.cancelled = this.#taskCount - this.#counts.succeeded - this.#counts.failed;
  }

  /** What has changed since it was last asked. */
  take(): readonly Task[] {
    const tasks = [...this.#changed].map((index) => this.#tasks.get(index) as Task);
    this.#changed.clear();
    return tasks;
  }

  #close(index: number, status: 'succeeded' | 'failed', now: number): void {
    if (this.isOver(index)) return;
    const { error, ...task } = this.#tasks.get(index) ?? { index, attempt: 0 };
    this.#put({ ...task, ...(status === 'failed' && { error: error ?? 'its pod was deleted' }), status, endedAt: now });
  }

  #put(task: Task): void {
    const before = this.#tasks.get(task.index);
    if (before) this.#count(before.status, -1);
    this.#count(task.status, 1);
    this.#counts.retried += task.attempt - (before?.attempt ?? 0);
    this.#tasks.set(task.index, task);
    this.#changed.add(task.index);
  }

  #count(status: TaskStatus, by: 1 | -1): void {
    if (status !== 'pending') this.#counts[status] += by;
  }
}

const isOwn = (task: Task, { metadata }: Pod): boolean => task.pod === metadata.name;

/** By a pause, by a cancel, by somebody: not by itself. */
const wasTakenAway = ({ metadata, status }: Pod): boolean => metadata.deletionTimestamp !== undefined && status?.phase === 'Failed';

function startOf({ status }: Pod): number | undefined {
  const { running, terminated } = status?.containerStatuses?.[0]?.state ?? {};
  return Date.parse(running?.startedAt ?? terminated?.startedAt ?? '') || undefined;
}
