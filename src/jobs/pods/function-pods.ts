/** What runners need of functions, given by the composition roots (`functions/runs/`). */
import type { Pod, PodSpec } from '../../resources/builtin/pod-types.ts';
import type { RunnerResult, RunnerSettings } from './specs.ts';

export interface FunctionPods {
  /** Which export of which function a name means. Throws NotFound, or Invalid that lists what could be meant. */
  resolve(namespace: string, name: string): { readonly function: string; readonly export: string };
  /** The pod in which the function would run now, and what it would run. Throws NotFound, and NoInstance while it is not ready. */
  podFor(namespace: string, functionName: string, settings: RunnerSettings): Promise<{ readonly revision: string; readonly spec: PodSpec }>;
  /** Hands its call to a pod unless it has one already. Rejects with Unavailable while the pod cannot be reached. */
  call(pod: Pod, call: () => Promise<RunnerCall>): Promise<RunnerConnection>;
}

export interface RunnerCall {
  readonly namespace: string;
  readonly revision: string;
  readonly run: { readonly id: string; readonly export: string; readonly args: readonly unknown[]; readonly sensitive?: readonly number[] };
  readonly settings: RunnerSettings;
}

export interface RunnerConnection {
  /** Rejects when the connection breaks before the call is over. */
  readonly outcome: Promise<RunnerResult>;
  /** The outcome is kept: the pod ends. */
  release(): Promise<void>;
  close(): void;
}
