/**
 * What every controller does, whether it leads or not: it knows the objects and the pods, activates instances, makes pods for those who
 * wait here, tells gateways what there is, and serves the platform API.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { toError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/reconcile.ts';
import type { BlobStore } from '../records/blobs.ts';
import type { LogStore } from '../records/logs.ts';
import type { KeyValueStore } from '../records/store.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import type { RevisionResource } from '../resources/revision.ts';
import { InstanceActivator } from './activator/activator.ts';
import { PackageCache } from './activator/packages.ts';
import { startInstance } from './activator/starter.ts';
import { PodQueue } from './activator/waiting.ts';
import { type EndpointOptions, platformEndpoints } from './api/endpoints.ts';
import { type Handler, serveEndpoints } from '../api/endpoints.ts';
import { storeEndpoints } from './api/store.ts';
import { PodEnds } from './fleet/ends.ts';
import { Fleet } from './fleet/fleet.ts';
import { startLabeller } from './fleet/labeller.ts';
import { PodRemover } from './fleet/remover.ts';
import { LogKeeper } from './logs/keeper.ts';
import { type LocalInvoker, openLocalInvoker } from './local-invoker.ts';
import { type LogEntry, type LogQuery, readLogs } from './logs/reader.ts';
import { openPlatformKeys, type PlatformKeys } from './model/keys.ts';
import { defaults } from './model/names.ts';
import { podImage } from './model/pod-template.ts';
import type { FunctionsObserver } from './observer.ts';
import { ProjectionFeed } from './projection/feed.ts';
import { Readiness } from './projection/readiness.ts';
import { fillProjection, instanceEntry } from './projection/source.ts';
import { poolKeys, runPools } from './reconcile/controllers.ts';
import { ensureDefaultRuntimes } from './reconcile/default-runtime.ts';
import { PoolReconciler } from './reconcile/pool.ts';
import { writeRevisionStatus } from './reconcile/revision-status.ts';
import { type FunctionRuns, functionRuns } from './runs/runs.ts';
import { FunctionsState } from './state.ts';
import { Accounts } from './identity/accounts.ts';
import { Callers } from './identity/callers.ts';
import { type Endpoints, gatewayAudience, Issuer, platformAudience } from './identity/tokens.ts';
import type { Identity } from '../wire/protocol.ts';

export interface FunctionsOptions {
  readonly client: KubeClient;
  /** For packages alone: what no Function and no Revision names is removed after a while. */
  readonly blobs: BlobStore;
  readonly logs: LogStore;
  /** What functions, runs and scripts keep for themselves. */
  readonly store: KeyValueStore;
  /** The data folder's `pki/`, or the keys themselves. */
  readonly pki: string | PlatformKeys;
  /** Where a running pod's shim listens: `unix:/path`, `tcp:host:port`; undefined while nobody can know. */
  readonly addressOf: (pod: Pod) => string | undefined;
  /** As users reach it: `http://127.0.0.1:8080`. */
  readonly gatewayUrl: string;
  /** Where code with permissions finds the platform API and the Kubernetes API. */
  readonly endpoints: Endpoints;
  /** Of the tokens that code with permissions gets. Default 3600; at least 600. */
  readonly tokenLifetimeSeconds?: number;
  /** sha256 hex of the tokens that may use `/call/`. */
  readonly tokenHashes?: readonly string[];
  /** On Kubernetes: where the platform's own pods run, which alone may reach function pods. Absent: no NetworkPolicies are made. */
  readonly systemNamespace?: string;
  /** On Kubernetes: name of an image in manifests -> reference that the nodes know. Present: pods are made as a kubelet needs them. */
  readonly images?: ReadonlyMap<string, string>;
  /** Names of Secrets that the pods of all functions may be pulled with. */
  readonly imagePullSecrets?: readonly string[];
  /** How long a start waits for a pod. Default 29: less than a gateway lets a request wait, so that its caller hears why. */
  readonly podTimeoutSeconds?: number;
  /** How long the code of a function may take to load. Default 30. */
  readonly loadTimeoutSeconds?: number;
  readonly clock?: Clock;
  /** For metrics. */
  readonly observer?: FunctionsObserver;
  readonly log: Log;
}

/** One running replica, as the leader's part and the composition see it. */
export interface Replica {
  readonly state: FunctionsState;
  readonly fleet: Fleet;
  readonly remover: PodRemover;
  readonly activator: InstanceActivator;
  readonly keys: PlatformKeys;
  readonly accounts: Accounts;
  readonly issuer: Issuer;
  /** Whose tokens open the platform API. */
  readonly callers: Callers;
  readonly loadTimeoutMs: number;
  /** The platform API under `/v1/`. */
  readonly handler: Handler;
  readonly readiness: Readiness;
  /** For who leads alone. */
  readonly openInvoker: () => LocalInvoker;
  readonly readLogs: (query: LogQuery) => AsyncIterable<LogEntry>;
  readonly runs: FunctionRuns;
  /** One more instance of the revision; rejects when it cannot be. */
  readonly start: (revision: RevisionResource) => Promise<unknown>;
  /** From now on the pools are kept at their size, too; `client` writes. Answers how to stop. */
  leadPools(client: KubeClient, queued: () => ReadonlyMap<string, number>): () => void;
  stop(): Promise<void>;
}

/** The request that waits for the instance goes first: to write takes the thread that is to answer the gateway. */
const verdictAfterMs = 15;
/** How long a restarted controller waits for running pods to say whose they are before it answers gateways. */
const adoptMs = 3000;

