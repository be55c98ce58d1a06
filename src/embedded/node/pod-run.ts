/** One pod on this node: its containers, its status, its end. Made from the pod object; brought up to date by `sync`. */
import { toError } from '../../base/errors.ts';
import type { Container, Pod } from '../../resources/builtin/pod-types.ts';
import { isConflict, isNotFound } from '../../resources/object.ts';
import { pods } from '../../resources/resources.ts';
import { rfc3339 } from './container/exit.ts';
import { ContainerRun } from './container/container-run.ts';
import type { NodeContext } from './node-context.ts';
import { initSlot } from './paths.ts';
import type { PodVerdict } from './pod-status.ts';
import { podStatus, sameStatus } from './pod-status.ts';
import { hasLimit } from './volumes/empty-dirs.ts';
import { PodVolumes } from './volumes/pod-volumes.ts';

/** Ends for a reason of the pod's own, once. */
interface Ending {
  /** When the grace period is over. */
  until: number;
  /** For a program whose grace period went for what was to be done before its end; ms. */
  extra: number;
  killed: boolean;
}

export class PodRun {
  readonly uid: string;
  /** All of them, those of init first. */
  readonly containers: readonly ContainerRun[];
  readonly #inits: readonly ContainerRun[];
  readonly #mains: readonly ContainerRun[];
  readonly #node: NodeContext;
  readonly #nodeName: string;
  readonly #volumes: PodVolumes;
  readonly #changed: () => void;
  readonly #createdAt = Date.now();
  #binding: Promise<unknown> | undefined;
  #ending: Ending | undefined;
  #verdict: PodVerdict | undefined;
  #isTelling = false;

