/**
 * A runner: one call of a function in a pod of its own, the pod of a Job.
 *
 * The Job is made, `running` is written once its pod runs, and only then the pod gets its call: so no call is made twice, whenever the
 * platform is killed. The pod keeps the outcome until it is in the records, then it ends, and with it the Job. When its log is kept too,
 * the run has ended, and the Job goes with all that belongs to it.
 */
import { TsumugiError } from '../../base/errors.ts';
import { noTasks, type Run, type RunStatus, type TaskStatus } from '../../records/runs.ts';
import { hasCondition, isFinished, type Job } from '../../resources/builtin/job/types.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { Secret } from '../../resources/builtin/secret.ts';
import { isNotFound } from '../../resources/object.ts';
import { configMaps, jobs as jobResource, secrets } from '../../resources/resources.ts';
import type { RunControl } from '../driver.ts';
import { createOnce, deleteJob, noSecret } from './api.ts';
import { getIfThere } from '../../kube/get.ts';
import type { RunnerCall } from './function-pods.ts';
import { PodCall } from './pod-call.ts';
import { podEnd } from './pod-end.ts';
import type { PodParts } from './parts.ts';
import { lastWordsMs, pollMs, Pulse, untilOver } from './pulse.ts';
import { ownedByJob, runnerArguments, runnerConfigMap, runnerJob, type RunnerPlan } from './runner-objects.ts';
import type { RunnerResult, RunnerSpec } from './specs.ts';

export class Runner {
  readonly #parts: PodParts;
  readonly #run: Run;
  readonly #spec: RunnerSpec;
  readonly #control: RunControl;
  readonly #pulse: Pulse;
  readonly #call: PodCall;
  #plan: RunnerPlan | undefined;
  #isRunning: boolean;
  #startedAt: number | undefined;
  #result: RunnerResult | undefined;
  /** Its ConfigMap is there, its Secret goes with the Job. */
  #isFurnished = false;
  #waitsFor = 'its pod has not started';

  constructor(parts: PodParts, run: Run, control: RunControl) {
    this.#parts = parts;
    this.#run = run;
    this.#spec = run.spec as RunnerSpec;
    this.#control = control;
    this.#pulse = new Pulse(control.signal);
    this.#plan = run.memo as RunnerPlan | undefined;
    this.#isRunning = run.status === 'running';
    this.#startedAt = run.startedAt;
    this.#result = run.result as RunnerResult | undefined;
    this.#call = new PodCall(parts.functions, () => this.#request(), this.#pulse.beat);
  }

