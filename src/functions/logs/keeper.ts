/** Keeps what functions wrote beyond the life of their pods: copied into records before the pod object goes. */
import type { KubeClient } from '../../kube/client.ts';
import type { LogStore } from '../../records/logs.ts';
import { ApiError, isNotFound } from '../../resources/object.ts';
import { parsePodLog, podLogPath } from './lines.ts';

export class LogKeeper {
  readonly #client: KubeClient;
  readonly #logs: LogStore;
  readonly #running = new Map<string, Promise<void>>();

  constructor(client: KubeClient, logs: LogStore) {
    this.#client = client;
    this.#logs = logs;
  }

  /** Copies what is not yet there; may be called again and again, and after a crash. Durable when it resolves. */
  keep(namespace: string, functionName: string, pod: string): Promise<void> {
    const stream = `${namespace}/${functionName}/${pod}`;
    const run = (this.#running.get(stream) ?? Promise.resolve()).then(() => this.#copy(namespace, pod, stream));
    const done = run.finally(() => {
      if (this.#running.get(stream) === quiet) this.#running.delete(stream);
    });
    const quiet = done.catch(() => undefined);
    this.#running.set(stream, quiet);
    return done;
  }

  async #copy(namespace: string, pod: string, stream: string): Promise<void> {
    let text: string;
    try {
      text = await this.#client.raw(podLogPath(namespace, pod));
    } catch (error) {
      // The pod is gone, or never had a log: there is nothing to keep.
      if (isNotFound(error) || (error instanceof ApiError && error.code === 400)) return;
      throw error;
    }
    const [last] = await this.#logs.read(stream, { tail: 1 });
    const lines = parsePodLog(text).filter((line) => last === undefined || line.time > last.time);
    if (lines.length > 0) await this.#logs.append([{ stream, lines }]);
  }
}
