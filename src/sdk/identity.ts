/**
 * Who the code in this pod is, where its function declares `permissions`. The platform sets it before it loads the code, and
 * `tsumugi/client` reads it; other code has no identity.
 */
export interface Identity {
  readonly namespace: string;
  readonly gateway: string;
  readonly platform: Listener;
  /** The Kubernetes API. */
  readonly kubernetes: Listener;
  /** A token that is valid now (the platform renews it), for this listener alone; undefined: the code has no right there. */
  token(of: 'gateway' | 'platform' | 'kubernetes'): string | undefined;
}

export interface Listener {
  /** Without a slash at the end. */
  readonly url: string;
  /** PEM: what to trust there; absent: what the system trusts. */
  readonly ca?: string;
}

const key = Symbol.for('tsumugi.identity');

export function setIdentity(identity: Identity | undefined): void {
  (globalThis as { [key: symbol]: Identity | undefined })[key] = identity;
}

/** Undefined outside of a pod, and in one whose function declares no permissions. */
export function ownIdentity(): Identity | undefined {
  return (globalThis as { [key: symbol]: Identity | undefined })[key];
}
