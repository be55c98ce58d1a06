/** Whose token it is that somebody shows: asked of the API server, and known for a moment. */
import { getIfThere } from '../../kube/get.ts';
import { createHash } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import { type KubeObject, type Resource } from '../../resources/object.ts';
import { type TokenReview } from '../../resources/builtin/reviews.ts';
import { ownerOfAccount, type Permissions, permissionsOf } from '../../resources/permissions.ts';
import { functions, jobDefinitions, serviceAccounts, tokenReviews } from '../../resources/resources.ts';

/** A ServiceAccount that has shown a token. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
  /** What its owner declares; undefined: it is no account of user code. */
  readonly permissions?: Permissions;
}

/** How long an answer counts: so long a token may be worth something after it was taken away. */
const knownMs = 10_000;
/** A wrong token tried again and again asks the API server this often at most. */
const maxKnown = 10_000;

/** Kinds whose objects own accounts. */
const ownerResources: Readonly<Record<string, Resource>> = { Function: functions, JobDefinition: jobDefinitions };

export class Callers {
  readonly #client: KubeClient;
  readonly #audience: string;
  readonly #known = new Map<string, { readonly account: Promise<Account | undefined>; readonly until: number }>();

  /** Tokens must be for this audience. */
  constructor(client: KubeClient, audience: string) {
    this.#client = client;
    this.#audience = audience;
  }

  /** Undefined: it is nobody's, is over, or is for somebody else. Rejects when the API server cannot be asked. */
  authenticate(token: string): Promise<Account | undefined> {
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return Promise.resolve(undefined);
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#known.get(key);
    if (known && known.until > Date.now()) return known.account;
    // The oldest stand first.
    for (const [old, { until }] of this.#known) {
      if (until > Date.now() && this.#known.size < maxKnown) break;
      this.#known.delete(old);
    }
    const account = this.#ask(token);
    this.#known.delete(key);
    this.#known.set(key, { account, until: Date.now() + knownMs });
    account.catch(() => this.#known.delete(key));
    return account;
  }

  async #ask(token: string): Promise<Account | undefined> {
    const { status } = await this.#client.create<TokenReview>(tokenReviews, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: { name: '' },
      spec: { token, audiences: [this.#audience] },
    });
    // One that does not know of audiences leaves them out: then the token may be for anybody.
    if (status?.authenticated !== true || !status.audiences?.includes(this.#audience)) return undefined;
    const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(status.user?.username ?? '') ?? [];
    if (namespace === undefined || name === undefined) return undefined;
    const permissions = await this.#permissions(namespace, name, status.user?.uid);
    return { namespace, name, ...(permissions && { permissions }) };
  }

  async #permissions(namespace: string, name: string, uid: string | undefined): Promise<Permissions | undefined> {
    const account = await this.#find(serviceAccounts, namespace, name);
    const owner = account && account.metadata.uid === uid ? ownerOfAccount(account) : undefined;
    const resource = owner && ownerResources[owner.kind];
    if (!resource) return undefined;
    const object = await this.#find(resource, namespace, owner.name);
    return object?.metadata.uid === owner.uid ? permissionsOf(object) : undefined;
  }

  async #find(resource: Resource, namespace: string, name: string): Promise<KubeObject | undefined> {
    return getIfThere(this.#client, resource, { namespace, name });
  }
}
