/** What the call of a task says beside its arguments: the first header, with a name that no HTTP client can send. */

/** Where a call stands in its execution. */
export interface TaskPlace {
  readonly execution: string;
  readonly job: string;
  readonly index: number;
  readonly count: number;
  readonly attempt: number;
}

const name = ':task';

/** As the `headers` of a REQUEST. */
export const taskHeader = ({ execution, job, index, count, attempt }: TaskPlace): string =>
  `\0${name}\0${JSON.stringify([execution, job, index, count, attempt])}`;

/** `at`: where the headers stand among a REQUEST's fields. Undefined where it is no task's. */
export function taskOf(fields: readonly string[], at: number): TaskPlace | undefined {
  if (fields[at] !== name) return undefined;
  const [execution, job, index, count, attempt] = JSON.parse(fields[at + 1]!) as [string, string, number, number, number];
  return { execution, job, index, count, attempt };
}

/** The same as variables, with Cloud Run's names too. */
export const taskEnvironment = ({ execution, job, index, count, attempt }: TaskPlace): Record<string, string> => ({
  TSUMUGI_EXECUTION: execution,
  TSUMUGI_TASK_INDEX: String(index),
  CLOUD_RUN_JOB: job,
  CLOUD_RUN_EXECUTION: execution,
  CLOUD_RUN_TASK_INDEX: String(index),
  CLOUD_RUN_TASK_COUNT: String(count),
  CLOUD_RUN_TASK_ATTEMPT: String(attempt),
});
