/**
 * The pods that Jobs look after: those that are not counted yet. Kept from the store's own changes, which are told before whoever
 * made them hears of it: what this controller has done it sees at once, so that it never does it twice.
 */
import { toError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { KeySource } from '../../../kube/reconcile.ts';
import { controllerUidLabel, type Job, jobNameLabel } from '../../../resources/builtin/job/types.ts';
import type { Pod } from '../../../resources/builtin/pod-types.ts';
import { selects } from '../../../resources/label-selector.ts';
import { jobs, pods } from '../../../resources/resources.ts';
import type { Change, Store, StoredRow } from '../../storage/store.ts';
import { objectOf } from '../../api/rows.ts';
import { resourceName, rowsOf } from '../objects.ts';
import { trackingFinalizer } from './names.ts';
import { controllerOf, hasEnded, isJobReference, isTracked } from './pod-state.ts';

type Labels = Readonly<Record<string, string>>;

const podResource = resourceName(pods);
const jobResource = resourceName(jobs);

/** A pod without a controller that still has the finalizer. */
const strayPrefix = 'pod ';
export const strayOf = (key: string): { namespace: string; name: string } | undefined => {
  if (!key.startsWith(strayPrefix)) return undefined;
  const [namespace = '', name = ''] = key.slice(strayPrefix.length).split('/');
  return { namespace, name };
};

const keyOf = ({ namespace, name }: Pick<StoredRow, 'namespace' | 'name'>): string => `${namespace}/${name}`;

export class JobPods implements KeySource {
  /** By `namespace/name` of the Job that they name as their controller, then by their own name. */
  readonly #owned = new Map<string, Map<string, Pod>>();
  /** Of each pod in there whose it is. */
  readonly #ownerOf = new Map<string, string>();
  /** Pods without a controller: by namespace, then by name. */
  readonly #loose = new Map<string, Map<string, Labels>>();
  /** Jobs that choose their pods by labels of the user's own: by namespace. */
  readonly #choosing = new Map<string, Set<string>>();
  readonly #jobs = new Set<string>();
  readonly #listeners = new Set<(key: string) => void>();
  readonly #loaded: Promise<void>;
  readonly #stop: () => void;
  /** While the first look goes on: what it must not put back. Revisions by key. */
  #seen: Map<string, number> | undefined = new Map();

  constructor(store: Store, signal: AbortSignal, log: Log) {
    this.#stop = store.subscribe((changes) => {
      for (const change of changes) this.#apply(change);
    });
    this.#loaded = this.#load(store, signal);
    this.#loaded.catch((error: unknown) => log.error({ error: toError(error).message }, 'the first look at Jobs and their pods failed'));
  }

  synced(): Promise<void> {
    return this.#loaded;
  }

  subscribe(enqueue: (key: string) => void): () => void {
    this.#listeners.add(enqueue);
    for (const key of [...this.#jobs, ...this.#owned.keys()]) enqueue(key);
    for (const [namespace, loose] of this.#loose)
      for (const [name, labels] of loose) if (labels[controllerUidLabel]) enqueue(`${strayPrefix}${namespace}/${name}`);
    return () => {
      this.#listeners.delete(enqueue);
      this.#stop();
    };
  }

  /** Those of this Job that are not counted yet, or run. */
  of({ metadata }: Job): Pod[] {
    return this.#named(metadata.namespace ?? '', metadata.name).filter((pod) => controllerOf(pod)?.uid === metadata.uid);
  }

  /** Those of Jobs that had this name and are gone; `uid`: of the one that now has it. */
  ofOthers(namespace: string, name: string, uid: string | undefined): Pod[] {
    return this.#named(namespace, name).filter((pod) => controllerOf(pod)?.uid !== uid);
  }

  /** Names of pods that this Job may adopt. */
  adoptable({ metadata, spec }: Job): string[] {
    const loose = this.#loose.get(metadata.namespace ?? '') ?? new Map<string, Labels>();
    return [...loose].filter(([, labels]) => selects(spec.selector, labels)).map(([name]) => name);
  }

  #named(namespace: string, name: string): Pod[] {
    return [...(this.#owned.get(`${namespace}/${name}`)?.values() ?? [])];
  }

  async #load(store: Store, signal: AbortSignal): Promise<void> {
    for (const kind of [jobs, pods]) {
      for await (const row of rowsOf(store, kind)) {
        if (signal.aborted) return;
        const seen = this.#seen?.get(`${row.resource} ${keyOf(row)}`) ?? 0;
        if (seen < row.revision) this.#put(row);
      }
    }
    this.#seen = undefined;
  }

  #apply({ type, row, revision }: Change): void {
    if (row.resource !== podResource && row.resource !== jobResource) return;
    this.#seen?.set(`${row.resource} ${keyOf(row)}`, revision);
    if (type === 'DELETED') this.#drop(row);
    else this.#put(row);
  }

  #put(row: StoredRow): void {
    if (row.resource === jobResource) this.#putJob(row);
    else this.#putPod(row);
  }

  #putJob(row: StoredRow): void {
    const key = keyOf(row);
    this.#jobs.add(key);
    if (row.text.includes('"manualSelector":true'))
      this.#choosing.set(row.namespace, (this.#choosing.get(row.namespace) ?? new Set()).add(key));
    this.#tell(key);
  }

  #putPod(row: StoredRow): void {
    const pod = row.index.owners.length > 0 && row.text.includes('"Job"') ? objectOf<Pod>(row) : undefined;
    const owner = pod && controllerOf(pod);
    const key = keyOf(row);
    const before = this.#ownerOf.get(key);
    if (pod && isJobReference(owner)) {
      const jobKey = `${row.namespace}/${owner.name}`;
      if (before !== jobKey) this.#forget(key);
      this.#keepLoose(row, undefined);
      if (hasEnded(pod) && !isTracked(pod)) this.#forget(key);
      else {
        this.#ownerOf.set(key, jobKey);
        this.#owned.set(jobKey, (this.#owned.get(jobKey) ?? new Map<string, Pod>()).set(row.name, pod));
      }
      this.#tell(jobKey);
    } else {
      this.#forget(key);
      this.#keepLoose(row, pod && owner ? undefined : row.index.labels);
    }
    if (before !== undefined) this.#tell(before);
  }

  /** `labels`: it has no controller. */
  #keepLoose(row: StoredRow, labels: Labels | undefined): void {
    const loose = this.#loose.get(row.namespace);
    const before = loose?.get(row.name);
    if (!labels) {
      loose?.delete(row.name);
      if (loose?.size === 0) this.#loose.delete(row.namespace);
      return;
    }
    if (loose) loose.set(row.name, labels);
    else this.#loose.set(row.namespace, new Map([[row.name, labels]]));
    if (row.text.includes(trackingFinalizer)) this.#tell(`${strayPrefix}${keyOf(row)}`);
    if (before === labels) return;
    if (labels[jobNameLabel]) this.#tell(`${row.namespace}/${labels[jobNameLabel]}`);
    for (const key of this.#choosing.get(row.namespace) ?? []) this.#tell(key);
  }

  #drop(row: StoredRow): void {
    const key = keyOf(row);
    if (row.resource === jobResource) {
      this.#jobs.delete(key);
      this.#choosing.get(row.namespace)?.delete(key);
      if (this.#choosing.get(row.namespace)?.size === 0) this.#choosing.delete(row.namespace);
      this.#tell(key);
      return;
    }
    const owner = this.#ownerOf.get(key);
    this.#forget(key);
    this.#keepLoose(row, undefined);
    if (owner !== undefined) this.#tell(owner);
  }

  #forget(key: string): void {
    const owner = this.#ownerOf.get(key);
    if (owner === undefined) return;
    this.#ownerOf.delete(key);
    const held = this.#owned.get(owner);
    held?.delete(key.slice(key.indexOf('/') + 1));
    if (held?.size === 0) this.#owned.delete(owner);
  }

  #tell(key: string): void {
    for (const listener of this.#listeners) listener(key);
  }
}
