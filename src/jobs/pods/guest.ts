/**
 * A guest: Jobs, Pods, ConfigMaps and Secrets that somebody brings along. They keep their names, are watched, and go together.
 *
 * How it ended is remembered before its objects go, and they are gone before its end is written: in a RemoteCluster nobody else would
 * find what is left.
 */
import { errorTable, TsumugiError } from '../../base/errors.ts';
import { noTasks, type Run, type RunStatus, type TaskStatus } from '../../records/runs.ts';
import { hasCondition, isFinished } from '../../resources/builtin/job/types.ts';
import { ApiError, type KubeObject } from '../../resources/object.ts';
import type { RunControl } from '../driver.ts';
import { getIfThere } from '../../kube/get.ts';
import { deleteObjects, makeObjects, tidyGuest, wholeObjects } from './guest-life.ts';
import { resourceOf } from './guest-objects.ts';
import { labelsOf, remoteLabelsOf, runOf } from './labels.ts';
import type { RunObjects } from './objects.ts';
import type { PodParts } from './parts.ts';
import { podEnd } from './pod-end.ts';
import { lastWordsMs, pollMs, Pulse, untilOver } from './pulse.ts';
import { RemoteAway } from './remotes.ts';
import type { GuestSpec } from './specs.ts';

/** How it ended. */
interface Verdict {
  readonly status: RunStatus;
  readonly reason?: string;
  readonly message?: string;
}

interface Memo {
  /** Something of it may be in its RemoteCluster. */
  readonly begun?: true;
  readonly verdict?: Verdict;
}

export class Guest {
  readonly #parts: PodParts;
  readonly #run: Run;
  readonly #spec: GuestSpec;
  readonly #control: RunControl;
  readonly #pulse: Pulse;
  /** Where it runs. */
  #objects: RunObjects;
  #memo: Memo = {};
  #isRunning: boolean;
  #isMade: boolean;
  /** What it waits for, as its record says. */
  #told: string | undefined;

  constructor(parts: PodParts, run: Run, control: RunControl) {
    this.#parts = parts;
    this.#run = run;
    this.#spec = run.spec as GuestSpec;
    this.#control = control;
    this.#pulse = new Pulse(control.signal);
    this.#objects = parts.objects;
    if (run.memo) this.#memo = run.memo;
    this.#isRunning = run.status === 'running';
    this.#isMade = this.#isRunning;
    this.#told = run.message;
  }

