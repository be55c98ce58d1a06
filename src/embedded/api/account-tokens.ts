/** Tokens of ServiceAccounts: JWTs of our own signer, worth something as long as the account (and the pod they are bound to) is there. */
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign, verify } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { KubeObject } from '../../resources/object.ts';
import { isMapping } from '../../resources/resolve.ts';
import type { Store } from '../storage/store.ts';
import { accountRights } from './account-rights.ts';
import type { User } from './authorize.ts';

/** Who signs, and the audience of tokens for the API itself. */
export const issuer = 'https://kubernetes.default.svc.cluster.local';

interface Named {
  readonly name: string;
  readonly uid: string;
}

/** What a token says of itself; a bound object stands under its kind in lower case. */
interface Claims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly iss: string;
  readonly jti: string;
  readonly 'kubernetes.io': { readonly namespace: string; readonly serviceaccount: Named } & Readonly<Partial<Record<Bound, Named>>>;
  readonly nbf: number;
  readonly sub: string;
}

/** Kinds that a token can be bound to, and where they are stored. */
export const boundResources = { pod: 'pods', secret: 'secrets', node: 'nodes' } as const;
export type Bound = keyof typeof boundResources;

export interface TokenWish {
  readonly account: KubeObject;
  readonly audiences: readonly string[];
  readonly seconds: number;
  readonly bound?: { readonly kind: Bound; readonly object: KubeObject };
}

export interface AccountTokens {
  issue(wish: TokenWish): { readonly token: string; readonly expires: number };
  /** Whose token it is, and which of these audiences it is for; undefined: it is none, is over, or its account is gone. */
  authenticate(
    token: string,
    audiences: readonly string[],
  ): Promise<{ readonly user: User; readonly audiences: readonly string[] } | undefined>;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const named = ({ metadata }: KubeObject): Named => ({ name: metadata.name, uid: metadata.uid ?? '' });

/** `key`: a private key of the curve P-256, PEM. */
export function accountTokens({ store, clock, key }: { store: Store; clock: Clock; key: string }): AccountTokens {
  const privateKey = createPrivateKey(key);
  const publicKey = createPublicKey(privateKey);
  const kid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  const form = { dsaEncoding: 'ieee-p1363' } as const;

  /** The claims of a token that we have signed, whatever they say. */
  function read(token: string): Claims | undefined {
    const [head = '', body = '', signature = '', ...more] = token.split('.');
    if (more.length > 0 || signature === '') return undefined;
    if (!verify('sha256', Buffer.from(`${head}.${body}`), { key: publicKey, ...form }, Buffer.from(signature, 'base64url')))
      return undefined;
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as unknown;
    return isMapping(claims) && claims['iss'] === issuer ? (claims as unknown as Claims) : undefined;
  }

  async function isThere(resource: string, namespace: string, { name, uid }: Named): Promise<boolean> {
    const [row] = await store.get([{ resource, namespace, name }]);
    return row?.uid === uid;
  }

  return {
    issue({ account, audiences, seconds, bound }) {
      const now = Math.floor(clock.now() / 1000);
      const { namespace = '', name } = account.metadata;
      const claims: Claims = {
        aud: audiences,
        exp: now + seconds,
        iat: now,
        iss: issuer,
        jti: randomUUID(),
        'kubernetes.io': { namespace, ...(bound && { [bound.kind]: named(bound.object) }), serviceaccount: named(account) },
        nbf: now,
        sub: `system:serviceaccount:${namespace}:${name}`,
      };
      const signed = `${part({ alg: 'ES256', kid })}.${part(claims)}`;
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, ...form });
      return { token: `${signed}.${signature.toString('base64url')}`, expires: claims.exp };
    },

    async authenticate(token, audiences) {
      const claims = read(token);
      if (!claims) return undefined;
      const now = clock.now() / 1000;
      const matching = audiences.filter((audience) => claims.aud.includes(audience));
      if (claims.exp <= now || claims.nbf > now || matching.length === 0) return undefined;
      const { namespace, serviceaccount, ...bound } = claims['kubernetes.io'];
      if (!(await isThere('serviceaccounts', namespace, serviceaccount))) return undefined;
      for (const kind of Object.keys(boundResources) as Bound[]) {
        const object = bound[kind];
        if (object && !(await isThere(boundResources[kind], kind === 'node' ? '' : namespace, object))) return undefined;
      }
      const rights = await accountRights(store, namespace, serviceaccount.name);
      return { user: { ...userOf(claims), ...(rights && { rights }) }, audiences: matching };
    },
  };
}

function userOf({ sub, jti, 'kubernetes.io': { namespace, serviceaccount, pod, node } }: Claims): User {
  const known = (name: string, value: string): object => ({ [`authentication.kubernetes.io/${name}`]: [value] });
  return {
    name: sub,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: {
      ...known('credential-id', `JTI=${jti}`),
      ...(node && { ...known('node-name', node.name), ...known('node-uid', node.uid) }),
      ...(pod && { ...known('pod-name', pod.name), ...known('pod-uid', pod.uid) }),
    },
  };
}
