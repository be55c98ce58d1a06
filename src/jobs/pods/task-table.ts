/** The tasks of one execution as its pods show them, and what of that the records do not have yet. */
import { noTasks, type Task, type TaskCounts, type TaskStatus } from '../../records/runs.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { taskOfPod } from './logs.ts';
import { podEnd } from './pod-end.ts';

export class TaskTable {
  readonly #tasks = new Map<number, Task>();
  readonly #changed = new Set<number>();
  readonly #maxRetries: number;
  #counts: { -readonly [Name in keyof TaskCounts]: number };

  /** `known`: what the records have. */
  constructor(known: readonly Task[], maxRetries: number, counts: TaskCounts = noTasks) {
    for (const task of known) this.#tasks.set(task.index, task);
    this.#maxRetries = maxRetries;
    this.#counts = { ...counts };
  }

  all(): readonly Task[] {
    return [...this.#tasks.values()];
  }

  get counts(): TaskCounts {
    return { ...this.#counts };
  }

  /** Whether this pod's last word is in the table. */
  hasSettled(pod: Pod): boolean {
    const { task: index, attempt } = taskOfPod(pod);
    const task = this.#tasks.get(index);
    if (!task) return false;
    return task.attempt > attempt || (task.attempt === attempt && task.endedAt !== undefined && task.pod === pod.metadata.name);
  }

  /** What the pod says of its task. One of an attempt that is over changes nothing. */
  look(pod: Pod, now: number): void {
    const { task: index, attempt } = taskOfPod(pod);
    const before = this.#tasks.get(index);
    if (this.hasSettled(pod)) return;
    const { phase } = pod.status ?? {};
    if (phase !== 'Running' && phase !== 'Succeeded' && phase !== 'Failed') return;
    const firstAttempt = before?.firstAttempt ?? 0;
    const isLast = attempt - firstAttempt >= this.#maxRetries;
    const startedAt = Date.parse(pod.status?.startTime ?? '') || now;
    const common = { index, attempt, ...(firstAttempt > 0 && { firstAttempt }), startedAt, pod: pod.metadata.name };
    if (phase === 'Running')
      return this.#put({ ...common, status: 'running', ...(before?.error !== undefined && { error: before.error }) });
    const end = podEnd(pod);
    const output = end?.output === undefined ? {} : { result: end.output };
    const exitCode = end ? { exitCode: end.exitCode } : {};
    if (phase === 'Succeeded') return this.#put({ ...common, ...output, ...exitCode, status: 'succeeded', endedAt: now });
    const error = end?.message ?? pod.status?.message ?? 'its pod failed';
    // Another attempt follows.
    this.#put({ ...common, ...output, ...exitCode, error, status: isLast ? 'failed' : 'pending', endedAt: now });
  }

  /** What has neither succeeded nor failed never will. */
  giveUp(now: number): void {
    for (const task of this.#tasks.values()) {
      if (task.status !== 'running' && task.status !== 'pending') continue;
      const { error } = task;
      this.#put({ ...task, status: error === undefined ? 'cancelled' : 'failed', endedAt: now });
    }
  }

  /** What has changed since it was last asked. */
  take(): readonly Task[] {
    const tasks = [...this.#changed].map((index) => this.#tasks.get(index) as Task);
    this.#changed.clear();
    return tasks;
  }

  #put(task: Task): void {
    const before = this.#tasks.get(task.index);
    if (before) this.#count(before.status, -1);
    this.#count(task.status, 1);
    this.#counts.retried += Math.max(0, task.attempt - (before?.attempt ?? 0));
    this.#tasks.set(task.index, task);
    this.#changed.add(task.index);
  }

  #count(status: TaskStatus, by: 1 | -1): void {
    if (status !== 'pending') this.#counts[status] += by;
  }
}
