/** Keeps what the pods of runs wrote beyond their lives: the last lines of each container, copied into the records before the pod goes. */
import type { KubeClient } from '../../kube/client.ts';
import { parsePodLog, type PodLogLine, podLogPath } from '../../kube/pod-log.ts';
import type { LogStore } from '../../records/logs.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { ApiError, isNotFound } from '../../resources/object.ts';
import { runLogStream } from '../model/log-streams.ts';
import { label } from './labels.ts';
import type { RunObjects } from './objects.ts';

/** Which task of the run a pod is for; a runner has one, a guest's pods are all of task 0. */
export interface TaskOfPod {
  readonly task: number;
  readonly attempt: number;
}

/** The pods of an indexed Job say which index they are for, and how often it failed before. */
export function taskOfPod({ metadata: { annotations, labels } }: Pod): TaskOfPod {
  const index = annotations?.['batch.kubernetes.io/job-completion-index'];
  const failures = annotations?.['batch.kubernetes.io/job-index-failure-count'];
  const first = Number(labels?.[label.attempt] ?? 0);
  return { task: Number(labels?.[label.taskIndex] ?? index ?? 0), attempt: first + Number(failures ?? 0) };
}

export const containersOf = ({ spec }: Pod): readonly string[] =>
  [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);

/** The last lines of a container; none where the pod is gone, or has not started. `toEnd`: those of its end, which is waited for. */
export async function readPodLog(
  client: KubeClient,
  { metadata }: Pod,
  container: string,
  tail: number,
  toEnd?: AbortSignal,
): Promise<readonly PodLogLine[]> {
  const { namespace = '', name } = metadata;
  try {
    const query = `&container=${encodeURIComponent(container)}&tailLines=${tail}${toEnd ? '&follow=true' : ''}`;
    return parsePodLog(await client.raw(podLogPath(namespace, name, query), toEnd && { signal: toEnd })).slice(-tail);
  } catch (error) {
    if (isNotFound(error) || (error instanceof ApiError && error.code === 400)) return [];
    throw error;
  }
}

export class RunLogKeeper {
  readonly #logs: LogStore;
  readonly #lines: number;

  /** `lines`: so many of each container, the last ones. */
  constructor(logs: LogStore, lines: number) {
    this.#logs = logs;
    this.#lines = lines;
  }

  /** Of all pods of a run. */
  async keepAll(objects: Pick<RunObjects, 'client' | 'podsOf'>, uid: string): Promise<void> {
    for (const pod of objects.podsOf(uid)) await this.keep(objects.client, uid, pod);
  }

  /** Copies what is not yet there; may be called again and again, and after a crash. Durable when it resolves. `toEnd`: all, to its end. */
  async keep(client: KubeClient, uid: string, pod: Pod, toEnd?: AbortSignal): Promise<void> {
    for (const container of containersOf(pod)) {
      const stream = runLogStream(uid, { ...taskOfPod(pod), source: `${pod.metadata.name}.${container}` });
      const found = await readPodLog(client, pod, container, this.#lines, toEnd);
      const [last] = await this.#logs.read(stream, { tail: 1 });
      const lines = found.filter(({ time }) => last === undefined || time > last.time);
      if (lines.length > 0) await this.#logs.append([{ stream, lines }]);
    }
  }
}
