/** The log of a function: of its living pods from the API server, of those that ended from records, in the order of time. */
import type { Clock } from '../../base/clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import { parsePodLog, podLogPath } from '../../kube/pod-log.ts';
import { ApiError, isNotFound } from '../../resources/object.ts';
import type { LogLine, LogStore } from '../../records/logs.ts';
import { splitInvocation } from './lines.ts';

/** One line as the platform API gives it. */
export interface LogEntry {
  /** RFC 3339. */
  readonly time: string;
  readonly pod: string;
  readonly invocation?: string;
  readonly text: string;
}

export interface LogQuery {
  readonly namespace: string;
  readonly function: string;
  /** Go on with new lines until `signal` is aborted. */
  readonly follow: boolean;
  /** The last so many lines first; absent: all. */
  readonly tail?: number;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly signal: AbortSignal;
}

export interface LogSources {
  readonly client: KubeClient;
  readonly logs: LogStore;
  /** Names of the function's pods that are there now. */
  readonly pods: (namespace: string, functionName: string) => readonly string[];
  readonly clock: Clock;
}

/** How often a follower looks: the API server's own follow ends with each pod, and pods come and go. */
const pollMs = 250;

type Line = LogLine & { readonly pod: string };

export async function* readLogs(sources: LogSources, query: LogQuery): AsyncGenerator<LogEntry> {
  const { signal, tail, follow } = query;
  /** Of each pod the time of the last line given, so that nothing comes twice. */
  const seen = new Map<string, number>();
  let first = true;
  while (!signal.aborted) {
    const lines = await collect(sources, query, seen);
    const wanted = first && tail !== undefined ? lines.slice(Math.max(0, lines.length - tail)) : lines;
    for (const line of lines) seen.set(line.pod, line.time);
    for (const line of wanted) {
      const { time, pod, text } = line;
      yield { time: new Date(time).toISOString(), pod, ...splitInvocation(text) };
    }
    if (!follow) return;
    first = false;
    await sources.clock.sleep(pollMs, signal).catch(() => undefined);
  }
}

async function collect({ client, logs, pods }: LogSources, query: LogQuery, seen: ReadonlyMap<string, number>): Promise<Line[]> {
  const { namespace, since = -Infinity } = query;
  const isNew = ({ pod, time }: Line): boolean => time >= since && time > (seen.get(pod) ?? -Infinity);
  // Asked for before the records are read: a pod that ends in between is then in one of both.
  const living = await Promise.all(pods(namespace, query.function).map(async (pod) => livingLog(client, namespace, pod, seen.get(pod))));
  const lines = living.flat().filter(isNew);
  const fromPods = new Set(lines.map(({ pod }) => pod));
  const prefix = `${namespace}/${query.function}/`;
  const newest = seen.size === 0 ? since : Math.max(since, Math.min(...seen.values()));
  const kept = await logs.read(prefix, Number.isFinite(newest) ? { since: newest } : {});
  for (const { stream, time, text } of kept) {
    const line = { pod: stream.slice(prefix.length), time, text };
    if (!fromPods.has(line.pod) && isNew(line)) lines.push(line);
  }
  return lines.sort((a, b) => a.time - b.time);
}

async function livingLog(client: KubeClient, namespace: string, pod: string, since: number | undefined): Promise<Line[]> {
  const query = since === undefined ? '' : `&sinceTime=${encodeURIComponent(new Date(since).toISOString())}`;
  try {
    return parsePodLog(await client.raw(podLogPath(namespace, pod, query))).map(({ time, text }) => ({ time, text, pod }));
  } catch (error) {
    // Gone in the meantime (its log is in records), or not started yet.
    if (isNotFound(error) || error instanceof ApiError) return [];
    throw error;
  }
}
