/**
 * Functions on any Kubernetes API: the one entry of this part for composition roots.
 *
 * @example
 * const functions = await startFunctions({ client, blobs, logs, pki: join(data, 'pki'), addressOf, gatewayUrl, log });
 * http.createServer(functions.handler).listen(socket);
 * await functions.stop();
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { toError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from '../kube/client.ts';
import { EventRecorder } from '../kube/events.ts';
import type { BlobStore } from '../records/blobs.ts';
import type { Fence } from '../records/fence.ts';
import type { LogStore } from '../records/logs.ts';
import { InstanceActivator } from './activator/activator.ts';
import { PackageCache } from './activator/packages.ts';
import { startInstance } from './activator/starter.ts';
import { PodQueue } from './activator/waiting.ts';
import { platformEndpoints } from './api/endpoints.ts';
import { type Handler, serveEndpoints } from './api/http.ts';
import { PodEnds } from './fleet/ends.ts';
import { Fleet } from './fleet/fleet.ts';
import { startLabeller } from './fleet/labeller.ts';
import { PodRemover } from './fleet/remover.ts';
import { LogKeeper } from './logs/keeper.ts';
import { readLogs } from './logs/reader.ts';
import { keepLogsInOrder } from './logs/upkeep.ts';
import { openPlatformKeys, type PlatformKeys } from './model/keys.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import type { RevisionResource } from '../resources/revision.ts';
import { ProjectionFeed } from './projection/feed.ts';
import { Readiness } from './projection/readiness.ts';
import { fillProjection, instanceEntry } from './projection/source.ts';
import { functionKey, runControllers } from './reconcile/controllers.ts';
import { ensureDefaultRuntime } from './reconcile/default-runtime.ts';
import { FunctionReconciler } from './reconcile/function.ts';
import { PoolReconciler } from './reconcile/pool.ts';
import { writeRevisionStatus } from './reconcile/revision-status.ts';
import { Scaler } from './reconcile/scale.ts';
import { Trials } from './reconcile/trials.ts';
import { UnusedPackages } from './reconcile/unused-packages.ts';
import type { FunctionsObserver } from './observer.ts';
import { FunctionsState } from './state.ts';
import { tellStory } from './story.ts';

export interface FunctionsOptions {
  readonly client: KubeClient;
  /** For packages alone: what no Function and no Revision names is removed after a while. */
  readonly blobs: BlobStore;
  readonly logs: LogStore;
  /** What the leader's writes into the records carry (`records/fence.ts`): who leads, by epoch. Absent: one process alone has them. */
  readonly fence?: Fence;
  /** The data folder's `pki/`, or the keys themselves. */
  readonly pki: string | PlatformKeys;
  /** Where a running pod's shim listens: `unix:/path`, `tcp:host:port`; undefined while nobody can know. */
  readonly addressOf: (pod: Pod) => string | undefined;
  /** As users reach it: `http://127.0.0.1:8080`. */
  readonly gatewayUrl: string;
  /** sha256 hex of the tokens that may use `/call/`. */
  readonly tokenHashes?: readonly string[];
  /** On Kubernetes: where the platform's own pods run, which alone may reach function pods. Absent: no NetworkPolicies are made. */
  readonly systemNamespace?: string;
  /** On Kubernetes: name of an image in manifests -> reference that the nodes know. Present: pods are made as a kubelet needs them. */
  readonly images?: ReadonlyMap<string, string>;
  /** How long a request waits for a pod. Default 30. */
  readonly podTimeoutSeconds?: number;
  readonly clock?: Clock;
  /** For metrics. */
  readonly observer?: FunctionsObserver;
  readonly log: Log;
}

export interface Functions {
  /** The platform API under `/v1/`; who may call it is the server's business. */
  readonly handler: Handler;
  readonly keys: PlatformKeys;
  /** `/readyz` of gateways waits for these, each `namespace/name`. */
  waitFor(names: readonly string[]): void;
  /** Ends all that this part does; pods stay as they are. */
  stop(): Promise<void>;
}

/** The request that waits for the instance goes first: to write takes the thread that is to answer the gateway. */
const verdictAfterMs = 15;
/** How long a restarted control plane waits for running pods to say whose they are before it answers gateways. */
const adoptMs = 3000;

