import { systemClock } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import type { DeleteOptions } from '../../kube/client.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import { servedKinds } from '../../resources/kinds.ts';
import { isAlreadyExists } from '../../resources/object.ts';
import type { KubeObject } from '../../resources/object.ts';
import { QuotaLedger } from '../quota/ledger.ts';
import type { Store, StoredRow, Texts } from '../storage/store.ts';
import { applyConfig } from './applying.ts';
import type { AppliedRow, ApplyCall } from './applying.ts';
import { accountTokens, issuer } from './account-tokens.ts';
import { admin, byRules, denied } from './authorize.ts';
import type { Authorizer, User, Verb } from './authorize.ts';
import { apiVersionOf } from './core.ts';
import type { Call, Core } from './core.ts';
import { create } from './creating.ts';
import type { WriteCall } from './creating.ts';
import { newAccountKey } from './pki.ts';
import { answer } from './questions.ts';
import { remove, removeCollection } from './deleting.ts';
import type { DeleteAnswer } from './deleting.ts';
import { patch } from './patching.ts';
import type { PatchBody } from './patching.ts';
import { expireEvents } from './event-expiry.ts';
import { get, list, texts } from './reading.ts';
import type { ListCall, Page } from './reading.ts';
import { reportingStore } from './reporting-store.ts';
import { objectOf } from './rows.ts';
import { methodNotAllowed } from './status.ts';
import { protectedNamespaces } from './strategy.ts';
import { update } from './updating.ts';
import type { Updated } from './updating.ts';
import { watch } from './watching.ts';
import type { Batch, Offer, WatchCall } from './watching.ts';
import { WatchHub } from './watch-hub.ts';

export interface ApiServerOptions {
  readonly store: Store;
  readonly kinds?: readonly KindDefinition[];
  readonly clock?: Clock;
  readonly authorize?: Authorizer;
  /** The only node of this cluster: new pods are on it from the start. Default: nobody places them. */
  readonly node?: string | undefined;
  /** Signs the tokens of ServiceAccounts: PEM. Default: one of this server's life. */
  readonly accountKey?: string;
}

/**
 * The verbs of the Kubernetes API over a store, without any transport: HTTP and the in-process client are two callers.
 * Every verb passes `authorize` first. Every failure is an ApiError.
 */
export class ApiServer {
  readonly kinds: readonly KindDefinition[];
  readonly #core: Core;
  readonly #byPath: ReadonlyMap<string, KindDefinition>;

  constructor({
    store,
    kinds = servedKinds,
    clock = systemClock,
    authorize = byRules,
    accountKey = newAccountKey(),
    node,
  }: ApiServerOptions) {
    this.kinds = kinds;
    const told = reportingStore(store);
    this.#core = {
      store: told,
      kinds,
      clock,
      authorize,
      hub: new WatchHub(store),
      quotas: new QuotaLedger(told),
      tokens: accountTokens({ store: told, clock, key: accountKey }),
      node,
    };
    this.#byPath = new Map(kinds.map((kind) => [`${apiVersionOf(kind)}/${kind.plural}`, kind]));
  }

  /** Makes the namespaces that are always there. To be awaited before the first request. */
  async start(): Promise<void> {
    const kind = this.kindOf({ group: '', version: 'v1', plural: 'namespaces' });
    if (!kind) return;
    for (const name of protectedNamespaces) {
      const call: Call = { user: admin, kind, namespace: '', name: '', subresource: '', warn: () => {} };
      await this.create(call, { metadata: { name } }, { fieldManager: 'tsumugi' }).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
    }
  }

  kindOf(resource: { readonly group: string; readonly version: string; readonly plural: string }): KindDefinition | undefined {
    return this.#byPath.get(`${apiVersionOf(resource)}/${resource.plural}`);
  }

  /** All objects that name one of these uids as an owner, in any namespace and of any kind. */
  async dependents(ownerUids: readonly string[]): Promise<readonly KubeObject[]> {
    return (await this.#core.store.dependents(ownerUids)).map((row) => objectOf(row));
  }

  /** Forgets events that are older than an hour; to be called now and then. Resolves with how many. */
  expireEvents(): Promise<number> {
    return expireEvents(this.#core);
  }

  /** The version that a list would have now. */
  revision(): number {
    return this.#core.store.revision();
  }

  /** Open watches by resource, those in process too. */
  watches(): ReadonlyMap<string, number> {
    return this.#core.hub.counts();
  }

  /** Whose token of a ServiceAccount this is; undefined: nobody's. */
  async authenticate(token: string): Promise<User | undefined> {
    return (await this.#core.tokens.authenticate(token, [issuer]))?.user;
  }

  now(): number {
    return this.#core.clock.now();
  }

  async get(call: Call, resourceVersion?: string): Promise<StoredRow> {
    this.authorize(call, 'get');
    return get(this.#core, call, resourceVersion);
  }

  async list(call: Call, options: ListCall): Promise<Page> {
    this.authorize(call, 'list');
    return list(this.#core, call, options);
  }

  /** See `reading.ts`. */
  async texts(call: Call, options: ListCall, cut: number, between: string): Promise<Texts | undefined> {
    this.authorize(call, 'list');
    return texts(this.#core, call, options, cut, between);
  }

  /** Batches of events. Ends on time-out, abort and close; throws ApiError (410: list again). */
  watch(call: Call, options: WatchCall, offer?: Offer): AsyncGenerator<Batch, void, void> {
    this.authorize(call, 'watch');
    return watch(this.#core, call, options, offer);
  }

  async create(call: Call, sent: unknown, options: WriteCall): Promise<StoredRow> {
    this.authorize(call, 'create');
    return (await answer(this.#core, call, sent, options)) ?? create(this.#core, call, sent, options);
  }

  async update(call: Call, sent: unknown, options: WriteCall): Promise<Updated> {
    this.authorize(call, 'update');
    return update(this.#core, call, sent, options, () => this.authorize(call, 'create'));
  }

  async patch(call: Call, body: PatchBody, options: WriteCall): Promise<StoredRow> {
    this.authorize(call, 'patch');
    return patch(this.#core, call, body, options);
  }

  /** Server-side apply: creates the object, or makes it what the configuration says. */
  async apply(call: Call, config: object, options: ApplyCall): Promise<AppliedRow> {
    this.authorize(call, 'patch');
    return applyConfig(this.#core, call, config, options, () => this.authorize(call, 'create'));
  }

  async delete(call: Call, options: DeleteOptions): Promise<DeleteAnswer> {
    this.authorize(call, 'delete');
    return remove(this.#core, call, options);
  }

  async deleteCollection(call: Call, select: ListCall, options: DeleteOptions): Promise<Page> {
    this.authorize(call, 'deletecollection');
    return removeCollection(this.#core, call, select, options);
  }

  /** Throws Forbidden; MethodNotAllowed for what nobody may do with this kind. */
  authorize({ user, kind, subresource, namespace, name }: Call, verb: Verb): void {
    if (kind.verbs && !kind.verbs.includes(verb)) throw methodNotAllowed();
    const plural = subresource ? `${kind.plural}/${subresource}` : kind.plural;
    if (!this.#core.authorize(user, verb, { group: kind.group, plural }, namespace, name))
      throw denied(user, verb, kind, subresource, namespace, name);
  }

  /** Ends every watch. */
  close(): void {
    this.#core.hub.close();
    this.#core.quotas.close();
  }
}
