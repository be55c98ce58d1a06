/**
 * The embedded cluster's node: takes every pod of the API, runs it, and tells its state. Level-triggered: it may be killed at any
 * time; the next one adopts what runs.
 */
import { availableParallelism } from 'node:os';
import { mkdir } from 'node:fs/promises';
import type { Log } from '../../base/log.ts';
import { silentLog } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { EventRecorder } from '../../kube/events.ts';
import { type Change, Informer } from '../../kube/informer.ts';
import { keyOf } from '../../kube/key.ts';
import { runController } from '../../kube/reconcile.ts';
import type { Controller, KeySource } from '../../kube/reconcile.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { KubeObject } from '../../resources/object.ts';
import { pods } from '../../resources/resources.ts';
import { findSurvivors } from './adopt.ts';
import { BlankPool } from './blank.ts';
import { chooseIsolation } from './isolation/choose.ts';
import type { IsolationMode } from './isolation/choose.ts';
import { podLog } from './logs.ts';
import type { PodLogOptions, PodStreamAccess } from '../api/pod-access.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { NodeContext } from './node-context.ts';
import { podsFolder } from './paths.ts';
import { isFinished, PodRun } from './pod-run.ts';
import type { ProcessHost } from './process-host.ts';
import { ProcessTable } from './process-table.ts';
import { podStreams } from './streams/pod-streams.ts';
import { registerNode } from './register.ts';
import { Slots } from './slots.ts';
import { ClaimFolders } from './volumes/claims.ts';

/** Of the node of an embedded cluster. */
export const nodeName = 'tsumugi';

export interface NodeOptions {
  readonly client: KubeClient;
  readonly host: ProcessHost;
  /** Short path, mode 0700: sockets, pods' folders and logs. */
  readonly runFolder: string;
  /** Not to be seen by pods: the data folder, and whatever else. */
  readonly hidden: readonly string[];
  /** Image `tsumugi/NAME` -> bundle of its shim: `{ node: '/…/node.cjs' }`. Those of one bundle share their blank processes. */
  readonly shims: Readonly<Record<string, string>>;
  /** Files that bundles of `shims` find beside them. */
  readonly besides?: readonly string[];
  readonly isolation: IsolationMode;
  /** Raw ed25519 public key of the platform, base64url: what shims obey. */
  readonly publicKey: string;
  /** Of this install: a tagged built-in image must have it. */
  readonly version: string;
  /** Of the Node object and in `spec.nodeName`. Default `nodeName`. */
  readonly name?: string;
  /** Blank processes kept ready per bundle. Default 2. */
  readonly blanks?: number;
  /** Bytes of log kept per container run. Default 10 MB. */
  readonly maxLogBytes?: number;
  /** Default 10 s. */
  readonly restartBackoffMs?: number;
  /** Where folders for PersistentVolumes are made: in the data folder. */
  readonly claimsFolder: string;
  /** How often Secrets and ConfigMaps in volumes are looked at again. Default 10 s. */
  readonly volumePeriodMs?: number;
  readonly log?: Log;
}

export interface RunningNode {
  readonly isolation: { readonly name: 'sandbox' | 'process'; readonly description: string; readonly warnings: readonly string[] };
  /** For the API: see `api/pod-access.ts`. */
  log(pod: KubeObject, request: PodLogOptions): AsyncIterable<Uint8Array>;
  readonly streams: PodStreamAccess;
  /** How many pods the node knows, by `status.phase`. */
  phases(): ReadonlyMap<string, number>;
  /** Stops looking after pods. They run on, for the next node; blank processes end. */
  stop(): Promise<void>;
  /** Ends all pods (SIGTERM, SIGKILL after the grace) and waits for it; their objects stay and tell how they ended. */
  endPods(graceMs: number): Promise<void>;
}