/** Starts reconcilers and activator. Resolves when the present state is known and acted on; rejects when the API server cannot be reached. */
export async function startFunctions(options: FunctionsOptions): Promise<Functions> {
  const { client, blobs, logs, addressOf, gatewayUrl, observer, log, clock = systemClock } = options;
  const fence = options.fence && { fence: options.fence };
  const stopping = new AbortController();
  const { signal } = stopping;
  const keys = typeof options.pki === 'string' ? openPlatformKeys(options.pki) : options.pki;
  const state = new FunctionsState(client, log);
  const { revisionByUid } = state;
  const epoch = clock.now();

  await ensureDefaultRuntime(client);
  const { stopped } = await state.start(signal);

  const fleet = new Fleet({ pods: state.pods, key: keys.signing, addressOf, log, signal });
  const remover = new PodRemover({ client, fleet, keeper: new LogKeeper(client, logs), revisionByUid, log });
  const labeller = startLabeller({ client, fleet, revisionByUid, log });
  const queue = new PodQueue(fleet, (options.podTimeoutSeconds ?? 30) * 1000);
  const ends = new PodEnds(state.pods);
  const packages = new PackageCache(blobs);
  const activator = new InstanceActivator({
    fleet,
    observer,
    revision: (request) => state.revision(request),
    maxInstances: state.maxInstances,
    start: (revision, reserved) =>
      startInstance(
        {
          client,
          fleet,
          queue,
          packages,
          keys,
          gatewayUrl,
          epoch,
          reserved,
          imageOf: state.imageOf,
          whyNoPods: state.whyNoPods,
          log,
          signal,
          // A process that is gone: how it ended comes into its log a moment later, and is to be kept with the rest.
          discard: (member, why, revisionUid) =>
            void remover.kill(member, why, revisionUid, member.link ? undefined : () => ends.of(member.uid)),
        },
        revision,
      ),
    onStart: (revision, error) => {
      clock
        .sleep(verdictAfterMs, signal)
        .then(() => writeRevisionStatus(client, revision, error))
        .catch((thrown: unknown) => {
          if (signal.aborted) return;
          log.warn({ revision: revision.metadata.name, error: toError(thrown).message }, 'the status of a revision could not be written');
        });
    },
  });
  const startOne = (revision: RevisionResource): Promise<unknown> =>
    activator.activate({
      revisionUid: revision.metadata.uid ?? '',
      namespace: revision.metadata.namespace ?? '',
      revision: revision.metadata.name,
      known: fleet.instances(revision.metadata.uid ?? '').map((member) => member.uid),
    });

  const functions = new FunctionReconciler({
    client,
    blobs,
    functions: state.functions,
    revisions: state.revisions,
    runtimes: state.runtimes,
    hasInstances: (uid) => fleet.instances(uid).length > 0,
    trials: new Trials(startOne, (revision) => controllers.functions.enqueue(functionKey(revision))),
    gatewayUrl,
  });
  const pools = new PoolReconciler({
    client,
    functions: state.functions,
    runtimes: state.runtimes,
    pods: state.pods,
    fleet,
    queue,
    remover,
    kubernetes: options.images && { publicKey: keys.signing.publicKey, images: options.images },
    enqueue: (key) => controllers.pools.enqueue(key),
  });
  const controllers = runControllers({
    client,
    state,
    fleet,
    functions,
    pools,
    systemNamespace: options.systemNamespace,
    onRun: (run) => observer?.ran?.(run),
    log,
    signal,
  });
  observer?.watch?.({ members: () => fleet.members(), waiting: () => queue.waitingByRuntime(), queued: controllers.queued });
  queue.onDemand = (key) => controllers.pools.enqueue(key);

  const feed = new ProjectionFeed(`${epoch.toString(36)}-${process.pid}`);
  const stopProjection = fillProjection({
    feed,
    functions: state.functions,
    revisions: state.revisions,
    routes: state.routes,
    fleet,
    revisionByUid,
    keys,
  });
  const story = tellStory(state, new EventRecorder(client, 'tsumugi-functions', { log, clock }));
  const readiness = new Readiness(feed, state.functions, options.tokenHashes ?? []);
  const scaler = new Scaler({
    fleet,
    remover,
    revisionByUid,
    policy: state.scalePolicy,
    wanted: () => state.withLeastInstances(),
    starting: (uid) => activator.starting(uid),
    start: startOne,
    scaledToZero: (revision, idleMs) => {
      const object = state.functionOf(revision);
      if (object?.status?.latestReadyRevision === revision.metadata.name) story.scaledToZero(object, idleMs);
    },
    log,
  });
  const sweeping = new UnusedPackages({ blobs, functions: state.functions, revisions: state.revisions, ...fence, clock, log }).run(signal);
  const stopLogs = keepLogsInOrder({ pods: state.pods, fleet, remover, logs, ...fence, clock, log });
  const forgetRevision = state.revisions.on(({ type, object }) => {
    if (type !== 'deleted') return;
    activator.forget(object.metadata.uid ?? '');
    scaler.drainAll(object.metadata.uid ?? '');
  });

  const handler = serveEndpoints(
    platformEndpoints({
      blobs,
      functionExists: async (namespace, name) => state.functions.get(`${namespace}/${name}`) !== undefined,
      readLogs: (query) => readLogs({ client, logs, clock, pods: (namespace, name) => podsOf(state, fleet, namespace, name) }, query),
      activate: async (request, reserved) =>
        instanceEntry(
          await activator.activate(request, ({ member, claim }) => reserved(instanceEntry(member, revisionByUid, keys, claim))),
          revisionByUid,
          keys,
        ),
      reportFailed: async (id, reason, message) => {
        const member = fleet.get(id);
        if (member) await remover.kill(member, `a gateway reports it as ${reason}: ${message}`);
      },
      endOf: (id) => ends.of(id),
      subscribe: (gone) => feed.subscribe(gone),
      ready: fleet.settled(adoptMs),
    }),
    log,
    signal,
  );

  return {
    handler,
    keys,
    waitFor: (names) => readiness.waitFor(names),
    stop: async () => {
      stopping.abort();
      scaler.stop();
      readiness.stop();
      stopProjection();
      stopLogs();
      forgetRevision();
      ends.stop();
      await Promise.all([controllers.done, labeller.close(), stopped, remover.idle(), story.stop(), sweeping]);
    },
  };
}

/** Names of a function's pods, also of those whose labels have not followed yet. */
function podsOf(state: FunctionsState, fleet: Fleet, namespace: string, name: string): readonly string[] {
  const names = new Set(state.pods.byIndex('function', `${namespace}/${name}`).map((pod) => pod.metadata.name));
  for (const member of fleet.members()) {
    const revision = member.claim && state.revisionByUid(member.claim.revisionUid);
    if (member.namespace === namespace && revision?.spec.function === name) names.add(member.name);
  }
  return [...names];
}
