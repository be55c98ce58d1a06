/** The controllers that Kubernetes brings along and the embedded cluster needs too. */
import { type Clock, systemClock } from '../../base/clock.ts';
import { type Log, silentLog } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type ControllerOptions, runController } from '../../kube/reconcile.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import { kinds as allKinds } from '../../resources/kinds.ts';
import type { Store } from '../storage/store.ts';
import { accountKeys, accountReconciler } from './accounts.ts';
import { garbageKeys, garbageReconciler } from './garbage.ts';
import { runJobController } from './job/jobs.ts';
import { namespaceKeys, namespaceReconciler } from './namespaces.ts';
import { runClaimController } from './claims/run.ts';
import { podKeys, podReconciler } from './pods.ts';
import { quotaKeys, quotaReconciler } from './quotas.ts';
import { storeSource } from './source.ts';

export interface EmbeddedControllersOptions {
  /** The in-process client: what they do, they do through the API. */
  readonly client: KubeClient;
  readonly store: Store;
  /** All that the API serves. */
  readonly kinds?: readonly KindDefinition[];
  /** Where folders for PersistentVolumes are made; absent: nobody makes volumes. */
  readonly claimsFolder?: string;
  readonly log?: Log;
  readonly signal: AbortSignal;
  readonly onRun?: ControllerOptions['onRun'];
  readonly clock?: Clock;
}

/**
 * Runs garbage collection, namespace deletion, pod collection, Jobs and the making of accounts until `signal` is aborted.
 *
 * @returns resolves when all have stopped; close the store after that.
 * @example
 * const stop = new AbortController();
 * const controllers = runEmbeddedControllers({ client: api.client, store: api.store, signal: stop.signal });
 * stop.abort();
 * await controllers;
 */
export async function runEmbeddedControllers(options: EmbeddedControllersOptions): Promise<void> {
  const { client, store, kinds = allKinds, log = silentLog, signal, onRun, clock = systemClock } = options;
  const only = (...plurals: readonly string[]): readonly KindDefinition[] =>
    kinds.filter(({ group, plural }) => group === '' && plurals.includes(plural));
  const common = { signal, log, clock, ...(onRun && { onRun }) };
  const garbage = runController({
    ...common,
    name: 'garbage',
    parallelism: 20,
    informers: [storeSource(store, kinds, (change) => garbageKeys(kinds, change), signal, log)],
    reconcile: garbageReconciler({ client, store, kinds, enqueue: (key) => garbage.enqueue(key) }),
  });
  const namespaces = runController({
    ...common,
    name: 'namespaces',
    informers: [storeSource(store, kinds, namespaceKeys, signal, log)],
    reconcile: namespaceReconciler({ client, store, kinds }),
  });
  const pods = runController({
    ...common,
    name: 'pod-garbage',
    informers: [storeSource(store, only('pods'), podKeys, signal, log)],
    reconcile: podReconciler({ client, store, clock }),
  });
  const accounts = runController({
    ...common,
    name: 'accounts',
    informers: [storeSource(store, only('namespaces', 'serviceaccounts'), accountKeys, signal, log)],
    reconcile: accountReconciler({ client, store }),
  });
  const jobs = runJobController({ ...common, client, store });
  const claims = runClaimController({ ...common, client, store, kinds, folder: options.claimsFolder });
  const quotas = runController({
    ...common,
    name: 'quotas',
    informers: [storeSource(store, kinds.toSorted(quotasFirst), quotaKeys(), signal, log)],
    reconcile: quotaReconciler({ client, store }),
  });
  await Promise.all([garbage.done, namespaces.done, pods.done, accounts.done, jobs.done, claims.done, quotas.done]);
}

/** At the start all other objects of a namespace count only once its quotas are known. */
const quotasFirst = (a: KindDefinition, b: KindDefinition): number =>
  Number(b.kind === 'ResourceQuota') - Number(a.kind === 'ResourceQuota');
