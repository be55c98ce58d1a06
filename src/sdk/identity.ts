/**
 * Who the code in this pod is, where its function declares `permissions`. The platform sets it before it loads the code, and
 * `tsumugi/client` reads it; other code has no identity.
 */
export interface Identity {
  /** The Kubernetes API, without a slash at the end. */
  readonly api: string;
  /** The platform API, likewise. */
  readonly platform: string;
  readonly gateway: string;
  readonly namespace: string;
  /** PEM: what to trust at all of them; absent: what the system trusts. */
  readonly ca?: string;
  /** A token that is valid now: the platform renews it. */
  token(): string;
}

const key = Symbol.for('tsumugi.identity');

export function setIdentity(identity: Identity | undefined): void {
  (globalThis as { [key: symbol]: Identity | undefined })[key] = identity;
}

/** Undefined outside of a pod, and in one whose function declares no permissions. */
export function ownIdentity(): Identity | undefined {
  return (globalThis as { [key: symbol]: Identity | undefined })[key];
}
