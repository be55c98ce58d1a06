/** What every verb works with. */
import type { Clock } from '../../base/clock.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { QuotaLedger } from '../quota/ledger.ts';
import type { Store, StoreKey } from '../storage/store.ts';
import type { AccountTokens } from './account-tokens.ts';
import type { Authorizer, User } from './authorize.ts';
import { qualified } from './status.ts';
import type { WatchHub } from './watch-hub.ts';

export interface Core {
  readonly store: Store;
  readonly clock: Clock;
  readonly kinds: readonly KindDefinition[];
  readonly hub: WatchHub;
  readonly authorize: Authorizer;
  readonly tokens: AccountTokens;
  readonly quotas: QuotaLedger;
  /** Where new pods go; undefined: nobody places them. */
  readonly node: string | undefined;
}

/** One request, after routing: who asks for what. */
export interface Call {
  readonly user: User;
  readonly kind: KindDefinition;
  /** '' for cluster-scoped kinds, and for all namespaces. */
  readonly namespace: string;
  /** '' for collections. */
  readonly name: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** Gets the texts of `Warning` headers. */
  readonly warn: (text: string) => void;
}

export const keyOf = (call: Call, name = call.name): StoreKey => ({ resource: qualified(call.kind), namespace: call.namespace, name });

export const apiVersionOf = (kind: { readonly group: string; readonly version: string }): string =>
  kind.group ? `${kind.group}/${kind.version}` : kind.version;

/** Seconds since 1970 as metav1.Time writes them. */
export const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
