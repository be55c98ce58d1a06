/** The reconcile loops of this part: what wakes each of them. Pools run in every controller, the rest in the one that leads. */
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { keyOf } from '../../kube/key.ts';
import { type Controller, type ControllerOptions, type ControllerRun, keysOf, runController } from '../../kube/reconcile.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { usesConfig } from '../model/environment.ts';
import { label } from '../model/names.ts';
import { isInTrouble } from '../model/pod-trouble.ts';
import { poolKeyOfPod, poolOf } from '../model/pools.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { FunctionsState } from '../state.ts';
import type { FunctionReconciler } from './function.ts';
import { reconcileNetworkPolicy } from './network-policies.ts';
import { removeOldRevisions } from './old-revisions.ts';
import type { PoolReconciler } from './pool.ts';
import { reconcileRoute, reconcileRuntime } from './simple-status.ts';

export interface ControllersOptions {
  readonly client: KubeClient;
  readonly state: FunctionsState;
  readonly fleet: Fleet;
  readonly functions: FunctionReconciler;
  /** Where the platform's pods run: namespaces with functions get a NetworkPolicy. Absent where the API has no such kind. */
  readonly systemNamespace?: string | undefined;
  /** On Kubernetes: name of an image in manifests -> reference that the nodes know. */
  readonly images?: ReadonlyMap<string, string> | undefined;
  /** Hears of each run. */
  readonly onRun?: ((run: ControllerRun) => void) | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** `namespace/name` of a revision's function. */
export const functionKey = (revision: RevisionResource): string => `${revision.metadata.namespace}/${revision.spec.function}`;

/** Runs the leader's loops until `signal` is aborted; `done` when each has finished what it did. */
export function runControllers(options: ControllersOptions): {
  readonly functions: Controller;
  /** Keys that wait, by controller. */
  readonly queued: () => ReadonlyMap<string, number>;
  readonly done: Promise<unknown>;
} {
  const { client, state, fleet, log, signal, onRun } = options;
  const all: Controller[] = [];
  const run = (own: Pick<ControllerOptions, 'name' | 'informers' | 'reconcile' | 'parallelism'>): Controller => {
    const controller = runController({ ...own, ...(onRun && { onRun }), log, signal });
    all.push(controller);
    return controller;
  };
  const functions = run({
    name: 'functions',
    informers: [
      keysOf(state.functions),
      keysOf(state.revisions, (revision) => [functionKey(revision)]),
      keysOf(state.runtimes, ({ metadata }) => state.functions.byIndex('runtime', metadata.name).map((each) => keyOf(each))),
      // While there are instances, what they were given is looked at.
      keysOf(state.pods, ({ metadata }) => withConfig(state, `${metadata.namespace}/${metadata.labels?.[label.function]}`)),
    ],
    reconcile: async (key) => {
      const result = await options.functions.reconcile(key);
      const object = state.functions.get(key);
      if (object) await removeOldRevisions(client, object, options.functions.ownRevisions(object), (uid) => fleet.occupied(uid) > 0);
      return result;
    },
    // Each waits for its writes most of the time, and those of one turn share a commit.
    parallelism: 16,
  });
  run({
    name: 'routes',
    informers: [
      keysOf(state.routes),
      keysOf(state.functions, (object) => state.routes.byIndex('function', keyOf(object)).map((route) => keyOf(route))),
    ],
    reconcile: reconcileRoute(client, state.routes, state.functions),
  });
  run({
    name: 'runtimes',
    informers: [
      keysOf(state.runtimes),
      keysOf(state.pods, (pod) => (isInTrouble(pod) ? [pod.metadata.labels?.[label.runtime] ?? ''] : [])),
    ],
    reconcile: reconcileRuntime(client, state.runtimes, state.pods, options.images && { images: options.images }),
  });
  if (options.systemNamespace !== undefined) {
    run({
      name: 'network-policies',
      informers: [keysOf(state.functions, ({ metadata }) => [metadata.namespace ?? ''])],
      reconcile: reconcileNetworkPolicy({ client, functions: state.functions, systemNamespace: options.systemNamespace }),
    });
  }
  return {
    functions,
    queued: () => new Map(all.map(({ name, waiting }) => [name, waiting])),
    done: Promise.all(all.map(({ done }) => done)),
  };
}

/** The key, if it is of a function that uses Secrets or ConfigMaps. */
function withConfig(state: FunctionsState, key: string): readonly string[] {
  const object = state.functions.get(key);
  return object && usesConfig(object.spec) ? [key] : [];
}

/** Runs the pools' loop, which every controller has: each makes pods for those who wait with it. */
export function runPools(
  options: Pick<ControllersOptions, 'state' | 'onRun' | 'log' | 'signal'> & { readonly pools: PoolReconciler },
): Controller {
  const { state, pools, onRun, log, signal } = options;
  return runController({
    name: 'pools',
    informers: [
      keysOf(state.functions, (object) => [poolOf(object).key]),
      keysOf(state.revisions, (revision) => [poolOf(revision).key]),
      keysOf(state.pods, (pod) => [poolKeyOfPod(pod)]),
      keysOf(state.runtimes, ({ metadata }) => poolKeys(state, metadata.name)),
    ],
    reconcile: (key, context) => pools.reconcile(key, context),
    ...(onRun && { onRun }),
    log,
    signal,
  });
}

/** Pools that exist, or should; of one runtime, or of all. */
export function poolKeys(state: FunctionsState, runtime?: string): readonly string[] {
  const functions = runtime === undefined ? state.functions.list() : state.functions.byIndex('runtime', runtime);
  const pods = runtime === undefined ? state.pods.list() : state.pods.byIndex('runtime', runtime);
  return [...new Set([...functions.map((object) => poolOf(object).key), ...pods.map(poolKeyOfPod)])];
}
