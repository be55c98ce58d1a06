/**
 * What quotas allow: before an object is stored it is asked for, one at a time in a namespace, so that two who come at once do not
 * both get the last of something. What is used is counted from what is stored, so that nothing can be lost or be counted twice.
 */
import { objectOf } from '../api/rows.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { ResourceQuota } from '../../resources/builtin/quota.ts';
import type { Store } from '../storage/store.ts';
import { amountOf, amountText, plus } from './amounts.ts';
import { isCounted, resourcesOf, unspecified, usageOf, used } from './usage.ts';

const quotas = 'resourcequotas';

export class QuotaLedger {
  readonly #store: Store;
  /** Namespaces in which there has been a quota: the others are never looked at. */
  readonly #limited = new Set<string>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #stop: () => void;
  readonly #known: Promise<void>;

  constructor(store: Store) {
    this.#store = store;
    this.#stop = store.subscribe((changes) => {
      for (const { row } of changes) if (row.resource === quotas) this.#limited.add(row.namespace);
    });
    this.#known = store.list({ resource: quotas }).then(
      ({ rows }) => rows.forEach(({ namespace }) => this.#limited.add(namespace)),
      () => {},
    );
  }

  close(): void {
    this.#stop();
  }

  /** Does `write` if all quotas of the namespace allow the object. @throws the refusal that `refuse` makes of a sentence. */
  async within<T>(
    namespace: string,
    resource: string,
    object: KubeObject,
    refuse: (why: string) => Error,
    write: () => Promise<T>,
  ): Promise<T> {
    await this.#known;
    if (!this.#limited.has(namespace)) return write();
    const before = this.#turns.get(namespace) ?? Promise.resolve();
    const turn = before.then(async () => {
      const why = await this.#refusal(namespace, resource, object);
      if (why !== undefined) throw refuse(why);
      return write();
    });
    const settled = turn.catch(() => {});
    this.#turns.set(namespace, settled);
    void settled.then(() => this.#turns.get(namespace) === settled && this.#turns.delete(namespace));
    return turn;
  }

  async #refusal(namespace: string, resource: string, object: KubeObject): Promise<string | undefined> {
    const { rows } = await this.#store.list({ resource: quotas, namespace });
    for (const quota of rows.map(({ text }) => JSON.parse(text) as ResourceQuota)) {
      if (quota.metadata.deletionTimestamp !== undefined || !isCounted(quota, resource, object)) continue;
      const missing = resource === 'pods' ? unspecified(quota, object as Pod) : '';
      if (missing !== '') return `failed quota: ${quota.metadata.name}: must specify ${missing}`;
      const wanted = usageOf(resource, object);
      const { hard = {} } = quota.spec ?? {};
      const limited = Object.keys(hard).filter((name) => (wanted[name]?.value ?? 0) > 0);
      if (limited.length === 0) continue;
      const taken = used(quota, await objectsOf(this.#store, namespace, quota));
      const over = limited
        .filter((name) => plus(taken[name] as never, wanted[name] as never).value > amountOf(hard[name] as string).value + 1e-9)
        .toSorted();
      if (over.length === 0) continue;
      const said = (what: (name: string) => string): string => over.map((name) => `${name}=${what(name)}`).join(',');
      return [
        `exceeded quota: ${quota.metadata.name}`,
        `requested: ${said((name) => amountText(wanted[name] as never))}`,
        `used: ${said((name) => amountText(taken[name] as never))}`,
        `limited: ${said((name) => String(hard[name]))}`,
      ].join(', ');
    }
    return undefined;
  }
}

/** All objects of the namespace that the quota counts, by resource. */
export async function objectsOf(
  store: Store,
  namespace: string,
  quota: ResourceQuota,
): Promise<ReadonlyMap<string, readonly KubeObject[]>> {
  const found = new Map<string, readonly KubeObject[]>();
  for (const resource of resourcesOf(quota)) {
    const { rows } = await store.list({ resource, namespace });
    const isRead = resource === 'pods' || resource === 'persistentvolumeclaims';
    // Of others their number is enough.
    found.set(
      resource,
      rows.map((row) => (isRead ? objectOf(row) : nothing)),
    );
  }
  return found;
}

const nothing: KubeObject = { apiVersion: '', kind: '', metadata: { name: '' } };
