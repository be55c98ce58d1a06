/** An execution of a container: its tasks are the indexes of a Job. */
import type { Run, RunStatus, Task } from '../../records/runs.ts';
import { hasCondition, isFinished, type Job } from '../../resources/builtin/job/types.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { OwnerReference } from '../../resources/object.ts';
import { executions, jobs as jobResource } from '../../resources/resources.ts';
import type { RunControl } from '../driver.ts';
import { planOf } from '../model/plan.ts';
import { createOnce, deleteJob, getIfThere } from './api.ts';
import { mainJob, retryJob } from './execution-jobs.ts';
import type { PodParts } from './parts.ts';
import { lastWordsMs, pollMs, Pulse, untilOver } from './pulse.ts';
import { TaskTable } from './task-table.ts';

/** Logs that are kept at once. */
const logsAtOnce = 16;
const taskPage = 1000;

export class ContainerExecution {
  readonly #parts: PodParts;
  readonly #run: Run;
  readonly #control: RunControl;
  readonly #pulse: Pulse;
  /** Pods to be looked at, by uid. */
  readonly #changed = new Map<string, Pod>();
  #table!: TaskTable;
  /** Those that this time of driving makes, in the order of their making. */
  #wanted: readonly ((owner: OwnerReference | undefined, suspend: boolean) => Job)[] = [];
  #isRunning: boolean;

  constructor(parts: PodParts, run: Run, control: RunControl) {
    this.#parts = parts;
    this.#run = run;
    this.#control = control;
    this.#pulse = new Pulse(control.signal);
    this.#isRunning = run.status === 'running';
  }

