/** All stores of a place together, as the composition roots pass them on. */
import type { BlobStore } from './blobs.ts';
import type { FenceStore } from './fence.ts';
import type { LogStore } from './logs.ts';
import type { RunStore } from './runs.ts';
import type { KeyValueStore } from './store.ts';

export interface Records {
  readonly blobs: BlobStore;
  readonly logs: LogStore;
  readonly fences: FenceStore;
  readonly runs: RunStore;
  readonly store: KeyValueStore;
  /** Writes what waits and lets go of the database; the stores are not to be closed by themselves. */
  close(): Promise<void>;
}
