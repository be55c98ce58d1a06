/**
 * What only one of several controllers does: the reconcilers, scaling, and keeping packages, logs and Events in order. On one machine
 * there is only one.
 */
import { systemClock } from '../base/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { EventRecorder } from '../kube/events.ts';
import type { Fence } from '../records/fence.ts';
import { type Bearer, renewTokens } from './identity/renewer.ts';
import { keepLogsInOrder } from './logs/upkeep.ts';
import { functionKey, runControllers } from './reconcile/controllers.ts';
import { FunctionReconciler } from './reconcile/function.ts';
import { Scaler } from './reconcile/scale.ts';
import { keepStoreInOrder } from './reconcile/store-upkeep.ts';
import { Trials } from './reconcile/trials.ts';
import { UnusedPackages } from './reconcile/unused-packages.ts';
import type { FunctionsOptions, Replica } from './replica.ts';
import { tellStory } from './story.ts';
import type { Tokens } from '../wire/protocol.ts';

/** One time of leading. */
export interface LeadOptions {
  /** Ends it: nothing is begun after that. */
  readonly signal: AbortSignal;
  /** Refuses to write once the leadership is not sure any more (`kube/leader.ts`); on one machine the usual one. */
  readonly client: KubeClient;
  /** For what only the leader may do in the records, where several processes share them. */
  readonly fence?: Fence;
}

/** Resolves when `signal` is aborted and all that was begun has ended. */
export async function lead(
  replica: Replica,
  { blobs, logs, store, gatewayUrl, systemNamespace, images, observer, clock = systemClock, log }: FunctionsOptions,
  { client, fence: own, signal }: LeadOptions,
): Promise<void> {
  const { state, fleet, remover, activator, keys, accounts, issuer, loadTimeoutMs, start } = replica;
  const { revisionByUid } = state;
  const fence = own && { fence: own };
  const functions = new FunctionReconciler({
    client,
    blobs,
    functions: state.functions,
    revisions: state.revisions,
    runtimes: state.runtimes,
    hasInstances: (uid) => fleet.instances(uid).length > 0,
    trials: new Trials(start, (revision) => controllers.functions.enqueue(functionKey(revision))),
    accounts,
    digest: (text) => keys.digest(text),
    gatewayUrl,
  });
  const controllers = runControllers({
    client,
    state,
    fleet,
    functions,
    systemNamespace,
    images,
    onRun: (run) => observer?.ran?.(run),
    log,
    signal,
  });
  const story = tellStory(state, (uid) => fleet.claimOf(uid), new EventRecorder(client, 'tsumugi-functions', { log, clock }));
  const scaler = new Scaler({
    fleet,
    remover,
    revisionByUid,
    policy: state.scalePolicy,
    wanted: () => state.withLeastInstances(),
    starting: (uid) => activator.starting(uid),
    loadTimeoutMs,
    start,
    canMakePods: state.canMakePods,
    scaledToZero: (revision, idleMs) => {
      const object = state.functionOf(revision);
      if (object?.status?.latestReadyRevision === revision.metadata.name) story.scaledToZero(object, idleMs);
    },
    log,
  });
  const drainDeleted = state.revisions.on(({ type, object }) => {
    if (type === 'deleted') scaler.drainAll(object.metadata.uid ?? '');
  });
  const sweeping = new UnusedPackages({ blobs, functions: state.functions, revisions: state.revisions, ...fence, clock, log }).run(signal);
  const storing = keepStoreInOrder({ client, store, ...fence, clock, log }, signal);
  const bearers = (): readonly Bearer[] => [
    ...[...fleet.members()]
      .filter((member) => member.state === 'serving')
      .map((member) => ({
        uid: member.uid,
        name: member.name,
        revision: member.claim && revisionByUid(member.claim.revisionUid),
        renew: (tokens: Tokens) => member.link?.renew(tokens),
      })),
    ...replica.runs.bearers(),
  ];
  const renewing = renewTokens({ bearers, issuer, functionOf: (revision) => state.functionOf(revision), clock, log }, signal);
  const stopLogs = keepLogsInOrder({ pods: state.pods, fleet, remover, logs, ...fence, clock, log });
  const stopPools = replica.leadPools(client, controllers.queued);

  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  stopPools();
  scaler.stop();
  drainDeleted();
  stopLogs();
  await Promise.all([controllers.done, story.stop(), sweeping, storing, renewing]);
}
