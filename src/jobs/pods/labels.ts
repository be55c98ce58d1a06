/** On everything that a run has in the API, and on its pods. */
import type { Run } from '../../records/runs.ts';

export const label = {
  /** The run's uid: what is not of this very run is left alone. */
  run: 'tsumugi.dev/run',
  runner: 'tsumugi.dev/runner',
  execution: 'tsumugi.dev/execution',
  jobDefinition: 'tsumugi.dev/job-definition',
  function: 'tsumugi.dev/function',
  /** On pods of one failed task that is tried again: its index, and how many attempts went before. */
  taskIndex: 'tsumugi.dev/task-index',
  attempt: 'tsumugi.dev/attempt',
} as const;

export const fieldManager = 'tsumugi';

export function labelsOf({ kind, uid, name, job }: Pick<Run, 'kind' | 'uid' | 'name' | 'job'>): Readonly<Record<string, string>> {
  if (kind === 'execution') return { [label.run]: uid, [label.execution]: name, ...(job !== '' && { [label.jobDefinition]: job }) };
  return { [label.run]: uid, [label.runner]: name, ...(job !== '' && { [label.function]: job }) };
}
