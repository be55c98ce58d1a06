/** Kubernetes Events of pods: hints for people, written one after the other behind everything else. */
import { nameSuffix } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeEvent } from '../../resources/builtin/event.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { events } from '../../resources/resources.ts';
import { rfc3339 } from './container-exit.ts';

/** More than this waiting: the rest is dropped. */
const maxWaiting = 200;

export class EventRecorder {
  readonly #client: KubeClient;
  readonly #node: string;
  readonly #log: Log;
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(client: KubeClient, node: string, log: Log) {
    this.#client = client;
    this.#node = node;
    this.#log = log;
  }

  record(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void {
    if (this.#waiting >= maxWaiting) return;
    this.#waiting += 1;
    const now = rfc3339(Date.now());
    const { name, namespace = 'default', uid, resourceVersion } = pod.metadata;
    const event: KubeEvent = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${nameSuffix(10)}`, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
      type,
      reason,
      message,
      source: { component: 'tsumugi-node', host: this.#node },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    this.#tail = this.#tail
      .then(() => this.#client.create(events, event))
      .then(
        () => {},
        // A namespace that ends takes no more events.
        (error: unknown) => this.#log.debug({ reason, pod: name, error: String(error) }, 'an event could not be recorded'),
      )
      .finally(() => (this.#waiting -= 1));
  }

  /** When all that was recorded is written. */
  flushed(): Promise<void> {
    return this.#tail;
  }
}
