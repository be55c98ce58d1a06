/** One pod on this node: its containers, its status, its end. Made from the pod object; brought up to date by `sync`. */
import { toError } from '../../base/errors.ts';
import type { ContainerStatus, Pod } from '../../resources/builtin/pod-types.ts';
import { isConflict, isNotFound } from '../../resources/object.ts';
import { pods } from '../../resources/resources.ts';
import { rfc3339 } from './container-exit.ts';
import { ContainerRun, quietMs } from './container-run.ts';
import type { NodeContext } from './node-context.ts';
import { podStatus, sameStatus } from './pod-status.ts';

/** Ends for a reason of the pod's own, once. */
interface Ending {
  readonly killAt: number;
  killed: boolean;
}

export class PodRun {
  readonly uid: string;
  readonly containers: readonly ContainerRun[];
  readonly #node: NodeContext;
  readonly #nodeName: string;
  #binding: Promise<unknown> | undefined;
  #ending: Ending | undefined;
  #deadlineExceeded = false;

  constructor(node: NodeContext, nodeName: string, pod: Pod, changed: () => void) {
    this.#node = node;
    this.#nodeName = nodeName;
    this.uid = pod.metadata.uid as string;
    this.containers = pod.spec.containers.map((_, index) => new ContainerRun(node, pod, index, changed));
  }

  get isAlive(): boolean {
    return this.containers.some((container) => container.isAlive);
  }

  /** Does what is due; answers in how many milliseconds to look again, if nothing happens before. */
  async sync(pod: Pod, observe: (pod: Pod) => void): Promise<number | undefined> {
    const now = Date.now();
    if (pod.metadata.deletionTimestamp !== undefined) return this.#delete(pod, now);
    if (isFinished(pod)) {
      this.end(0);
      return this.#killIfDue(now);
    }
    const deadline = this.#checkDeadline(pod, now);
    if (!pod.spec.nodeName)
      this.#binding ??= this.#node.client.patch(pods, pod.metadata, { type: 'merge', body: { spec: { nodeName: this.#nodeName } } });
    const due = this.#ending ? [this.#killIfDue(now)] : this.containers.map((container) => container.advance(now));
    await this.#binding;
    const settled = this.containers.some(({ hasSettled }) => hasSettled);
    if (settled) await this.#writeStatus(pod, observe);
    return earliest([...due, deadline, ...(settled ? [] : [quietMs])]);
  }

  /** SIGTERM to all, SIGKILL when the grace period is over; a shorter one counts. */
  end(graceMs: number): void {
    const now = Date.now();
    if (!this.#ending) {
      for (const container of this.containers) {
        container.stop();
        if (graceMs > 0) container.signal('SIGTERM');
      }
    }
    this.#ending = {
      killAt: Math.min(now + graceMs, this.#ending?.killAt ?? Number.POSITIVE_INFINITY),
      killed: this.#ending?.killed ?? false,
    };
    this.#killIfDue(now);
  }

  /** The object is gone: so is the rest. Answers true once nothing is left. */
  async vanish(): Promise<number | undefined> {
    // Deleted by force, or before anybody told this node: still a moment to end by itself.
    this.end(vanishGraceMs);
    if (this.isAlive) return this.#killIfDue(Date.now()) ?? vanishGraceMs;
    await Promise.all(this.containers.map((container) => container.remove()));
    return undefined;
  }

  #killIfDue(now: number): number | undefined {
    const ending = this.#ending;
    if (!ending || !this.isAlive || ending.killed) return undefined;
    if (ending.killAt > now) return ending.killAt - now;
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
    this.#deadlineExceeded = true;
    this.end((pod.spec.terminationGracePeriodSeconds ?? 30) * 1000);
    return undefined;
  }

  async #writeStatus(pod: Pod, observe: (pod: Pod) => void): Promise<void> {
    const verdict = this.#deadlineExceeded && !this.isAlive ? deadlineVerdict : undefined;
    const statuses: readonly ContainerStatus[] = this.containers.map(({ status }) => status);
    const status = podStatus(pod, statuses, rfc3339(Date.now()), verdict);
    if (sameStatus(pod.status, status)) return;
    const { uid, namespace, name } = pod.metadata;
    try {
      const body = { metadata: { uid }, status };
      observe(
        await this.#node.client.patch<Pod>(
          pods,
          { name, ...(namespace === undefined ? {} : { namespace }) },
          { type: 'merge', body },
          { subresource: 'status' },
        ),
      );
    } catch (error) {
      if (isNotFound(error)) return;
      this.#node.log.debug({ pod: name, namespace, error: toError(error).message }, 'a status was not written');
      throw error;
    }
  }
}

const vanishGraceMs = 2000;
const deadlineVerdict = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };

/** Ended for good: nothing of it runs or will run. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const due = times.filter((time) => time !== undefined);
  return due.length > 0 ? Math.min(...due) : undefined;
}
