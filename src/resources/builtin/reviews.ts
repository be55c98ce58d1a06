/** What can be asked of the API: created, answered at once, never stored. */
import { ageColumn, nameColumn } from '../cells.ts';
import type { KindDefinition } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { defineBuiltin } from './define.ts';

function question<T extends KubeObject>(group: 'authentication' | 'authorization', kind: string): KindDefinition<T> {
  const singular = kind.toLowerCase();
  return defineBuiltin<T>(
    { group: `${group}.k8s.io`, version: 'v1', plural: `${singular}s`, kind, namespaced: false },
    { singular, verbs: ['create'], structure: { type: 'ref', ref: `${group}.v1.${kind}` }, columns: [nameColumn, ageColumn] },
  );
}

interface UserInfo {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface SelfSubjectReview extends KubeObject {
  readonly status?: { readonly userInfo?: UserInfo };
}

export interface TokenReview extends KubeObject {
  readonly spec?: { readonly token?: string; readonly audiences?: readonly string[] };
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: UserInfo;
    readonly audiences?: readonly string[];
    readonly error?: string;
  };
}

export interface SelfSubjectAccessReview extends KubeObject {
  readonly spec?: {
    readonly resourceAttributes?: {
      readonly namespace?: string;
      readonly verb?: string;
      readonly group?: string;
      readonly version?: string;
      readonly resource?: string;
      readonly subresource?: string;
      readonly name?: string;
    };
    readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
  };
  readonly status?: { readonly allowed: boolean };
}

export interface SelfSubjectRulesReview extends KubeObject {
  readonly spec?: { readonly namespace?: string };
  readonly status?: {
    readonly resourceRules: readonly object[];
    readonly nonResourceRules: readonly object[];
    readonly incomplete: boolean;
  };
}

/** Asked of `serviceaccounts/NAME/token`. */
export interface TokenRequest extends KubeObject {
  readonly spec: {
    /** Who shall take the token; none: the API itself. */
    readonly audiences?: readonly string[];
    readonly expirationSeconds?: number;
    /** The token ends with this object. */
    readonly boundObjectRef?: {
      readonly apiVersion?: string;
      readonly kind?: string;
      readonly name?: string;
      readonly uid?: string;
    } | null;
  };
  readonly status?: { readonly token: string; readonly expirationTimestamp: string };
}

export const selfSubjectReviewKind = question<SelfSubjectReview>('authentication', 'SelfSubjectReview');
export const tokenReviewKind = question<TokenReview>('authentication', 'TokenReview');
export const selfSubjectAccessReviewKind = question<SelfSubjectAccessReview>('authorization', 'SelfSubjectAccessReview');
export const selfSubjectRulesReviewKind = question<SelfSubjectRulesReview>('authorization', 'SelfSubjectRulesReview');
/** Not a resource of its own: what the subresource `token` of a ServiceAccount takes and answers. */
export const tokenRequestKind: KindDefinition<TokenRequest> = {
  ...question<TokenRequest>('authentication', 'TokenRequest'),
  namespaced: true,
  defaulting: (request) => ({ ...request, spec: { expirationSeconds: 3600, ...request.spec } }),
};

export const reviewKinds: readonly KindDefinition[] = [
  selfSubjectReviewKind,
  tokenReviewKind,
  selfSubjectAccessReviewKind,
  selfSubjectRulesReviewKind,
];
