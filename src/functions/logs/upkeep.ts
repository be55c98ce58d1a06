/** What must be done about logs without being asked: save those of pods that somebody deletes, forget old ones. */
import type { Clock } from '../../base/clock.ts';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Informer } from '../../kube/informer.ts';
import type { Fence } from '../../records/fence.ts';
import type { LogStore } from '../../records/logs.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { PodRemover } from '../fleet/remover.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';

const trimMs = 10 * 60_000;
const keepMs = 7 * 24 * 3_600_000;
const keepBytes = 256 * 1024 * 1024;

/** Returns how to stop. */
export function keepLogsInOrder(options: {
  readonly pods: Informer<Pod>;
  readonly fleet: Fleet;
  readonly remover: PodRemover;
  readonly logs: LogStore;
  /** Of the leader, where several share the store: old logs are its to trim. */
  readonly fence?: Fence;
  readonly clock: Clock;
  readonly log: Log;
}): () => void {
  const { pods, fleet, remover, logs, fence, clock, log } = options;
  const stop = pods.on(({ type, object, old }) => {
    if (type !== 'updated' || !object.metadata.deletionTimestamp || old.metadata.deletionTimestamp) return;
    // Its grace period is the time to save what it wrote.
    remover.keepLog(object, fleet.claimOf(object.metadata.uid ?? '')).catch((error: unknown) => {
      log.warn({ pod: object.metadata.name, error: toError(error).message }, 'the log of a pod could not be kept');
    });
  });
  const trimmer = setInterval(() => {
    logs.trim({ olderThan: clock.now() - keepMs, maxBytes: keepBytes }, fence).catch((error: unknown) => {
      log.warn({ error: toError(error).message }, 'old logs could not be trimmed');
    });
  }, trimMs);
  return () => {
    stop();
    clearInterval(trimmer);
  };
}