/** @throws TsumugiError when `isolation` is `required` and no sandbox works here. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { client, host, runFolder, name = nodeName, log = silentLog, maxLogBytes = 10_000_000 } = options;
  await mkdir(podsFolder(runFolder), { recursive: true, mode: 0o700 });
  const isolation = await chooseIsolation({
    mode: options.isolation,
    runFolder,
    hidden: [runFolder, ...options.hidden],
    shims: [...new Set(Object.values(options.shims)), ...(options.besides ?? [])],
  });
  const table = new ProcessTable(host);
  const slots = new Slots(availableParallelism());
  const starter = { isolation, table, slots, maxLogBytes };
  const bundles = [...new Set(Object.values(options.shims))];
  const blanks = new Map(bundles.map((bundle) => [bundle, new BlankPool(starter, { bundle, size: options.blanks ?? 2, log })]));
  const recorder = new EventRecorder(client, 'tsumugi-node', { host: name, log });
  const memory = new MemoryWatch();
  const { shims, version, publicKey, restartBackoffMs = 10_000, volumePeriodMs = 10_000 } = options;
  const context: NodeContext = {
    client,
    runFolder,
    hidden: [runFolder, ...options.hidden],
    claims: new ClaimFolders(client, options.claimsFolder),
    isolation,
    table,
    slots,
    starter,
    memory,
    recorder,
    log,
    shims,
    blanks,
    version,
    publicKey,
    maxLogBytes,
    restartBackoffMs,
    volumePeriodMs,
  };

  const stopping = new AbortController();
  const informer = new Informer<Pod>(client, pods, { log });
  const runs = new Map<string, PodRun>();
  const byKey = new Map<string, Set<PodRun>>();
  const mine = (pod: Pod): boolean => pod.spec.nodeName === undefined || pod.spec.nodeName === '' || pod.spec.nodeName === name;

  async function reconcile(key: string): Promise<{ again: number } | void> {
    const pod = informer.get(key);
    let again = await dropOthers(key, pod?.metadata.uid);
    if (pod && mine(pod)) {
      let run = runs.get(pod.metadata.uid as string);
      if (!run && (!isFinished(pod) || pod.metadata.deletionTimestamp !== undefined)) {
        run = newRun(pod);
      }
      again = (await run?.sync(pod, (written) => observe(key, written))) ?? again;
    }
    return again === undefined ? undefined : { again: again / 1000 };
  }

  /** What is not as this node has just written it is looked at again. */
  function observe(key: string, written: Pod): void {
    informer.observe(written);
    if (informer.get(key)?.metadata.resourceVersion !== written.metadata.resourceVersion) controller?.enqueue(key);
  }

  const changed: KeySource = {
    synced: () => informer.synced(),
    subscribe: (enqueue) =>
      informer.on((change) => {
        const { object } = change;
        if (isNews(change, runs.get(object.metadata.uid as string)?.isTelling ?? false)) enqueue(keyOf(object));
      }),
  };

  function newRun(pod: Pod): PodRun {
    const key = keyOf(pod);
    const run = new PodRun(context, name, pod, () => controller?.enqueue(key));
    runs.set(run.uid, run);
    byKey.set(key, (byKey.get(key) ?? new Set()).add(run));
    return run;
  }

  /** Pods that had this name and are gone. */
  async function dropOthers(key: string, uid: string | undefined): Promise<number | undefined> {
    let again: number | undefined;
    const named = byKey.get(key);
    for (const run of named ?? []) {
      if (run.uid === uid) continue;
      const left = await run.vanish();
      again = left ?? again;
      if (left !== undefined) continue;
      runs.delete(run.uid);
      named?.delete(run);
    }
    if (named?.size === 0) byKey.delete(key);
    return again;
  }

  let controller: Controller | undefined;
  const informing = informer.start(stopping.signal);
  await informer.synced();
  await adopt();
  controller = runController({
    name: 'node',
    informers: [changed],
    reconcile,
    parallelism: 64,
    log,
    signal: stopping.signal,
    firstDelay: 50,
    maxDelay: 10_000,
  });
  for (const pool of blanks.values()) pool.fill();
  await registerNode(client, name, version, isolation.name, log);

  async function adopt(): Promise<void> {
    const survivors = await findSurvivors(host, isolation, runFolder);
    for (const pod of informer.list()) {
      if (!mine(pod)) continue;
      const run = newRun(pod);
      const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
      for (const container of run.containers) {
        const status = statuses.find(({ name }) => name === container.spec.name);
        const hasBegun = [status?.state, status?.lastState].some(
          (state) => state?.running !== undefined || state?.terminated !== undefined,
        );
        container.adopt(await survivors.of(pod, container.slot, hasBegun), status, isFinished(pod));
      }
    }
    table.adopted();
    await survivors.sweep();
  }

  return {
    isolation: { name: isolation.name, description: isolation.description, warnings: isolation.warnings },
    log: (pod, request) => podLog(pod as Pod, runs.get(pod.metadata.uid ?? ''), request),
    streams: podStreams(
      (uid) => runs.get(uid),
      (id) => table.attach(id),
    ),
    phases() {
      const counts = new Map<string, number>();
      for (const pod of informer.list().filter(mine)) {
        const phase = pod.status?.phase ?? 'Pending';
        counts.set(phase, (counts.get(phase) ?? 0) + 1);
      }
      return counts;
    },
    async stop() {
      stopping.abort();
      await controller?.done;
      await informing;
      await Promise.all([...blanks.values()].map((pool) => pool.close()));
      await recorder.flush();
      memory.close();
      isolation.close();
      table.close();
    },
    async endPods(graceMs) {
      const deadline = Date.now() + graceMs;
      // Again each time: a pod may have been created a moment ago, and this node has only now heard of it.
      const endAll = (): void => {
        for (const run of runs.values()) run.end(Math.max(0, deadline - Date.now()));
      };
      for (endAll(); [...runs.values()].some((run) => run.isAlive); endAll()) await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
}

/** Something that the pod's node has to do with: not labels, not who holds the object, and not what it says of the pod itself. */
function isNews({ object, old }: Change<Pod>, isTelling: boolean): boolean {
  if (!old || object.metadata.uid !== old.metadata.uid || object.spec !== old.spec) return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata;
  if (deletionTimestamp !== old.metadata.deletionTimestamp || deletionGracePeriodSeconds !== old.metadata.deletionGracePeriodSeconds)
    return true;
  return object.status !== old.status && !isTelling;
}