  constructor(node: NodeContext, nodeName: string, pod: Pod, changed: () => void) {
    this.#node = node;
    this.#nodeName = nodeName;
    this.#changed = changed;
    this.uid = pod.metadata.uid as string;
    this.#volumes = new PodVolumes(node, pod);
    // What containers are told of their pod is what they would be told on any node.
    const bound = pod.spec.nodeName ? pod : { ...pod, spec: { ...pod.spec, nodeName } };
    const run = (spec: Container, slot: string): ContainerRun => new ContainerRun(node, bound, { spec, slot }, this.#volumes, changed);
    this.#inits = (pod.spec.initContainers ?? []).map((spec, index) => run(spec, initSlot(index)));
    this.#mains = pod.spec.containers.map((spec, index) => run(spec, String(index)));
    this.containers = [...this.#inits, ...this.#mains];
  }

  get isAlive(): boolean {
    return this.containers.some((container) => container.isAlive);
  }

  /** Does what is due; answers in how many milliseconds to look again, if nothing happens before. */
  async sync(pod: Pod, observe: (pod: Pod) => void): Promise<number | undefined> {
    const now = Date.now();
    if (pod.metadata.deletionTimestamp !== undefined) return this.#delete(pod, now);
    if (isFinished(pod)) return this.#finish(now);
    const lacking = pod.spec.nodeName ? undefined : await this.#node.claims.waitsFor(pod);
    if (lacking !== undefined) return this.#unscheduled(pod, lacking, observe);
    const deadline = this.#checkDeadline(pod, now);
    const limit = await this.#checkLimit(pod);
    if (!pod.spec.nodeName)
      this.#binding ??= this.#node.client.patch(
        pods,
        pod.metadata,
        { type: 'merge', body: { spec: { nodeName: this.#nodeName } } },
        { subresource: 'binding' },
      );
    const due = this.#ending ? [this.#killIfDue(now)] : this.#advance(now);
    await this.#binding;
    const settlesIn = Math.min(...this.containers.map((container) => container.settlesIn));
    const stored = settlesIn === 0 ? await this.#writeStatus(pod, observe) : pod;
    if (isFinished(stored)) return this.#finish(now);
    const refresh = await this.#volumes.refresh(pod, now);
    return earliest([...due, deadline ?? this.#checkDeadline(stored, now), limit, refresh, ...(settlesIn > 0 ? [settlesIn] : [])]);
  }

  /** Its status is being written: what changes of it is what this node says. */
  get isTelling(): boolean {
    return this.#isTelling;
  }

  /** How it ended is stored. */
  async #finish(now: number): Promise<number | undefined> {
    this.end(0);
    if (!this.isAlive) {
      for (const container of this.containers) container.tells()();
      await this.#volumes.remove();
    }
    return this.#killIfDue(now);
  }

  /** SIGTERM to all, SIGKILL when the grace period is over; a shorter one counts. */
  end(graceMs: number): void {
    const now = Date.now();
    if (!this.#ending) {
      this.#ending = { until: now + graceMs, extra: 0, killed: false };
      for (const container of this.containers) container.stop();
      if (graceMs > 0) this.#terminate(this.#ending, graceMs);
    } else if (now + graceMs < this.#ending.until) Object.assign(this.#ending, { until: now + graceMs, extra: 0 });
    this.#killIfDue(now);
  }

  /** What is to be done before the end takes of the grace period; the program has a moment after it all the same. */
  #terminate(ending: Ending, graceMs: number): void {
    const isHooked = this.containers.some(({ hasPreStop }) => hasPreStop);
    if (isHooked) ending.extra = lastMomentMs;
    void Promise.all(this.containers.map((container) => container.terminate(graceMs))).then(() => {
      if (!isHooked) return;
      ending.extra = Math.min(ending.extra, Math.max(0, Date.now() + lastMomentMs - ending.until));
      this.#changed();
    });
  }

  /** Init containers one after the other, then all others. */
  #advance(now: number): readonly (number | undefined)[] {
    for (const init of this.#inits) {
      if (!init.end) return [init.advance(now)];
      if (init.end.exitCode !== 0) return [];
    }
    return this.#mains.map((container) => container.advance(now));
  }

  /** The object is gone: so is the rest. Answers true once nothing is left. */
  async vanish(): Promise<number | undefined> {
    // Deleted by force, or before anybody told this node: still a moment to end by itself.
    this.end(vanishGraceMs);
    if (this.isAlive) return this.#killIfDue(Date.now()) ?? vanishGraceMs;
    await Promise.all(this.containers.map((container) => container.remove()));
    await this.#volumes.remove();
    return undefined;
  }

  #killIfDue(now: number): number | undefined {
    const ending = this.#ending;
    if (!ending || !this.isAlive || ending.killed) return undefined;
    const left = ending.until + ending.extra - now;
    if (left > 0) return left;
    ending.killed = true;
    for (const container of this.containers) container.signal('SIGKILL');
    return undefined;
  }

  async #delete(pod: Pod, now: number): Promise<number | undefined> {
    if (!this.#ending && this.isAlive && this.containers.some(({ spec }) => spec.image === 'host')) {
      this.#node.recorder.record(pod, 'Normal', 'Killing', `Stopping container ${pod.spec.containers.map(({ name }) => name).join(', ')}`);
    }
    this.end((pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000);
    if (this.isAlive) return this.#killIfDue(now);
    try {
      // Who holds the object (a Job counting its pods) reads how it ended.
      if (pod.metadata.finalizers?.length) await this.#writeStatus(pod, () => {});
      await this.#node.client.delete(pods, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid: this.uid } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    return undefined;
  }

  #checkDeadline(pod: Pod, now: number): number | undefined {
    const { activeDeadlineSeconds } = pod.spec;
    const start = pod.status?.startTime;
    if (activeDeadlineSeconds === undefined || start === undefined) return undefined;
    const left = Date.parse(start) + activeDeadlineSeconds * 1000 - now;
    if (left > 0) return left;
    this.#verdict = deadlineVerdict;
    this.end((pod.spec.terminationGracePeriodSeconds ?? 30) * 1000);
    return undefined;
  }

  /** More in an empty folder than may be there: as on a node whose disk fills, it goes at once. */
  async #checkLimit(pod: Pod): Promise<number | undefined> {
    if (!hasLimit(pod) || this.#ending) return undefined;
    const message = await this.#volumes.overLimit(pod);
    if (message === undefined) return this.#node.volumePeriodMs;
    this.#verdict = { reason: 'Evicted', message };
    this.#node.recorder.record(pod, 'Warning', 'Evicted', message);
    this.end(0);
    return undefined;
  }

  /** It waits for what a scheduler would wait for. */
  async #unscheduled(pod: Pod, why: string, observe: (pod: Pod) => void): Promise<number> {
    const message = `0/1 nodes are available: ${why}.`;
    this.#node.recorder.record(pod, 'Warning', 'FailedScheduling', message);
    const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (scheduled?.message !== message) {
      const condition = {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message,
        lastTransitionTime: rfc3339(Date.now()),
      };
      await this.#patchStatus(pod, { phase: 'Pending', conditions: [condition] }, observe);
    }
    return scheduleAgainMs;
  }

  /** Answers the pod as it is stored then. */
  async #writeStatus(pod: Pod, observe: (pod: Pod) => void): Promise<Pod> {
    const verdict = this.isAlive ? undefined : this.#verdict;
    const stored = this.containers.map((container) => container.tells());
    const statuses = { inits: this.#inits.map(({ status }) => status), mains: this.#mains.map(({ status }) => status) };
    const status = podStatus(pod, statuses, rfc3339(Date.now()), verdict, rfc3339(this.#createdAt));
    const next = sameStatus(pod.status, status) ? pod : await this.#patchStatus(pod, status, observe);
    for (const tell of stored) tell();
    return next;
  }

  async #patchStatus(pod: Pod, status: object, observe: (pod: Pod) => void): Promise<Pod> {
    const { uid, namespace, name } = pod.metadata;
    const key = { name, ...(namespace === undefined ? {} : { namespace }) };
    const body = { metadata: { uid }, status };
    this.#isTelling = true;
    try {
      const stored = await this.#node.client.patch<Pod>(pods, key, { type: 'merge', body }, { subresource: 'status' });
      observe(stored);
      return stored;
    } catch (error) {
      if (isNotFound(error)) return pod;
      this.#node.log.debug({ pod: name, namespace, error: toError(error).message }, 'a status was not written');
      throw error;
    } finally {
      this.#isTelling = false;
    }
  }
}

const scheduleAgainMs = 500;
const vanishGraceMs = 2000;
const lastMomentMs = 2000;
const deadlineVerdict = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };

/** Ended for good: nothing of it runs or will run. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const due = times.filter((time) => time !== undefined);
  return due.length > 0 ? Math.min(...due) : undefined;
}
