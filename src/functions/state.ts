/** The informers of this part, with their indexes, and the questions that several of its members ask. */
import { getIfThere } from '../kube/get.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { functions, pods, revisions, routes, runtimes } from '../resources/resources.ts';
import { TsumugiError } from '../base/errors.ts';
import { hasEnded } from './fleet/member.ts';
import { defaults, isOwnedBy, label, revisionNumber } from './model/names.ts';
import { isInTrouble, isOverlooked, runtimeTrouble } from './model/pod-trouble.ts';
import { poolKeyOfPod, poolOf } from './model/pools.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import type { FunctionResource } from '../resources/function.ts';
import type { RevisionResource } from '../resources/revision.ts';
import type { RouteResource } from '../resources/route.ts';
import type { RuntimeResource } from '../resources/runtime.ts';
import type { ScalePolicy } from './reconcile/scale.ts';

export class FunctionsState {
  readonly functions: Informer<FunctionResource>;
  readonly revisions: Informer<RevisionResource>;
  readonly runtimes: Informer<RuntimeResource>;
  readonly routes: Informer<RouteResource>;
  /** Those of pools, specialised ones too. */
  readonly pods: Informer<Pod>;
  readonly #client: KubeClient;
  /** `namespace/name` of a function -> the revision with its traffic, and since when. */
  readonly #moved = new Map<string, { readonly revision: string | undefined; readonly at: number }>();

  constructor(client: KubeClient, log: Log) {
    this.#client = client;
    this.functions = new Informer<FunctionResource>(client, functions, {
      log,
      indexes: {
        pool: (object) => [poolOf(object).key],
        runtime: ({ spec }) => [spec.runtime ?? defaults.runtime],
        namespace: ({ metadata }) => [metadata.namespace ?? ''],
        min: ({ spec }) => ((spec.scale?.min ?? 0) > 0 ? ['set'] : []),
      },
    });
    this.revisions = new Informer<RevisionResource>(client, revisions, {
      log,
      indexes: {
        function: ({ metadata, spec }) => [`${metadata.namespace}/${spec.function}`],
        uid: ({ metadata }) => [metadata.uid ?? ''],
        pool: (object) => [poolOf(object).key],
      },
    });
    this.runtimes = new Informer<RuntimeResource>(client, runtimes, { log });
    this.routes = new Informer<RouteResource>(client, routes, {
      log,
      indexes: { function: ({ metadata, spec }) => [`${metadata.namespace}/${spec.backend.function ?? ''}`] },
    });
    this.pods = new Informer<Pod>(client, pods, {
      log,
      labelSelector: label.runtime,
      indexes: {
        // Instances are no part of a pool any more: of them there may be many.
        pool: (pod) => (pod.metadata.labels?.[label.revision] && !hasEnded(pod) ? [] : [poolKeyOfPod(pod)]),
        runtime: ({ metadata }) => [metadata.labels?.[label.runtime] ?? ''],
        trouble: (pod) => (isInTrouble(pod) ? [pod.metadata.labels?.[label.runtime] ?? ''] : []),
        unbound: ({ spec }) => (spec.nodeName ? [] : ['']),
        function: ({ metadata }) => (metadata.labels?.[label.function] ? [`${metadata.namespace}/${metadata.labels[label.function]}`] : []),
      },
    });
    this.functions.on(({ type, object }) => {
      const key = `${object.metadata.namespace}/${object.metadata.name}`;
      const revision = object.status?.latestReadyRevision;
      if (type === 'deleted') this.#moved.delete(key);
      else if (!this.#moved.has(key) || this.#moved.get(key)?.revision !== revision) this.#moved.set(key, { revision, at: Date.now() });
    });
  }

  /** Starts all, and resolves when all show the present state. */
  async start(signal: AbortSignal): Promise<{ readonly stopped: Promise<unknown> }> {
    const all = [this.functions, this.revisions, this.runtimes, this.routes, this.pods];
    const stopped = Promise.all(all.map((informer) => informer.start(signal)));
    await Promise.all(all.map((informer) => informer.synced()));
    return { stopped };
  }

  readonly revisionByUid = (uid: string): RevisionResource | undefined => this.revisions.byIndex('uid', uid)[0];

  /** The cache, or the API server where that is behind. Rejects with NotFound. */
  async revision({
    revisionUid,
    namespace,
    revision,
  }: {
    revisionUid: string;
    namespace: string;
    revision: string;
  }): Promise<RevisionResource> {
    const known = this.revisionByUid(revisionUid);
    if (known) return known;
    const found = await getIfThere<RevisionResource>(this.#client, revisions, { namespace, name: revision });
    if (found?.metadata.uid === revisionUid) return found;
    throw new TsumugiError('NotFound', `revision "${revision}" does not exist any more in namespace ${namespace}`);
  }

  /** The function of a revision, while it lives. */
  functionOf(revision: RevisionResource): FunctionResource | undefined {
    const object = this.functions.get(`${revision.metadata.namespace}/${revision.spec.function}`);
    return object && isOwnedBy(revision, object) && !object.metadata.deletionTimestamp ? object : undefined;
  }

  /** False while the API server is away, and until Kubernetes starts pods again after that: what cannot be replaced stays. */
  readonly canMakePods = (): boolean =>
    this.pods.isCurrent && !this.pods.byIndex('unbound', '').some((pod) => isOverlooked(pod, Date.now()));

  readonly maxInstances = (revision: RevisionResource): number => this.functionOf(revision)?.spec.scale?.max ?? defaults.maxInstances;

  /** Why no pod can come for such a revision; undefined while one may. */
  readonly whyNoPods = ({ runtime, image }: { readonly runtime: string; readonly image?: string }): string | undefined => {
    const object = this.runtimes.get(runtime);
    if (!object) return `Runtime "${runtime}" does not exist`;
    if (image !== undefined) return undefined;
    return runtimeTrouble(object);
  };

  readonly scalePolicy = (revision: RevisionResource): ScalePolicy | undefined => {
    const object = this.functionOf(revision);
    if (!object) return undefined;
    const { name } = object.metadata;
    const traffic = object.status?.latestReadyRevision;
    const idleSeconds =
      object.spec.scale?.idleTimeoutSeconds ??
      this.runtimes.get(revision.spec.runtime)?.spec.idleTimeoutSeconds ??
      defaults.idleTimeoutSeconds;
    const rules = { min: 0, idleMs: idleSeconds * 1000 };
    if (traffic === revision.metadata.name) return { ...rules, min: object.spec.scale?.min ?? defaults.minInstances };
    // A newer one is on trial: it is about to get the traffic.
    if (traffic === undefined || revisionNumber(name, revision.metadata.name) > revisionNumber(name, traffic)) return rules;
    return { ...rules, drainSince: this.#moved.get(`${object.metadata.namespace}/${name}`)?.at ?? 0 };
  };

  /** Revisions with traffic of functions that want instances without it. */
  *withLeastInstances(): Generator<RevisionResource> {
    for (const { metadata, status } of this.functions.byIndex('min', 'set')) {
      const revision = status?.latestReadyRevision && this.revisions.get(`${metadata.namespace}/${status.latestReadyRevision}`);
      if (revision && !metadata.deletionTimestamp) yield revision;
    }
  }
}
