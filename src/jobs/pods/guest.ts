/** A guest: Jobs, Pods, ConfigMaps and Secrets that somebody brings along. They keep their names, are watched, and go together. */
import { noTasks, type Run, type RunStatus, type TaskStatus } from '../../records/runs.ts';
import { hasCondition, isFinished } from '../../resources/builtin/job/types.ts';
import type { Secret } from '../../resources/builtin/secret.ts';
import type { KubeObject } from '../../resources/object.ts';
import { secrets } from '../../resources/resources.ts';
import type { RunControl } from '../driver.ts';
import { createOnce, getIfThere, noSecret } from './api.ts';
import { deleteGuest } from './guest-tidy.ts';
import { labelled, resourceOf } from './guest-objects.ts';
import { labelsOf } from './labels.ts';
import type { PodParts } from './parts.ts';
import { podEnd } from './pod-end.ts';
import { lastWordsMs, pollMs, Pulse, untilOver } from './pulse.ts';
import type { GuestSpec } from './specs.ts';

export class Guest {
  readonly #parts: PodParts;
  readonly #run: Run;
  readonly #spec: GuestSpec;
  readonly #control: RunControl;
  readonly #pulse: Pulse;
  #isRunning: boolean;
  #isMade: boolean;

  constructor(parts: PodParts, run: Run, control: RunControl) {
    this.#parts = parts;
    this.#run = run;
    this.#spec = run.spec as GuestSpec;
    this.#control = control;
    this.#pulse = new Pulse(control.signal);
    this.#isRunning = run.status === 'running';
    this.#isMade = this.#isRunning;
  }

  /** Resolves when its end is written, or when it is to be left as it is. */
  async drive(): Promise<void> {
    const stop = this.#parts.objects.watch(this.#run.uid, this.#pulse.beat);
    try {
      await untilOver(this.#control, this.#pulse, () => this.#step());
    } finally {
      stop();
    }
  }

  async #step(): Promise<number | undefined> {
    const { objects, clock, startTimeoutMs } = this.#parts;
    const { uid } = this.#run;
    const desired = this.#control.desired();
    if (desired === 'cancel' || desired === 'delete') return this.#cancel();
    if (!this.#isMade) await this.#make();
    const pods = objects.podsOf(uid);
    if (!this.#isRunning) {
      if (pods.some(({ status }) => /Running|Succeeded|Failed/.test(status?.phase ?? ''))) return this.#started();
      const left = (this.#run.admittedAt ?? this.#run.createdAt) + startTimeoutMs - clock.now();
      if (left > 0) return Math.min(left, pollMs);
      return this.#end('forceDeleted', 'NotStarted', `none of its pods has started within ${startTimeoutMs / 1000} s`);
    }
    return this.#follow();
  }

  /** All at once, or what is missing of it after a restart. */
  async #make(): Promise<void> {
    const { objects, clock } = this.#parts;
    const { uid } = this.#run;
    let kept: Secret | undefined;
    if (this.#spec.objects.some(({ kind }) => kind === 'Secret')) {
      kept = await getIfThere<Secret>(objects.client, secrets, this.#run);
      if (!kept) throw noSecret(this.#run, clock.now(), 'its Secrets were lost before they were kept: run it again');
    }
    for (const object of this.#spec.objects) {
      const data = kept?.data?.[object.metadata.name];
      const whole =
        object.kind === 'Secret' && data !== undefined ? (JSON.parse(Buffer.from(data, 'base64').toString()) as KubeObject) : object;
      await createOnce(objects.client, resourceOf(object), labelled(whole, labelsOf(this.#run)), uid);
    }
    this.#isMade = true;
  }

  async #started(): Promise<number> {
    const startedAt = this.#parts.clock.now();
    await this.#control.commit({ set: { status: 'running', startedAt, counts: { ...noTasks, running: 1 } } });
    this.#isRunning = true;
    return 0;
  }

  /** Over when all that can end has ended: failed if any of it has. */
  async #follow(): Promise<number | undefined> {
    const { objects } = this.#parts;
    const { uid } = this.#run;
    const jobs = objects.jobsOf(uid);
    const pods = objects.podsOf(uid);
    const wanted = this.#spec.objects.filter(({ kind }) => kind === 'Job' || kind === 'Pod');
    const failures: string[] = [];
    for (const { kind, metadata } of wanted) {
      const what = `${kind} "${metadata.name}"`;
      if (kind === 'Job') {
        const job = jobs.find((each) => each.metadata.name === metadata.name);
        if (job && !isFinished(job)) return pollMs;
        const condition = job?.status?.conditions?.find(({ type, status }) => type === 'Failed' && status === 'True');
        if (!job) failures.push(`${what} was deleted while it was running`);
        else if (hasCondition(job, 'Failed')) failures.push(`${what} failed: ${condition?.message ?? condition?.reason ?? ''}`);
      } else {
        const pod = pods.find((each) => each.metadata.name === metadata.name);
        const phase = pod?.status?.phase;
        if (pod && phase !== 'Succeeded' && phase !== 'Failed') return pollMs;
        if (!pod) failures.push(`${what} was deleted while it was running`);
        else if (phase === 'Failed') failures.push(`${what} failed: ${podEnd(pod)?.message ?? pod.status?.message ?? ''}`);
      }
    }
    return failures.length === 0 ? this.#end('succeeded') : this.#end('failed', 'GuestFailed', failures.join('; '));
  }

  async #cancel(): Promise<number | undefined> {
    const { objects, logs } = this.#parts;
    await logs.keepAll(objects, this.#run.uid);
    await deleteGuest(objects, this.#run);
    const isOver = objects.podsOf(this.#run.uid).length === 0 && objects.jobsOf(this.#run.uid).length === 0;
    return isOver ? this.#end('cancelled', 'Cancelled', 'cancelled') : lastWordsMs;
  }

  async #end(status: RunStatus, reason?: string, message?: string): Promise<undefined> {
    await this.#parts.logs.keepAll(this.#parts.objects, this.#run.uid);
    const task: TaskStatus = status === 'succeeded' || status === 'cancelled' ? status : 'failed';
    const words = { ...(reason !== undefined && { reason }), ...(message !== undefined && { message }) };
    await this.#control.commit({ set: { status, endedAt: this.#parts.clock.now(), counts: { ...noTasks, [task]: 1 }, ...words } });
    return undefined;
  }
}
