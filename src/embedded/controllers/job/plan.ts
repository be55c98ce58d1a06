/** Which pods to start or to end, so that as many run as should. Pure. */
import type { Job } from '../../../resources/builtin/job/types.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { waitOf, waitOfIndex } from './backoff.ts';
import { freeIndexes, withIndexes } from './indexes.ts';
import { indexOf, isReady, isTerminating, replacesEndedOnly } from './pod-state.ts';
import type { Progress } from './progress.ts';

/** Of one Job at a time: others get their turn. */
const mostAtOnce = 500;

export interface Plan {
  readonly remove: readonly Pod[];
  /** One for each new pod: its index, or undefined where pods have none. */
  readonly create: readonly (number | undefined)[];
  /** Nothing to do for so many ms: what failed has to wait. */
  readonly waitMs?: number;
}

const nothing: Plan = { remove: [], create: [] };

export function planOf(progress: Progress, now: number): Plan {
  const { job, active, indexes } = progress;
  if (job.spec.suspend) return { ...nothing, remove: active };
  const wanted = wantedPods(progress);
  const remove = surplus(progress, Math.max(0, active.length - wanted)).slice(0, mostAtOnce);
  // First these: where indexes are taken twice it is not known yet which are free.
  if (remove.length > 0) return { ...nothing, remove };
  const missing = Math.min(wanted - active.length - (replacesEndedOnly(job) ? progress.terminating : 0), mostAtOnce);
  if (missing <= 0) return nothing;
  if (indexes?.failed) return perIndex(progress, missing, now);
  const waitMs = waitOf(progress.backoff, now);
  if (waitMs > 0) return { ...nothing, waitMs };
  return { ...nothing, create: indexes ? nextIndexes(progress, missing) : Array.from({ length: missing }, () => undefined) };
}

function wantedPods({ job, active, succeeded }: Progress): number {
  const { completions, parallelism = 1 } = job.spec;
  // A work queue: the first success says that there is no more work, and who still runs may end.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

function nextIndexes({ job, pods, active, indexes }: Progress, count: number): number[] {
  const busy = replacesEndedOnly(job) ? [...active, ...pods.filter(isTerminating)] : active;
  const taken = busy.map(indexOf).filter((index) => index >= 0);
  return freeIndexes(withIndexes([...(indexes?.succeeded ?? []), ...(indexes?.failed ?? [])], taken), count, job.spec.completions ?? 0);
}

function perIndex(progress: Progress, missing: number, now: number): Plan {
  const waits = nextIndexes(progress, missing).map((index) => ({ index, ms: waitOfIndex(progress.indexes?.replaced.get(index), now) }));
  const create = waits.filter(({ ms }) => ms === 0).map(({ index }) => index);
  if (create.length > 0 || waits.length === 0) return { ...nothing, create };
  return { ...nothing, waitMs: Math.min(...waits.map(({ ms }) => ms)) };
}

/** Pods to end: those whose index is none of this Job's or is taken twice, then as many as are too many; the youngest and idle ones first. */
function surplus({ job, active }: Progress, tooMany: number): readonly Pod[] {
  const remove = job.spec.completionMode === 'Indexed' ? misplaced(job, active) : [];
  const left = active.filter((pod) => !remove.includes(pod)).toSorted(dispensableFirst);
  return [...remove, ...left.slice(0, Math.max(0, tooMany - remove.length))];
}

function misplaced({ spec }: Job, active: readonly Pod[]): Pod[] {
  const byIndex = Map.groupBy(active, indexOf);
  return [...byIndex].flatMap(([index, pods]) =>
    index < 0 || index >= (spec.completions ?? 0) ? pods : pods.toSorted(dispensableFirst).slice(0, -1),
  );
}

const phases = ['Pending', 'Unknown', 'Running'];

/** What has come least far first. */
function dispensableFirst(a: Pod, b: Pod): number {
  const rank = (pod: Pod): readonly number[] => [
    pod.spec.nodeName ? 1 : 0,
    phases.indexOf(pod.status?.phase ?? 'Pending'),
    isReady(pod) ? 1 : 0,
    -Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    -Date.parse(pod.metadata.creationTimestamp ?? ''),
  ];
  const [one, other] = [rank(a), rank(b)];
  const at = one.findIndex((value, place) => value !== other[place]);
  return at < 0 ? 0 : (one[at] as number) - (other[at] as number);
}
