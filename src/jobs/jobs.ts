/**
 * The jobs port: what API, CLI, reconcilers and clients call. Any replica answers it; what was asked for is durable when it resolves.
 *
 * @example
 * const run = await jobs.runJob({ namespace: 'default', job: 'squares', overrides: { taskCount: 100 } });
 * for await (const { status, counts } of jobs.watch(run, signal)) console.log(status, counts.succeeded);
 */
import type { NewRun, Run, RunQuery, Task, TaskStatus } from '../records/runs.ts';

export interface RunRef {
  readonly namespace: string;
  readonly name: string;
}

/** What an execution says otherwise than its JobDefinition. */
export interface ExecutionOverrides {
  /** Arguments: of the container, or of the call. */
  readonly args?: readonly unknown[];
  /** Variables of the container, beside or instead of its own. */
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly taskCount?: number;
  readonly parallelism?: number;
  readonly timeoutSeconds?: number;
  /** One task for each. */
  readonly items?: readonly unknown[];
}

export interface RunJobRequest {
  readonly namespace: string;
  /** The JobDefinition. */
  readonly job: string;
  /** Absent: `JOB-xxxxx`. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly overrides?: ExecutionOverrides;
}

/** A task as it is shown: one that was not begun yet is `pending`. */
export type TaskView = Omit<Task, 'status'> & { readonly status: TaskStatus | 'pending' };

export interface RunLogLine {
  /** RFC 3339. */
  readonly time: string;
  /** `POD` or `POD.CONTAINER`. */
  readonly source: string;
  readonly task?: number;
  readonly attempt?: number;
  readonly text: string;
}

export interface RunLogQuery {
  /** Of one task alone. */
  readonly task?: number;
  /** Go on until the run has ended. */
  readonly follow: boolean;
  /** The last so many lines first; absent: all. */
  readonly tail?: number;
  readonly signal: AbortSignal;
}

export interface Jobs {
  /** A run of a JobDefinition. Throws NotFound, Invalid (with the field), Conflict (name taken, or the concurrency policy forbids it). */
  runJob(request: RunJobRequest): Promise<Run>;
  /** What `runJob` would make, not made: `validate_only`. */
  planJob(request: RunJobRequest): Promise<NewRun>;
  /** Any other run: its spec is for its driver alone. */
  run(run: Omit<NewRun, 'uid' | 'createdAt'> & { readonly uid?: string }): Promise<Run>;
  /** Throws NotFound. */
  get(ref: RunRef): Promise<Run>;
  /** The newest first; the next page is that `before` the last one's sequence. */
  list(query: RunQuery): Promise<readonly Run[]>;
  /** In the order of their indexes, those that were not begun yet among them. */
  tasks(ref: RunRef, query: { readonly limit: number; readonly after?: number }): Promise<readonly TaskView[]>;
  logs(ref: RunRef, query: RunLogQuery): AsyncIterable<RunLogLine>;
  /** The run as it is, then at each change, until it has ended or `signal` is aborted. */
  watch(ref: RunRef, signal: AbortSignal): AsyncIterable<Run>;
  /** `version` as read: refused with Conflict where it has changed. One that has ended stays as it is. */
  cancel(ref: RunRef, version?: number): Promise<Run>;
  /** Begins no further task until `resume`. */
  pause(ref: RunRef, version?: number): Promise<Run>;
  resume(ref: RunRef, version?: number): Promise<Run>;
  /** Runs the tasks of an ended execution that failed or were cancelled once more, each with all its attempts. Throws Conflict while it runs. */
  retry(ref: RunRef, version?: number): Promise<Run>;
  /** Cancels what runs, then forgets it. */
  delete(ref: RunRef, version?: number): Promise<void>;
}
