import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { RunStore } from '../../records/runs.ts';
import type { FunctionPods } from './function-pods.ts';
import type { JobIdentity } from './job-identity.ts';
import type { RunLogKeeper } from './logs.ts';
import type { RunObjects } from './objects.ts';
import type { Remotes } from './remotes.ts';

/** What all that drive runs in pods share. */
export interface PodParts {
  readonly objects: RunObjects;
  readonly remotes: Remotes;
  readonly runs: RunStore;
  readonly functions: FunctionPods;
  readonly identity: JobIdentity;
  readonly logs: RunLogKeeper;
  /** A run whose pod has not started so long after its admission is given up. */
  readonly startTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}
