/** On everything that a run has in the API, and on its pods. */
import type { Run } from '../../records/runs.ts';
import type { KubeObject } from '../../resources/object.ts';

export const label = {
  /** The run's uid: what is not of this very run is left alone. */
  run: 'tsumugi.dev/run',
  /** The same in another cluster, which may have a platform of its own: that takes what has `run`, and is unknown to it, for remains. */
  remoteRun: 'tsumugi.dev/remote-run',
  runner: 'tsumugi.dev/runner',
  execution: 'tsumugi.dev/execution',
  jobDefinition: 'tsumugi.dev/job-definition',
  function: 'tsumugi.dev/function',
  /** On pods of one failed task that is tried again: its index, and how many attempts went before. */
  taskIndex: 'tsumugi.dev/task-index',
  attempt: 'tsumugi.dev/attempt',
} as const;

export const fieldManager = 'tsumugi';

/** The uid of the run that it belongs to; '' where there is none. */
export const runOf = ({ metadata: { labels } }: KubeObject): string => labels?.[label.run] ?? labels?.[label.remoteRun] ?? '';

export function labelsOf({ kind, uid, name, job }: Pick<Run, 'kind' | 'uid' | 'name' | 'job'>): Readonly<Record<string, string>> {
  if (kind === 'execution') return { [label.run]: uid, [label.execution]: name, ...(job !== '' && { [label.jobDefinition]: job }) };
  return { [label.run]: uid, [label.runner]: name, ...(job !== '' && { [label.function]: job }) };
}

export const remoteLabelsOf = ({ uid, name }: Pick<Run, 'uid' | 'name'>): Readonly<Record<string, string>> => ({
  [label.remoteRun]: uid,
  [label.runner]: name,
});
