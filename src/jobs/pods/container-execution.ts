/** An execution of a container: its tasks are the indexes of a Job. */
import type { Run, RunStatus, Task } from '../../records/runs.ts';
import { isFinished, type Job, jobNameLabel } from '../../resources/builtin/job/types.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { OwnerReference } from '../../resources/object.ts';
import { configMaps, executions, jobs as jobResource, pods as podResource } from '../../resources/resources.ts';
import type { RunControl } from '../driver.ts';
import { type ExecutionPlan, planOf } from '../model/plan.ts';
import { createOnce, deleteJob } from './api.ts';
import { getIfThere } from '../../kube/get.ts';
import { itemsOf, type JobOrder, jobOrders } from './execution-jobs.ts';
import { identified } from './job-identity.ts';
import { hasEnded, LastWords } from './last-words.ts';
import { taskOfPod } from './logs.ts';
import { runOf } from './labels.ts';
import type { PodParts } from './parts.ts';
import { lastWordsMs, pollMs, Pulse, untilOver } from './pulse.ts';
import { TaskTable } from './task-table.ts';

const taskPage = 1000;

interface End {
  readonly status: RunStatus;
  readonly reason: string;
  readonly message: string;
}

export class ContainerExecution {
  readonly #parts: PodParts;
  readonly #run: Run;
  readonly #plan: ExecutionPlan;
  readonly #control: RunControl;
  readonly #pulse: Pulse;
  /** Pods to be looked at, by uid; those that are no more. */
  readonly #changed = new Map<string, Pod>();
  readonly #gone: Pod[] = [];
  readonly #lastWords: LastWords;
  #table!: TaskTable;
  /** Jobs that are still to be made, the next one last. */
  #todo: JobOrder[] = [];
  /** Those that are made and not over, by name. */
  readonly #open = new Map<string, JobOrder>();
  /** So many at once. */
  #mostOpen = 1;
  /** Why one of them failed. */
  #jobFailure: string | undefined;
  #owner: Promise<OwnerReference | undefined> | undefined;
  #isRunning: boolean;
  /** Nothing is begun any more: it ends like this when nothing of it is left. */
  #ending: End | undefined;

  constructor(parts: PodParts, run: Run, control: RunControl) {
    this.#parts = parts;
    this.#run = run;
    this.#plan = planOf(run);
    this.#control = control;
    this.#pulse = new Pulse(control.signal);
    this.#isRunning = run.status === 'running';
    this.#lastWords = new LastWords(parts, run.uid, control.signal, this.#pulse.beat);
  }

