/** What this part tells whoever measures it; `metrics.ts` is one who does. */
import type { ErrorCode } from '../base/errors.ts';
import type { ControllerRun } from '../kube/reconcile.ts';
import type { Member } from './fleet/member.ts';

/** What can be asked at any time. */
export interface FunctionsView {
  members(): Iterable<Pick<Member, 'runtime' | 'state'>>;
  /** Starts that wait for a pod, by runtime. */
  waiting(): ReadonlyMap<string, number>;
  /** Keys that wait to be reconciled, by controller. */
  queued(): ReadonlyMap<string, number>;
}

/** `Ok`, or why not. */
export type ResultCode = 'Ok' | ErrorCode;

export interface FunctionsObserver {
  /** Called once, at the start. */
  watch?(view: FunctionsView): void;
  /** A gateway's ask for an instance was answered. */
  activated?(seconds: number, code: ResultCode): void;
  /** An instance was started, or could not be. */
  started?(seconds: number, code: ResultCode): void;
  ran?(run: ControllerRun): void;
}
