/**
 * The driver port: how an admitted run is brought to its end. Two drivers, no third: `leased/` calls a function on instances that are
 * used again, `pods/` makes batch/v1 Jobs. The engine says when, the driver says how; only the leader drives.
 */
import type { Run, RunChange, RunDesire, RunOutline, RunPlace } from '../records/runs.ts';

/** What a driver may do with the run that it drives. */
export interface RunControl {
  /** Aborted when this process stops or leads no more: leave everything as it is, write nothing, return. */
  readonly signal: AbortSignal;
  /** What its owner wants now. `cancel` and `delete`: end it, with grace, and write `cancelled`. */
  desired(): RunDesire;
  /** Hears of each change. Answers how to stop listening. */
  onDesired(listener: (desired: RunDesire) => void): () => void;
  /**
   * Writes progress, fenced. A new status gets its CloudEvent in the same transaction. A `set` with `endedAt` is the end of the run:
   * nothing may be written after it. Rejects with Conflict when another leads, NotFound when the run is gone: then return.
   */
  commit(change: Omit<RunChange, 'uid' | 'version' | 'desired'>): Promise<void>;
}

/** Runs of one scope are admitted in the order in which they were asked for, at most `limit` at once. */
export interface Quota {
  readonly scope: string;
  readonly limit: number;
}

export interface RunDriver {
  readonly place: RunPlace;
  /** Asked before each admission, so that it may change; undefined: no limit. */
  quota(run: RunOutline): Quota | undefined;
  /**
   * Brings the run to its end, or finds again what was begun before a restart and goes on. Must be right after a crash at any point.
   * Resolves when the end is written, or when `signal` is aborted. What it throws is tried again after a while; but a TsumugiError that
   * trying again cannot help (Invalid, NotFound, Forbidden) ends the run as failed, with its message.
   */
  drive(run: Run, control: RunControl): Promise<void>;
}
