/** The log of a run in pods: of pods that are there from the API server, of others from the records. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../kube/client.ts';
import type { LogStore } from '../../records/logs.ts';
import type { Run } from '../../records/runs.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { pods } from '../../resources/resources.ts';
import type { RunLogLine, RunLogQuery } from '../jobs.ts';
import { parseRunLogStream, type RunLogStream, runLogPrefix } from '../model/log-streams.ts';
import { label } from './labels.ts';
import { containersOf, readPodLog, taskOfPod } from './logs.ts';
import { RemoteAway, useRemote } from './remotes.ts';
import type { GuestSpec } from './specs.ts';

export interface RunLogEntry extends RunLogStream {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

export interface RunLogSources {
  readonly client: KubeClient;
  readonly logs: LogStore;
  /** Lines of each container, at most. */
  readonly lines: number;
}

/** All that there is at this moment, in the order of time. */
export async function readRunLog(sources: RunLogSources, run: Run, task?: number): Promise<readonly RunLogEntry[]> {
  // Asked for before the records are read: a pod that ends in between is then in one of both.
  const living = await readPods(sources, run, task, new Set());
  return merged(living, await readKept(sources, run, task));
}

async function readKept({ logs }: RunLogSources, run: Run, task: number | undefined): Promise<readonly RunLogEntry[]> {
  const kept = await logs.read(runLogPrefix(run.uid, task));
  return kept.map(({ stream, time, text }) => ({ time, text, ...parseRunLogStream(stream) }));
}

/** What is in both once. */
function merged(living: readonly RunLogEntry[], kept: readonly RunLogEntry[]): readonly RunLogEntry[] {
  const there = new Set(living.map(({ source }) => source));
  return [...living, ...kept.filter(({ source }) => !there.has(source))].sort((a, b) => a.time - b.time);
}

/** `finished`: uids of pods that have said all; those that have ended by now are added. */
async function readPods(
  { client, lines }: RunLogSources,
  run: Run,
  task: number | undefined,
  finished: Set<string>,
): Promise<readonly RunLogEntry[]> {
  if (run.endedAt !== undefined) return [];
  const { namespace, uid } = run;
  const { cluster } = run.spec as Partial<GuestSpec>;
  if (run.kind !== 'guest' || cluster === undefined) return readPodsOf({ client, namespace }, `${label.run}=${uid}`, lines, task, finished);
  return useRemote(client, { namespace, name: cluster }, (there) =>
    readPodsOf(there, `${label.remoteRun}=${uid}`, lines, task, finished),
  ).catch((error: unknown) => {
    // Its record says why; what was kept is there.
    if (error instanceof RemoteAway) return [];
    throw error;
  });
}

async function readPodsOf(
  { client, namespace }: { readonly client: KubeClient; readonly namespace: string },
  labelSelector: string,
  lines: number,
  task: number | undefined,
  finished: Set<string>,
): Promise<readonly RunLogEntry[]> {
  const found: RunLogEntry[] = [];
  const { items } = await client.list<Pod>(pods, { namespace, labelSelector });
  for (const pod of items) {
    const of = taskOfPod(pod);
    const { name, uid = '' } = pod.metadata;
    if ((task !== undefined && of.task !== task) || finished.has(uid)) continue;
    for (const container of containersOf(pod)) {
      const source = `${name}.${container}`;
      for (const line of await readPodLog(client, pod, container, lines)) found.push({ ...line, ...of, source });
    }
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') finished.add(uid);
  }
  return found;
}

/** `{ "<pod>.<container>": ["line\n"] }` */
export function bySource(entries: readonly RunLogEntry[]): Record<string, string[]> {
  const sources: Record<string, string[]> = {};
  for (const { source, text } of entries) (sources[source] ??= []).push(`${text}\n`);
  return sources;
}

/** How often a follower looks. */
const followMs = 250;

/** For `Jobs.logs`. `latest`: the run by now. */
export async function* logLines(
  sources: RunLogSources,
  run: Run,
  { task, follow, tail, signal }: RunLogQuery,
  latest: () => Promise<Run>,
): AsyncGenerator<RunLogLine> {
  const seen = new Map<string, number>();
  const key = ({ task: of, attempt, source }: RunLogEntry): string => `${of}/${attempt}/${source}`;
  const finished = new Set<string>();
  let version = -1;
  for (let now = run, first = true; !signal.aborted; now = await latest(), first = false) {
    const living = await readPods(sources, now, task, finished);
    // A log is kept before the record tells of the pod's end: where that says nothing new there is none.
    const kept = now.version === version ? [] : await readKept(sources, now, task);
    version = now.version;
    const entries = merged(living, kept).filter((entry) => entry.time > (seen.get(key(entry)) ?? -Infinity));
    for (const entry of entries) seen.set(key(entry), entry.time);
    for (const entry of first && tail !== undefined ? entries.slice(Math.max(0, entries.length - tail)) : entries) {
      const { time, source, task: of, attempt, text } = entry;
      yield { time: new Date(time).toISOString(), source, task: of, attempt, text };
    }
    if (!follow || now.endedAt !== undefined) return;
    await sleep(followMs, undefined, { signal }).catch(() => undefined);
  }
}