  /** Resolves when its end is written, or when it is to be left as it is. */
  async drive(): Promise<void> {
    const stop = this.#parts.objects.watch(this.#run.uid, this.#pulse.beat);
    try {
      await untilOver(this.#control, this.#pulse, () => this.#step());
    } finally {
      stop();
      this.#call.close();
    }
  }

  /** Does what is due; answers in how many milliseconds to look again, nothing once it is over. */
  async #step(): Promise<number | undefined> {
    const { objects } = this.#parts;
    const [job] = objects.jobsOf(this.#run.uid);
    const [pod] = objects.podsOf(this.#run.uid);
    const desired = this.#control.desired();
    if (desired === 'cancel' || desired === 'delete') return this.#cancel(job);
    return this.#isRunning ? this.#follow(job, pod) : this.#start(job, pod);
  }

  async #start(job: Job | undefined, pod: Pod | undefined): Promise<number | undefined> {
    const plan = await this.#planned();
    if (plan && job && (pod?.status?.phase === 'Running' || isFinished(job))) {
      await this.#furnish(job, plan);
      return this.#running(pod, plan);
    }
    const { startTimeoutMs, clock } = this.#parts;
    const left = (this.#run.admittedAt ?? this.#run.createdAt) + startTimeoutMs - clock.now();
    if (left <= 0) {
      const waiting = pod?.status?.containerStatuses?.[0]?.state?.waiting;
      const why = waiting ? `: ${waiting.reason ?? 'waiting'}${waiting.message ? `, ${waiting.message}` : ''}` : '';
      return this.#end('forceDeleted', 'NotStarted', `${this.#waitsFor} within ${startTimeoutMs / 1000} s${why}`);
    }
    if (plan) await this.#furnish(job ?? (await this.#create(plan)), plan);
    return Math.min(left, pollMs);
  }

  /** What is to run, and in which pod. Undefined: the function is not ready. */
  async #planned(): Promise<RunnerPlan | undefined> {
    if (this.#plan) return this.#plan;
    try {
      const { revision, spec } = await this.#parts.functions.podFor(this.#run.namespace, this.#spec.function, this.#spec.settings);
      this.#plan = { revision, pod: spec };
    } catch (error) {
      if (!(error instanceof TsumugiError) || error.code !== 'NoInstance') throw error;
      this.#waitsFor = error.message;
    }
    return this.#plan;
  }

  async #create(plan: RunnerPlan): Promise<Job> {
    const { client, jobs } = this.#parts.objects;
    const job = await createOnce<Job>(client, jobResource, runnerJob(this.#run, plan), this.#run.uid);
    jobs.observe(job);
    return job;
  }

  /** What belongs to the Job: it is not mounted, so the pod need not wait for it. */
  async #furnish(job: Job, plan: RunnerPlan): Promise<void> {
    if (this.#isFurnished) return;
    const { client } = this.#parts.objects;
    const { namespace, name, uid } = this.#run;
    await createOnce(client, configMaps, runnerConfigMap(this.#run, plan, job), uid);
    if (this.#spec.sensitive.length > 0) {
      const body = { metadata: { ownerReferences: [ownedByJob(job)] } };
      // It comes a moment later, or never did: whoever reads it will say so, and whoever tidies up takes it by its name.
      await client.patch(secrets, { namespace, name }, { type: 'merge', body }).catch(ifThere);
    }
    this.#isFurnished = true;
  }

  async #running(pod: Pod | undefined, plan: RunnerPlan): Promise<number> {
    this.#startedAt = this.#parts.clock.now();
    const podName = pod?.metadata.name;
    await this.#control.commit({
      set: { status: 'running', startedAt: this.#startedAt, counts: { ...noTasks, running: 1 }, memo: plan },
      tasks: [{ index: 0, attempt: 0, status: 'running', startedAt: this.#startedAt, ...(podName !== undefined && { pod: podName }) }],
    });
    this.#isRunning = true;
    return 0;
  }

  async #follow(job: Job | undefined, pod: Pod | undefined): Promise<number | undefined> {
    if (!job) {
      if (!(await this.#isJobGone())) return lastWordsMs;
      return this.#end('failed', 'JobDeleted', 'its Job was deleted while it was running');
    }
    const { outcome } = this.#call;
    if (outcome && !this.#result) {
      await this.#control.commit({ set: { result: outcome } });
      this.#result = outcome;
    }
    if (isFinished(job)) return this.#finish(job, pod);
    const refused = this.#call.refused;
    if (refused) return this.#end('failed', refused.code, refused.message);
    if (pod?.status?.phase !== 'Running') return pollMs;
    if (this.#result) await this.#call.release(pod);
    else this.#call.begin(pod);
    return this.#call.retryInMs ?? pollMs;
  }

  /** The records have the outcome if anybody heard it; else the Job knows how its process ended. */
  async #finish(job: Job, pod: Pod | undefined): Promise<undefined> {
    const result = this.#result;
    const condition = job.status?.conditions?.find(({ type }) => type === 'Failed');
    // What it threw when it was told to end is not why.
    if (condition?.reason === 'DeadlineExceeded' && (!result || result.error))
      return this.#end('failed', 'DeadlineExceeded', `it ran longer than its timeout of ${this.#spec.timeoutSeconds} s`);
    if (result?.error) return this.#end('failed', 'HandlerError', `${result.error.name}: ${result.error.message}`);
    if (result || hasCondition(job, 'Complete')) return this.#end('succeeded');
    const { reason, message } = podEnd(pod) ?? { reason: condition?.reason ?? 'Failed', message: condition?.message ?? 'its Job failed' };
    return this.#end('failed', reason, message);
  }

  async #cancel(job: Job | undefined): Promise<number | undefined> {
    const { objects, logs } = this.#parts;
    if (job && !job.metadata.deletionTimestamp) await deleteJob(objects.client, job);
    await logs.keepAll(objects, this.#run.uid);
    const isOver = !job && objects.podsOf(this.#run.uid).length === 0;
    return isOver ? this.#end('cancelled', 'Cancelled', 'cancelled') : lastWordsMs;
  }

  async #end(status: RunStatus, reason?: string, message?: string): Promise<undefined> {
    const { objects, logs, clock } = this.#parts;
    await logs.keepAll(objects, this.#run.uid);
    const endedAt = clock.now();
    const task: TaskStatus = status === 'succeeded' || status === 'cancelled' ? status : 'failed';
    const [pod] = objects.podsOf(this.#run.uid);
    const exitCode = podEnd(pod)?.exitCode;
    await this.#control.commit({
      set: {
        status,
        endedAt,
        counts: { ...noTasks, [task]: 1 },
        ...(reason !== undefined && { reason }),
        ...(message !== undefined && { message }),
      },
      tasks: [
        {
          index: 0,
          attempt: 0,
          status: task,
          ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
          endedAt,
          ...(exitCode !== undefined && { exitCode }),
          ...(task === 'failed' && message !== undefined && { error: message }),
          ...(pod && { pod: pod.metadata.name }),
        },
      ],
    });
    return undefined;
  }

  async #isJobGone(): Promise<boolean> {
    const job = await getIfThere<Job>(this.#parts.objects.client, jobResource, this.#run);
    return !Object.values(job?.metadata.labels ?? {}).includes(this.#run.uid);
  }

  async #request(): Promise<RunnerCall> {
    const { namespace, name } = this.#run;
    const { export: exported, sensitive, settings } = this.#spec;
    const secret = sensitive.length === 0 ? undefined : await getIfThere<Secret>(this.#parts.objects.client, secrets, this.#run);
    const args = runnerArguments(this.#spec, secret);
    if (!args) throw noSecret(this.#run, this.#parts.clock.now(), 'its sensitive arguments are gone: call it again');
    const run = { id: name, export: exported, args, ...(sensitive.length > 0 && { sensitive }) };
    return { namespace, revision: this.#plan?.revision ?? '', run, settings };
  }
}

const ifThere = (error: unknown): void => {
  if (!isNotFound(error)) throw error;
};
