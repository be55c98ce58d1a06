/**
 * The fence: keeps a leader that has lost its place from writing, however late it wakes up.
 *
 * Who leads has an epoch that only grows. The store remembers the highest epoch that it has seen of each scope; a write that only
 * the leader may make carries its `Fence`, and is refused, in the same transaction, once a higher epoch is known.
 * Fenced today: `BlobStore.delete`, `LogStore.trim` and `drop`, and what `RunStore` says of runs. What any replica may write (puts, appends) needs none.
 * Drivers: `sqlite/`, `postgres/`. Contract: `fence.contract.ts`.
 *
 * @example
 * const fence = { scope: 'controllers', epoch: leadership.epoch };
 * await records.fences.raise(fence); // from here on the leader before us is refused
 * await records.logs.trim(limits, fence);
 */
import { TsumugiError } from '../base/errors.ts';

export interface Fence {
  /** Whose leadership: `controllers`. */
  readonly scope: string;
  /** A whole number, at most 2^53 - 1. */
  readonly epoch: number;
}

export interface FenceStore {
  /** Remembers this epoch; one that is known already is fine. Throws Conflict when a higher one is known. Durable when it resolves. */
  raise(fence: Fence): Promise<void>;
  /** The highest epoch seen of this scope; 0: none yet. A new leader's must be higher. */
  highest(scope: string): Promise<number>;
}

/** What every driver throws when a higher epoch is known. */
export function fencedOff({ scope, epoch }: Fence): TsumugiError {
  return new TsumugiError('Conflict', `epoch ${epoch} of "${scope}" is over: a later leader has written`, {
    hint: 'end this process; the leader goes on',
  });
}
