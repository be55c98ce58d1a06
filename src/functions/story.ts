/**
 * What `kubectl describe fn NAME` tells under Events: which revision got the traffic, why the function is not Ready, what became of its
 * instances. Taken from what the informers see, so that nothing waits for it.
 */
import type { EventRecorder } from '../kube/events.ts';
import { conditionOf } from '../resources/conditions.ts';
import type { FunctionResource } from '../resources/function.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import { label } from './model/names.ts';
import type { FunctionsState } from './state.ts';

export interface Story {
  /** The function's last instance has gone for want of work. */
  scaledToZero(object: FunctionResource, idleMs: number): void;
  /** Tells no more; resolves when what was told is written. */
  stop(): Promise<void>;
}

/** `claimOf`: whose instance a pod is, or was before it ended, also where its labels have not followed yet. */
export function tellStory(state: FunctionsState, claimOf: (podUid: string) => string | undefined, events: EventRecorder): Story {
  const functionOf = ({ metadata: { namespace, labels, uid = '' } }: Pod): FunctionResource | undefined => {
    const claim = claimOf(uid);
    const name = labels?.[label.function] ?? (claim && state.revisionByUid(claim)?.spec.function);
    return name === undefined ? undefined : state.functions.get(`${namespace}/${name}`);
  };
  const stops = [
    state.functions.on(({ type, object, old }) => {
      if (type === 'updated') tellStatus(events, object, old);
    }),
    state.pods.on(({ type, object, old }) => {
      const end = type === 'updated' && old.status?.phase !== 'Failed' ? failureOf(object) : undefined;
      const owner = end === undefined ? undefined : functionOf(object);
      // Without the pod's name, so that one after the other counts up one Event.
      if (owner) events.record(owner, 'Warning', 'InstanceFailed', `an instance ended: ${end}`);
    }),
  ];
  return {
    scaledToZero: (object, idleMs) => events.record(object, 'Normal', 'ScaledToZero', `without requests for ${idleMs / 1000} s`),
    stop: () => {
      for (const stop of stops) stop();
      return events.flush();
    },
  };
}

function tellStatus(events: EventRecorder, object: FunctionResource, old: FunctionResource): void {
  const revision = object.status?.latestReadyRevision;
  const before = old.status?.latestReadyRevision;
  if (revision !== undefined && revision !== before) {
    const from = before === undefined ? '' : `, no longer ${before}`;
    events.record(object, 'Normal', 'TrafficMoved', `revision ${revision} gets the traffic${from}`);
  }
  const [now, was] = [conditionOf(object, 'Ready'), conditionOf(old, 'Ready')];
  if (!now || (now.status === was?.status && now.reason === was.reason && now.message === was.message)) return;
  if (now.status === 'False') events.record(object, 'Warning', now.reason, now.message);
  else if (now.status === 'True' && was?.status === 'False') events.record(object, 'Normal', 'Ready', now.message);
}

/** Why it ended, as its container's status says; undefined while it runs or ended well. */
function failureOf({ status, metadata }: Pod): string | undefined {
  if (status?.phase !== 'Failed' || metadata.deletionTimestamp !== undefined) return undefined;
  const ended = status.containerStatuses?.find(({ state }) => state?.terminated)?.state?.terminated;
  if (!ended) return status.message ?? status.reason ?? 'Error';
  return `${ended.reason ?? 'Error'}, exit code ${ended.exitCode}`;
}
