/** Tokens for user code: short-lived, by TokenRequest, each for one listener alone. */
import type { KubeClient } from '../../kube/client.ts';
import type { TokenRequest } from '../../resources/builtin/reviews.ts';
import { isNotFound, type KubeObject } from '../../resources/object.ts';
import { accountName, type AccountOwner, permissionsOf, type Permissions } from '../../resources/permissions.ts';
import { serviceAccounts } from '../../resources/resources.ts';
import type { Identity, Tokens } from '../../wire/protocol.ts';
import type { Accounts } from './accounts.ts';

/** Of tokens that the platform API takes. */
export const platformAudience = 'tsumugi';
/** Of tokens that gateways take. */
export const gatewayAudience = 'tsumugi/gateway';
export const audiences = { platform: platformAudience, gateway: gatewayAudience } as const;

/** How user code reaches those who take its tokens. */
export type Endpoints = Pick<Identity, 'platform' | 'kubernetes'>;

export interface IssuerOptions {
  readonly client: KubeClient;
  readonly accounts: Accounts;
  readonly endpoints: Endpoints;
  /** Of a token. Default an hour; ten minutes at least. */
  readonly lifetimeSeconds?: number;
}

export class Issuer {
  readonly lifetimeMs: number;
  readonly #options: IssuerOptions;

  constructor(options: IssuerOptions) {
    this.#options = options;
    this.lifetimeMs = (options.lifetimeSeconds ?? 3600) * 1000;
  }

  /** What the code of this object is sent; undefined without permissions. `declared`: as the code was started with. */
  async identity(owner: KubeObject, declared: Permissions | undefined): Promise<Identity | undefined> {
    if (declared === undefined) return undefined;
    return { ...this.#options.endpoints, tokens: await this.tokens(owner, declared) };
  }

  async tokens(owner: KubeObject, { manage = [] }: Permissions): Promise<Tokens> {
    const issuedAt = Date.now();
    const [platform, gateway, kubernetes] = await Promise.all([
      this.#token(owner, [platformAudience]),
      this.#token(owner, [gatewayAudience]),
      // Without an audience it is for the API server itself.
      manage.length > 0 ? this.#token(owner, undefined) : undefined,
    ]);
    return { issuedAt, platform, gateway, ...(kubernetes !== undefined && { kubernetes }) };
  }

  async #token(owner: KubeObject, audiences: readonly string[] | undefined): Promise<string> {
    const { client, accounts } = this.#options;
    const name = accountName(owner.kind as AccountOwner, owner.metadata.name);
    const { namespace = '' } = owner.metadata;
    const ask = async (): Promise<string> => {
      const { status } = await client.create<TokenRequest>(
        serviceAccounts,
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: { name, namespace },
          spec: { expirationSeconds: this.lifetimeMs / 1000, ...(audiences && { audiences }) },
        },
        { subresource: 'token' },
      );
      return status?.token ?? '';
    };
    try {
      return await ask();
    } catch (error) {
      const permissions = permissionsOf(owner);
      if (!isNotFound(error) || !permissions) throw error;
      // Somebody took the account away, or the reconciler has not come to it yet.
      accounts.forget(owner);
      await accounts.ensure(owner, permissions);
      return ask();
    }
  }
}
