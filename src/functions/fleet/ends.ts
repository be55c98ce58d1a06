/** Why pods ended: kept for a while, because those who ask come after the pod object has gone. */
import type { Informer } from '../../kube/informer.ts';
import type { InstanceEnd } from '../../invoke/projection.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { hasEnded } from './member.ts';

/** So many ends are remembered. */
const kept = 1000;
/** How long an asker waits for an end that is not known yet: the connection breaks before the node has told of it; a kubelet looks every second. */
const waitMs = 2000;

export class PodEnds {
  readonly #known = new Map<string, InstanceEnd>();
  readonly #asking = new Map<string, Set<(end: InstanceEnd) => void>>();
  readonly #pods: Informer<Pod>;
  readonly #stop: () => void;

  constructor(pods: Informer<Pod>) {
    this.#pods = pods;
    this.#stop = pods.on(({ type, object }) => {
      const { uid = '' } = object.metadata;
      if ((type === 'deleted' || hasEnded(object)) && !this.#known.has(uid)) this.#ended(uid, endOf(object));
    });
  }

  /** How the pod of this uid ended; without a reason where that is not known in time, or the pod lives. */
  async of(uid: string): Promise<InstanceEnd> {
    const known = this.#known.get(uid);
    if (known) return known;
    if (!this.#pods.list().some((pod) => pod.metadata.uid === uid)) return {};
    return new Promise((resolve) => {
      const asking = this.#asking.get(uid) ?? new Set();
      this.#asking.set(uid, asking);
      const answer = (end: InstanceEnd): void => {
        clearTimeout(timer);
        asking.delete(answer);
        if (asking.size === 0) this.#asking.delete(uid);
        resolve(end);
      };
      const timer = setTimeout(() => answer({}), waitMs);
      asking.add(answer);
    });
  }

  stop(): void {
    this.#stop();
    for (const asking of this.#asking.values()) for (const answer of asking) answer({});
  }

  #ended(uid: string, end: InstanceEnd): void {
    this.#known.set(uid, end);
    const [oldest] = this.#known.keys();
    if (this.#known.size > kept && oldest !== undefined) this.#known.delete(oldest);
    for (const answer of this.#asking.get(uid) ?? []) answer(end);
  }
}

function endOf(pod: Pod): InstanceEnd {
  const killed = pod.status?.containerStatuses?.some(({ state }) => state?.terminated?.reason === 'OOMKilled');
  return killed ? { reason: 'OutOfMemory' } : {};
}
