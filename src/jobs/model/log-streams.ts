/** How the logs of runs are named in the records. No namespace begins with `~`, so that no function's log is like it. */

export interface RunLogStream {
  readonly task: number;
  readonly attempt: number;
  /** `POD.CONTAINER`, or `POD`. */
  readonly source: string;
}

/** Of all tasks of a run, or of one. */
export const runLogPrefix = (uid: string, task?: number): string => `~runs/${uid}/${task === undefined ? '' : `${task}/`}`;

/** With a slash at its end: no stream is the beginning of another. */
export const runLogStream = (uid: string, { task, attempt, source }: RunLogStream): string =>
  `${runLogPrefix(uid, task)}${attempt}/${source}/`;

export function parseRunLogStream(stream: string): RunLogStream {
  const [, , task, attempt, source = ''] = stream.split('/');
  return { task: Number(task), attempt: Number(attempt), source };
}
