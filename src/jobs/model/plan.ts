/** What an execution is to do: the `spec` of its record. It is complete, so that it does not matter what becomes of the JobDefinition. */
import type { Run } from '../../records/runs.ts';

export type ConcurrencyPolicy = 'Allow' | 'Forbid' | 'Replace';

export interface ExecutionPlan {
  readonly taskCount: number;
  /** Tasks at once. */
  readonly parallelism: number;
  /** Attempts of a task beyond the first. */
  readonly maxRetries: number;
  /** Of one attempt. */
  readonly timeoutSeconds: number;
  /** Of the whole, from its admission on. */
  readonly deadlineSeconds?: number;
  /** How long running tasks may go on once it is cancelled. */
  readonly graceSeconds: number;
  readonly concurrencyPolicy: ConcurrencyPolicy;
  /** Ended executions of the job that are kept. */
  readonly history: { readonly succeeded: number; readonly failed: number };
  /** The input of each task, by index. */
  readonly items?: readonly unknown[];
  /** Exactly one of `call` and `pod`. */
  readonly call?: { readonly function: string; readonly export?: string; readonly args: readonly unknown[] };
  /** As in a PodSpec, with one container. */
  readonly pod?: { readonly containers: readonly object[]; readonly volumes?: readonly object[] };
}

export const planOf = (run: Run): ExecutionPlan => run.spec as ExecutionPlan;

/** What becomes of a run while others of its job are open. */
export const concurrencyPolicyOf = (run: Run): ConcurrencyPolicy =>
  run.kind === 'execution' && run.job !== '' ? planOf(run).concurrencyPolicy : 'Allow';