  /** Resolves when its end is written, or when it is to be left as it is. */
  async drive(): Promise<void> {
    const { objects } = this.#parts;
    const { uid } = this.#run;
    const tasks = await this.#readTasks();
    this.#table = new TaskTable(tasks, this.#plan);
    this.#todo = jobOrders(this.#run, tasks).toReversed();
    const isRetry = tasks.some(({ firstAttempt = 0 }) => firstAttempt > 0);
    if (isRetry) this.#mostOpen = this.#plan.parallelism;
    // Once tasks of it ran, it is not made a second time.
    else if (this.#isRunning) this.#openNext();
    const stop = objects.watch(uid, ({ type, object }) => {
      if (object.kind === 'Pod') this.#note(object as Pod, type === 'deleted');
      this.#pulse.beat();
    });
    const there = objects.podsOf(uid);
    for (const pod of there) this.#note(pod);
    const names = new Set(there.map(({ metadata }) => metadata.name));
    for (const { index, pod = '' } of tasks) if (!names.has(pod)) this.#table.lose(index, pod);
    try {
      await untilOver(this.#control, this.#pulse, () => this.#step());
    } finally {
      stop();
      this.#lastWords.close();
    }
  }

  async #step(): Promise<number | undefined> {
    const now = this.#parts.clock.now();
    await this.#lookAtPods();
    const left = this.#timeLeft(now);
    this.#ending ??= this.#whyEnd(left);
    if (this.#ending) return this.#windDown(this.#ending);
    const suspend = this.#control.desired() === 'pause';
    if (!suspend) await this.#begin();
    for (const order of this.#open.values()) await this.#follow(order, suspend);
    if (this.#ending) return 0;
    if (this.#open.size === 0 && this.#todo.length === 0) return this.#end(this.#verdict());
    // The next Job of a retry takes the place of one that is over.
    if (!suspend && this.#hasRoom) return 0;
    return Math.min(pollMs, Math.max(0, left));
  }

  get #hasRoom(): boolean {
    return this.#todo.length > 0 && this.#open.size < this.#mostOpen;
  }

  async #begin(): Promise<void> {
    while (this.#hasRoom) {
      const order = this.#openNext();
      if (order) await this.#make(order);
    }
  }

  /** Of the whole; ms. */
  #timeLeft(now: number): number {
    const { deadlineSeconds } = this.#plan;
    return deadlineSeconds === undefined ? Infinity : (this.#run.admittedAt ?? this.#run.createdAt) + deadlineSeconds * 1000 - now;
  }

  #whyEnd(left: number): End | undefined {
    const desired = this.#control.desired();
    if (desired === 'cancel' || desired === 'delete') return { status: 'cancelled', reason: 'Cancelled', message: 'it was cancelled' };
    if (left > 0) return undefined;
    const message = `it took longer than its deadline of ${this.#plan.deadlineSeconds} s`;
    return { status: 'failed', reason: 'DeadlineExceeded', message };
  }

  #openNext(): JobOrder | undefined {
    const order = this.#todo.pop();
    if (order) this.#open.set(order.name, order);
    return order;
  }

  /** What it needs is made before its first pod, and goes with it. */
  async #make(order: JobOrder): Promise<void> {
    const { objects, identity } = this.#parts;
    this.#owner ??= this.#findOwner();
    const plain = order.make(await this.#owner, this.#plan.items !== undefined);
    const job = this.#plan.hasIdentity ? await identified(objects.client, identity, this.#run, plain) : plain;
    objects.jobs.observe(await createOnce<Job>(objects.client, jobResource, job, this.#run.uid));
  }

  /** The object that asked for the run, if one did: with it goes all. */
  async #findOwner(): Promise<OwnerReference | undefined> {
    const { name, uid } = this.#run;
    const found = await getIfThere(this.#parts.objects.client, executions, this.#run);
    if (found?.metadata.uid !== uid) return undefined;
    return { apiVersion: found.apiVersion, kind: found.kind, name, uid, controller: true, blockOwnerDeletion: true };
  }

  async #follow(order: JobOrder, suspend: boolean): Promise<void> {
    const job = await this.#find(order);
    if (!job) {
      this.#ending = { status: 'failed', reason: 'JobDeleted', message: 'its Job was deleted while it was running' };
    } else if (isFinished(job)) {
      await this.#settle(order, job);
    } else if ((job.spec.suspend ?? false) !== suspend) {
      const { objects } = this.#parts;
      const items = itemsOf(this.#run, order, job);
      if (suspend) await this.#lastWords.hear(objects.podsOf(this.#run.uid));
      if (items && !suspend) await createOnce(objects.client, configMaps, items, this.#run.uid);
      objects.jobs.observe(await objects.client.patch<Job>(jobResource, job.metadata, { type: 'merge', body: { spec: { suspend } } }));
    }
  }

  async #find({ name }: JobOrder): Promise<Job | undefined> {
    const { objects } = this.#parts;
    const { namespace, uid } = this.#run;
    const known = objects.jobs.get(`${namespace}/${name}`);
    const job = known ?? (await getIfThere<Job>(objects.client, jobResource, { namespace, name }));
    return job && runOf(job) === uid && job.metadata.deletionTimestamp === undefined ? job : undefined;
  }

  /** Nothing more will come of it. */
  async #settle(order: JobOrder, job: Job): Promise<void> {
    const { objects, clock } = this.#parts;
    if (order.tasks.some((index) => !this.#table.isOver(index))) {
      // What is known of pods may be older than what is known of the Job.
      const { namespace = '', name } = job.metadata;
      const { items } = await objects.client.list<Pod>(podResource, { namespace, labelSelector: `${jobNameLabel}=${name}` });
      for (const pod of items) this.#note(pod);
      await this.#lookAtPods();
    }
    this.#table.settle(order, job, clock.now());
    const failure = job.status?.conditions?.find(({ type, status }) => type === 'Failed' && status === 'True');
    if (failure) this.#jobFailure = failure.message ?? failure.reason;
    this.#open.delete(order.name);
  }

  #note(pod: Pod, isGone = false): void {
    this.#changed.set(pod.metadata.uid ?? '', pod);
    if (isGone) this.#gone.push(pod);
  }

  /** Logs of pods that have ended are kept before anybody hears of their end. */
  async #lookAtPods(): Promise<void> {
    const { clock } = this.#parts;
    const pods = [...this.#changed.values()].filter((pod) => !this.#table.hasSettled(pod));
    this.#changed.clear();
    await this.#lastWords.hear(pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined));
    await this.#lastWords.keep(pods.filter(hasEnded));
    // The earlier attempts first.
    for (const pod of pods.toSorted((a, b) => createdAt(a) - createdAt(b))) this.#table.look(pod, clock.now());
    for (const pod of this.#gone.splice(0)) this.#table.lose(taskOfPod(pod).task, pod.metadata.name);
    await this.#write();
  }

  async #write(): Promise<void> {
    const tasks = this.#table.take();
    if (tasks.length === 0) return;
    const starts = this.#isRunning ? {} : { status: 'running' as const, startedAt: this.#run.startedAt ?? this.#parts.clock.now() };
    await this.#control.commit({ set: { ...starts, counts: this.#table.counts }, tasks });
    this.#isRunning = true;
  }

  #verdict(): End {
    const { taskCount } = this.#plan;
    const { succeeded, failed } = this.#table.counts;
    if (this.#table.hasAllSucceeded)
      return { status: 'succeeded', reason: 'Succeeded', message: `${succeeded} of ${taskCount} tasks succeeded` };
    if (failed === 0) return { status: 'failed', reason: 'JobFailed', message: this.#jobFailure ?? 'its Job failed' };
    return { status: 'failed', reason: 'TasksFailed', message: `${failed} of ${taskCount} tasks failed` };
  }

  /** Its pods are told to end, and have their grace for it. */
  async #windDown(end: End): Promise<number | undefined> {
    const { objects } = this.#parts;
    const { uid } = this.#run;
    const jobs = objects.jobsOf(uid);
    const pods = objects.podsOf(uid);
    await this.#lastWords.hear(pods);
    for (const job of jobs) if (!job.metadata.deletionTimestamp) await deleteJob(objects.client, job);
    return jobs.length === 0 && pods.length === 0 && this.#lastWords.areSaid ? this.#end(end) : lastWordsMs;
  }

  async #end(end: End): Promise<undefined> {
    const endedAt = this.#parts.clock.now();
    this.#table.giveUp(endedAt);
    await this.#control.commit({ set: { ...end, endedAt, counts: this.#table.counts }, tasks: this.#table.take() });
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

const createdAt = ({ metadata }: Pod): number => Date.parse(metadata.creationTimestamp ?? '');