  /** Resolves when its end is written, or when it is to be left as it is. */
  async drive(): Promise<void> {
    const { signal } = this.#control;
    const { cluster } = this.#spec;
    if (cluster === undefined) {
      await this.#driveIn(this.#objects, signal);
      return;
    }
    await untilOver(this.#control, this.#pulse, async () => {
      try {
        await this.#parts.remotes.use({ namespace: this.#run.namespace, name: cluster }, async (objects, broken) => {
          await this.#tell();
          return this.#driveIn(objects, AbortSignal.any([signal, broken]));
        });
        return undefined;
      } catch (error) {
        if (!(error instanceof RemoteAway)) throw error;
        return signal.aborted ? undefined : this.#away(error);
      }
    });
  }

  /** Answers whether its end is written. */
  async #driveIn(objects: RunObjects, signal: AbortSignal): Promise<boolean> {
    this.#objects = objects;
    const stop = objects.watch(this.#run.uid, this.#pulse.beat);
    signal.addEventListener('abort', this.#pulse.beat);
    let isOver = false;
    try {
      await untilOver({ signal, onDesired: (listener) => this.#control.onDesired(listener) }, this.#pulse, async () => {
        const again = await this.#step();
        isOver = again === undefined;
        return again;
      });
      return isOver;
    } finally {
      signal.removeEventListener('abort', this.#pulse.beat);
      stop();
    }
  }

  get #isUnwanted(): boolean {
    return ['cancel', 'delete'].includes(this.#control.desired());
  }

  /** What may be done without its cluster. Answers in how many milliseconds to try again, nothing once it is over. */
  async #away({ message, isUnknown }: RemoteAway): Promise<number | undefined> {
    const { begun, verdict } = this.#memo;
    if (this.#isUnwanted && (!begun || isUnknown)) {
      const left = begun ? `; what it made there may still be there: ${message}` : '';
      return this.#write(verdict ?? { status: 'cancelled', reason: 'Cancelled', message: `cancelled${left}` });
    }
    if (!begun && this.#patienceLeft() <= 0) return this.#write({ status: 'forceDeleted', reason: 'NotStarted', message });
    await this.#tell('ClusterUnreachable', message);
    return pollMs;
  }

  /** Says what it waits for; nothing: it goes on. */
  async #tell(reason?: string, message?: string): Promise<void> {
    const told = message && `${message}; it is tried again`;
    if (told === this.#told) return;
    await this.#control.commit({ set: { reason: reason ?? null, message: told ?? null } });
    this.#told = told;
  }

  async #remember(memo: Memo): Promise<void> {
    this.#memo = { ...this.#memo, ...memo };
    await this.#control.commit({ set: { memo: this.#memo } });
  }

  #patienceLeft(): number {
    return (this.#run.admittedAt ?? this.#run.createdAt) + this.#parts.startTimeoutMs - this.#parts.clock.now();
  }

  async #step(): Promise<number | undefined> {
    const { verdict } = this.#memo;
    if (verdict) return this.#finish(verdict);
    if (this.#isUnwanted) return this.#cancel();
    try {
      if (!this.#isMade) await this.#make();
    } catch (error) {
      if (error instanceof TsumugiError && errorTable[error.code].retry === 'never') return this.#end('failed', error.code, error.message);
      // There is a quota, or a right is missing.
      if (!(error instanceof ApiError && error.code === 403)) throw error;
      if (this.#patienceLeft() <= 0) return this.#end('forceDeleted', 'NotStarted', error.message);
      await this.#tell('Forbidden', error.message);
      return pollMs;
    }
    if (this.#isRunning) return this.#follow();
    const pods = this.#objects.podsOf(this.#run.uid);
    if (pods.some(({ status }) => /Running|Succeeded|Failed/.test(status?.phase ?? ''))) return this.#started();
    const left = this.#patienceLeft();
    if (left > 0) return Math.min(left, pollMs);
    return this.#end('forceDeleted', 'NotStarted', `none of its pods has started within ${this.#parts.startTimeoutMs / 1000} s`);
  }

  async #make(): Promise<void> {
    const { objects: home, clock } = this.#parts;
    const whole = await wholeObjects(home.client, this.#run, clock.now());
    const isRemote = this.#spec.cluster !== undefined;
    if (isRemote && !this.#memo.begun) await this.#remember({ begun: true });
    const labels = isRemote ? remoteLabelsOf(this.#run) : labelsOf(this.#run);
    await makeObjects(this.#objects.client, this.#run.uid, whole, labels);
    this.#isMade = true;
  }

  async #started(): Promise<number> {
    const startedAt = this.#parts.clock.now();
    await this.#control.commit({ set: { status: 'running', reason: null, message: null, startedAt, counts: { ...noTasks, running: 1 } } });
    this.#isRunning = true;
    return 0;
  }

  /** Over when all that can end has ended: failed if any of it has. */
  async #follow(): Promise<number | undefined> {
    const { uid } = this.#run;
    const jobs = this.#objects.jobsOf(uid);
    const pods = this.#objects.podsOf(uid);
    const wanted = this.#spec.objects.filter(({ kind }) => kind === 'Job' || kind === 'Pod');
    const failures: string[] = [];
    for (const object of wanted) {
      const { kind, metadata } = object;
      const what = `${kind} "${metadata.name}"`;
      if (kind === 'Job') {
        const job = jobs.find((each) => each.metadata.name === metadata.name);
        if (job && !isFinished(job)) return pollMs;
        const condition = job?.status?.conditions?.find(({ type, status }) => type === 'Failed' && status === 'True');
        if (!job && (await this.#isThere(object))) return pollMs;
        if (!job) failures.push(`${what} was deleted while it was running`);
        else if (hasCondition(job, 'Failed')) failures.push(`${what} failed: ${condition?.message ?? condition?.reason ?? ''}`);
      } else {
        const pod = pods.find((each) => each.metadata.name === metadata.name);
        const phase = pod?.status?.phase;
        if (pod && phase !== 'Succeeded' && phase !== 'Failed') return pollMs;
        if (!pod && (await this.#isThere(object))) return pollMs;
        if (!pod) failures.push(`${what} was deleted while it was running`);
        else if (phase === 'Failed') failures.push(`${what} failed: ${podEnd(pod)?.message ?? pod.status?.message ?? ''}`);
      }
    }
    return failures.length === 0 ? this.#end('succeeded') : this.#end('failed', 'GuestFailed', failures.join('; '));
  }

  /** The watch tells of it a moment later. */
  async #isThere(object: KubeObject): Promise<boolean> {
    const { namespace = '', name } = object.metadata;
    const found = await getIfThere(this.#objects.client, resourceOf(object), { namespace, name });
    return found !== undefined && runOf(found) === this.#run.uid;
  }

  async #cancel(): Promise<number | undefined> {
    const { uid } = this.#run;
    await this.#takeAway();
    const isOver = this.#objects.podsOf(uid).length === 0 && this.#objects.jobsOf(uid).length === 0;
    return isOver ? this.#write({ status: 'cancelled', reason: 'Cancelled', message: 'cancelled' }) : lastWordsMs;
  }

  async #end(status: RunStatus, reason?: string, message?: string): Promise<undefined> {
    const verdict = { status, ...(reason !== undefined && { reason }), ...(message !== undefined && { message }) };
    await this.#remember({ verdict });
    return this.#finish(verdict);
  }

  async #finish(verdict: Verdict): Promise<undefined> {
    await this.#takeAway();
    return this.#write(verdict);
  }

  /** Its logs are kept before it goes. */
  async #takeAway(): Promise<void> {
    const { objects: home, logs } = this.#parts;
    const { uid } = this.#run;
    await logs.keepAll(this.#objects, uid);
    await tidyGuest(home.client, this.#run);
    if (this.#spec.cluster !== undefined) await deleteObjects(this.#objects.client, uid, this.#spec.objects);
  }

  async #write(verdict: Verdict): Promise<undefined> {
    const { status } = verdict;
    const task: TaskStatus = status === 'succeeded' || status === 'cancelled' ? status : 'failed';
    await this.#control.commit({
      set: { reason: null, message: null, ...verdict, endedAt: this.#parts.clock.now(), counts: { ...noTasks, [task]: 1 } },
    });
    return undefined;
  }
}
