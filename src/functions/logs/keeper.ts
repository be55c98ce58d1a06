/** Keeps what functions wrote beyond the life of their pods: copied into records before the pod object goes. */
import type { KubeClient } from '../../kube/client.ts';
import { parsePodLog, podLogPath } from '../../kube/pod-log.ts';
import type { LogStore } from '../../records/logs.ts';
import { ApiError, isNotFound } from '../../resources/object.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { endLine } from './end-line.ts';

export class LogKeeper {
  readonly #client: KubeClient;
  readonly #logs: LogStore;
  readonly #running = new Map<string, Promise<void>>();

  constructor(client: KubeClient, logs: LogStore) {
    this.#client = client;
    this.#logs = logs;
  }

  /** Copies what is not yet there, and how the pod ended; may be called again and again, and after a crash. Durable when it resolves. */
  keep(pod: Pod, functionName: string): Promise<void> {
    const stream = `${pod.metadata.namespace}/${functionName}/${pod.metadata.name}`;
    const run = (this.#running.get(stream) ?? Promise.resolve()).then(() => this.#copy(pod, stream));
    const done = run.finally(() => {
      if (this.#running.get(stream) === quiet) this.#running.delete(stream);
    });
    const quiet = done.catch(() => undefined);
    this.#running.set(stream, quiet);
    return done;
  }

  async #copy(pod: Pod, stream: string): Promise<void> {
    const { namespace = '', name } = pod.metadata;
    let text: string;
    try {
      text = await this.#client.raw(podLogPath(namespace, name));
    } catch (error) {
      // The pod is gone, or never had a log: there is nothing to keep.
      if (isNotFound(error) || (error instanceof ApiError && error.code === 400)) return;
      throw error;
    }
    const [last] = await this.#logs.read(stream, { tail: 1 });
    const lines = parsePodLog(text).filter((line) => last === undefined || line.time > last.time);
    const end = endLine(pod, (lines.at(-1) ?? last)?.time ?? 0);
    if (end && (lines.length > 0 || last?.text !== end.text)) lines.push(end);
    if (lines.length > 0) await this.#logs.append([{ stream, lines }]);
  }
}