  /** Resolves when its end is written, or when it is to be left as it is. */
  async drive(): Promise<void> {
    const { objects } = this.#parts;
    const tasks = await this.#readTasks();
    this.#table = new TaskTable(tasks, planOf(this.#run).maxRetries, this.#run.counts);
    const again = tasks.filter(({ firstAttempt = 0, status }) => firstAttempt > 0 && (status === 'pending' || status === 'running'));
    this.#wanted = tasks.some(({ firstAttempt = 0 }) => firstAttempt > 0)
      ? again.map((task) => (owner, suspend) => retryJob(this.#run, task, owner, suspend))
      : [(owner, suspend) => mainJob(this.#run, owner, suspend)];
    const stop = objects.watch(this.#run.uid, (object) => {
      if (object.kind === 'Pod') this.#changed.set(object.metadata.uid ?? '', object as Pod);
      this.#pulse.beat();
    });
    for (const pod of objects.podsOf(this.#run.uid)) this.#changed.set(pod.metadata.uid ?? '', pod);
    try {
      await untilOver(this.#control, this.#pulse, () => this.#step());
    } finally {
      stop();
    }
  }

  async #step(): Promise<number | undefined> {
    const desired = this.#control.desired();
    if (desired === 'cancel' || desired === 'delete') return this.#cancel();
    const suspend = desired === 'pause';
    const jobs = await this.#ensureJobs(suspend);
    if (!jobs) return this.#end('failed', 'JobDeleted', 'its Job was deleted while it was running');
    await this.#lookAtPods();
    if (jobs.every(isFinished) && this.#changed.size === 0) return this.#finish(jobs);
    for (const job of jobs) if (!isFinished(job) && (job.spec.suspend ?? false) !== suspend) await this.#suspend(job, suspend);
    return pollMs;
  }

  /** Undefined: one that was there is gone. */
  async #ensureJobs(suspend: boolean): Promise<readonly Job[] | undefined> {
    const { objects } = this.#parts;
    const there = new Map(objects.jobsOf(this.#run.uid).map((job) => [job.metadata.name, job]));
    const jobs: Job[] = [];
    for (const make of this.#wanted) {
      const { name } = make(undefined, suspend).metadata;
      let job = there.get(name);
      if (!job && this.#isRunning) job = await this.#findJob(name);
      if (!job && this.#isRunning && !this.#isRetry) return undefined;
      if (!job) {
        job = await createOnce<Job>(objects.client, jobResource, make(await this.#owner(), suspend), this.#run.uid);
        objects.jobs.observe(job);
      }
      jobs.push(job);
    }
    return jobs;
  }

  get #isRetry(): boolean {
    return this.#table.all().some(({ firstAttempt = 0 }) => firstAttempt > 0);
  }

  #findJob(name: string): Promise<Job | undefined> {
    return getIfThere<Job>(this.#parts.objects.client, jobResource, { namespace: this.#run.namespace, name });
  }

  /** The object that asked for the run, if one did: with it goes all. */
  async #owner(): Promise<OwnerReference | undefined> {
    const { name, uid } = this.#run;
    const found = await getIfThere(this.#parts.objects.client, executions, this.#run);
    if (found?.metadata.uid !== uid) return undefined;
    return { apiVersion: found.apiVersion, kind: found.kind, name, uid, controller: true, blockOwnerDeletion: true };
  }

  /** Logs of pods that have ended are kept before anybody hears of their end. */
  async #lookAtPods(): Promise<void> {
    const { objects, logs, clock } = this.#parts;
    const pods = [...this.#changed.values()].filter((pod) => !this.#table.hasSettled(pod));
    this.#changed.clear();
    const ended = pods.filter(({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed');
    for (let at = 0; at < ended.length; at += logsAtOnce) {
      await Promise.all(ended.slice(at, at + logsAtOnce).map((pod) => logs.keep(objects.client, this.#run.uid, pod)));
    }
    // The earlier attempts first.
    const created = ({ metadata }: Pod): string => metadata.creationTimestamp ?? '';
    for (const pod of pods.sort((a, b) => (created(a) < created(b) ? -1 : 1))) this.#table.look(pod, clock.now());
    const tasks = this.#table.take();
    if (tasks.length === 0) return;
    const starts = this.#isRunning ? {} : { status: 'running' as const, startedAt: this.#run.startedAt ?? clock.now() };
    await this.#control.commit({ set: { ...starts, counts: this.#table.counts }, tasks });
    this.#isRunning = true;
  }

  async #finish(jobs: readonly Job[]): Promise<undefined> {
    const failed = jobs.filter((job) => hasCondition(job, 'Failed'));
    if (failed.length === 0) return this.#end('succeeded');
    const { taskCount, deadlineSeconds } = planOf(this.#run);
    const condition = failed[0]?.status?.conditions?.find(({ type }) => type === 'Failed');
    if (condition?.reason === 'DeadlineExceeded')
      return this.#end('failed', 'DeadlineExceeded', `it took longer than its deadline of ${deadlineSeconds} s`);
    return this.#end('failed', 'TasksFailed', `${this.#table.counts.failed} of ${taskCount} tasks failed`);
  }

  async #suspend({ metadata }: Job, suspend: boolean): Promise<void> {
    const { objects } = this.#parts;
    objects.jobs.observe(await objects.client.patch<Job>(jobResource, metadata, { type: 'merge', body: { spec: { suspend } } }));
  }

  async #cancel(): Promise<number | undefined> {
    const { objects, logs } = this.#parts;
    const { uid } = this.#run;
    const jobs = objects.jobsOf(uid);
    for (const job of jobs) if (!job.metadata.deletionTimestamp) await deleteJob(objects.client, job);
    await this.#lookAtPods();
    const pods = objects.podsOf(uid);
    await Promise.all(pods.map((pod) => logs.keep(objects.client, uid, pod)));
    return jobs.length === 0 && pods.length === 0 ? this.#end('cancelled', 'Cancelled', 'cancelled') : lastWordsMs;
  }

  async #end(status: RunStatus, reason?: string, message?: string): Promise<undefined> {
    const endedAt = this.#parts.clock.now();
    this.#table.giveUp(endedAt);
    const words = { ...(reason !== undefined && { reason }), ...(message !== undefined && { message }) };
    await this.#control.commit({ set: { status, endedAt, counts: this.#table.counts, ...words }, tasks: this.#table.take() });
    return undefined;
  }

  async #readTasks(): Promise<readonly Task[]> {
    const tasks: Task[] = [];
    for (let after = -1; ;) {
      const page = await this.#parts.runs.tasks(this.#run.uid, { limit: taskPage, after });
      tasks.push(...page);
      const last = page.at(-1);
      if (!last || page.length < taskPage) return tasks;
      after = last.index;
    }
  }
}
