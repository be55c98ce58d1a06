/** The reconcile loops of this part: what wakes each of them. */
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { keyOf } from '../../kube/key.ts';
import { type Controller, type ControllerOptions, type ControllerRun, keysOf, runController } from '../../kube/reconcile.ts';
import { poolKey } from '../activator/waiting.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { defaults, label } from '../model/names.ts';
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
  readonly pools: PoolReconciler;
  /** Where the platform's pods run: namespaces with functions get a NetworkPolicy. Absent where the API has no such kind. */
  readonly systemNamespace?: string | undefined;
  /** Hears of each run. */
  readonly onRun?: ((run: ControllerRun) => void) | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** `namespace/name` of a revision's function. */
export const functionKey = (revision: RevisionResource): string => `${revision.metadata.namespace}/${revision.spec.function}`;

/** Runs all until `signal` is aborted; `done` when each has finished what it did. */
export function runControllers(options: ControllersOptions): {
  readonly functions: Controller;
  readonly pools: Controller;
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
  const pools = run({
    name: 'pools',
    informers: [
      keysOf(state.functions, ({ metadata, spec }) => [poolKey(metadata.namespace ?? '', spec.runtime ?? defaults.runtime)]),
      keysOf(state.pods, ({ metadata }) => [poolKey(metadata.namespace ?? '', metadata.labels?.[label.runtime] ?? '')]),
      keysOf(state.runtimes, ({ metadata }) => poolsOf(state, metadata.name)),
    ],
    reconcile: (key, context) => options.pools.reconcile(key, context),
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
    informers: [keysOf(state.runtimes), keysOf(state.pods, ({ metadata }) => [metadata.labels?.[label.runtime] ?? ''])],
    reconcile: reconcileRuntime(client, state.runtimes, state.pods),
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
    pools,
    queued: () => new Map(all.map(({ name, waiting }) => [name, waiting])),
    done: Promise.all(all.map(({ done }) => done)),
  };
}

/** Pools of a runtime that exist, or should. */
function poolsOf(state: FunctionsState, runtime: string): readonly string[] {
  const using = [...state.functions.byIndex('runtime', runtime), ...state.pods.byIndex('runtime', runtime)];
  return [...new Set(using.map((each) => poolKey(each.metadata.namespace ?? '', runtime)))];
}
