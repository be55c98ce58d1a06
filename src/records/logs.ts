/**
 * The log port: output of functions and runs, kept after the end of the pod that wrote it.
 * Drivers: `sqlite/` (with group commit), `postgres/`. Contract: `logs.contract.ts`.
 */
import type { Fence } from './fence.ts';

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/** `stream` names whose log it is: `namespace/function/pod`. */
export interface LogStore {
  append(batch: readonly { readonly stream: string; readonly lines: readonly LogLine[] }[]): Promise<void>;
  /** The last `tail` lines (all) of all streams with this prefix, oldest first, from `since` on. */
  read(
    prefix: string,
    options?: { readonly since?: number; readonly tail?: number },
  ): Promise<readonly (LogLine & { readonly stream: string })[]>;
  /**
   * Drops what is older, then the oldest beyond the bytes. Streams that begin with `~` are kept whatever their age: they are dropped with what
   * they belong to. Throws Conflict when the fence's epoch is over; then nothing is dropped.
   */
  trim(limits: { readonly olderThan: number; readonly maxBytes: number }, fence?: Fence): Promise<void>;
  /** Drops all streams with one of these prefixes; the same of the fence. */
  drop(prefixes: readonly string[], fence?: Fence): Promise<void>;
  close(): Promise<void>;
}
