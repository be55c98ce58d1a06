/** What the supervisor and its processes say to each other over IPC. Messages of the process host travel beside these. */
import type { ErrorCode } from '../base/errors.ts';

export type ToSupervisor =
  | { readonly type: 'ready'; readonly warnings: readonly string[] }
  | { readonly type: 'failed'; readonly error: PlainError }
  | { readonly type: 'answer'; readonly id: number; readonly text: string };

export type FromSupervisor =
  /** Finish what runs within so many milliseconds, then exit 0. */
  | { readonly type: 'stop'; readonly graceMs: number }
  | { readonly type: 'metrics'; readonly id: number }
  /** What `/readyz` waits for, each `namespace/name`. */
  | { readonly type: 'waitFor'; readonly names: readonly string[] };

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}