/** Resolves when the present state is known; rejects when the API server cannot be reached. */
export async function startReplica(options: FunctionsOptions): Promise<Replica> {
  const { client, blobs, logs, addressOf, gatewayUrl, observer, log, clock = systemClock } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const keys = typeof options.pki === 'string' ? openPlatformKeys(options.pki) : options.pki;
  const state = new FunctionsState(client, log);
  const { revisionByUid } = state;
  const epoch = clock.now();
  const loadTimeoutMs = (options.loadTimeoutSeconds ?? defaults.loadTimeoutSeconds) * 1000;

  await ensureDefaultRuntimes(client);
  const { stopped } = await state.start(signal);

  const accounts = new Accounts(client, options.systemNamespace !== undefined);
  const issuer = new Issuer({
    client,
    accounts,
    endpoints: options.endpoints,
    ...(options.tokenLifetimeSeconds !== undefined && { lifetimeSeconds: options.tokenLifetimeSeconds }),
  });
  const identityOf = async (revision: RevisionResource): Promise<Identity | undefined> => {
    const owner = revision.spec.permissions && state.functionOf(revision);
    return owner && issuer.identity(owner, revision.spec.permissions);
  };

  const replica = options.images && `${epoch}-${process.pid}`;
  const kubernetes = options.images && {
    publicKey: keys.signing.publicKey,
    images: options.images,
    imagePullSecrets: options.imagePullSecrets,
  };
  const imageOf = (spec: RevisionResource['spec']): string => {
    const runtime = state.runtimes.get(spec.runtime);
    return runtime ? podImage(runtime, kubernetes, spec) : (spec.image ?? '');
  };
  const fleet = new Fleet({ pods: state.pods, key: keys.signing, addressOf, replica, log, signal });
  const remover = new PodRemover({ client, fleet, keeper: new LogKeeper(client, logs), revisionByUid, log });
  const labeller = startLabeller({ client, fleet, revisionByUid, epoch, log });
  const queue = new PodQueue(fleet, (options.podTimeoutSeconds ?? 29) * 1000);
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
          loadTimeoutMs,
          reserved,
          imageOf,
          identityOf,
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
  const start = (revision: RevisionResource): Promise<unknown> =>
    activator.activate({
      revisionUid: revision.metadata.uid ?? '',
      namespace: revision.metadata.namespace ?? '',
      revision: revision.metadata.name,
      known: fleet.instances(revision.metadata.uid ?? '').map((member) => member.uid),
    });

  /** Set while this replica leads. */
  let leading: { readonly client: KubeClient; readonly queued: () => ReadonlyMap<string, number> } | undefined;
  const pools: Controller = runPools({
    state,
    pools: new PoolReconciler({
      client,
      leader: () => leading?.client,
      functions: state.functions,
      revisions: state.revisions,
      runtimes: state.runtimes,
      pods: state.pods,
      fleet,
      queue,
      remover,
      kubernetes,
      enqueue: (key) => pools.enqueue(key),
    }),
    onRun: (run) => observer?.ran?.(run),
    log,
    signal,
  });
  queue.onDemand = (key) => pools.enqueue(key);
  observer?.watch?.({
    members: () => fleet.members(),
    waiting: () => queue.waitingByRuntime(),
    queued: () => new Map([[pools.name, pools.waiting], ...(leading?.queued() ?? [])]),
  });

  const guests = new Callers(client, gatewayAudience);
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
  const readiness = new Readiness(feed, state.functions, options.tokenHashes ?? []);
  const forgetRevision = state.revisions.on(({ type, object }) => {
    if (type === 'deleted') activator.forget(object.metadata.uid ?? '');
  });

  const calls: Pick<EndpointOptions, 'activate' | 'reportFailed' | 'endOf'> = {
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
  };
  const logsOf = (query: LogQuery): AsyncGenerator<LogEntry> =>
    readLogs({ client, logs, clock, pods: (namespace, name) => podsOf(state, fleet, namespace, name) }, query);
  const endpoints = [
    ...platformEndpoints({
      blobs,
      functionNames: async (namespace) => state.functions.byIndex('namespace', namespace).map(({ metadata }) => metadata.name),
      readLogs: logsOf,
      ownerOf: (token) => guests.authenticate(token),
      ...calls,
      subscribe: (gone) => feed.subscribe(gone),
      ready: fleet.settled(adoptMs),
    }),
    ...storeEndpoints(options.store),
  ];
  const handler = serveEndpoints(endpoints, log, signal);

  return {
    state,
    fleet,
    remover,
    activator,
    keys,
    accounts,
    issuer,
    callers: new Callers(client, platformAudience),
    runs: functionRuns({
      client,
      state,
      packages,
      keys,
      addressOf,
      gatewayUrl,
      identityOf,
      imageOf,
      kubernetes,
      epoch,
      loadTimeoutMs,
      log,
    }),
    loadTimeoutMs,
    handler,
    readiness,
    openInvoker: () => openLocalInvoker(feed, calls, log),
    readLogs: logsOf,
    start,
    leadPools(leader, queued) {
      leading = { client: leader, queued };
      for (const key of poolKeys(state)) pools.enqueue(key);
      return () => (leading = undefined);
    },
    async stop() {
      stopping.abort();
      readiness.stop();
      stopProjection();
      forgetRevision();
      ends.stop();
      await Promise.all([pools.done, labeller.close(), stopped, remover.idle()]);
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
