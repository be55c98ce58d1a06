/** Where an API server is and how to show who we are: what `kubeconfig.ts` finds and the HTTP driver needs. */

/** What shows who we are; all absent: anonymous. */
export interface Credentials {
  readonly token?: string;
  /** PEM. */
  readonly certificate?: string;
  readonly key?: string;
  readonly username?: string;
  readonly password?: string;
}

export interface Connection {
  /** `https://127.0.0.1:6440`, without a slash at the end. */
  readonly server: string;
  /** Certificates to trust, PEM; absent: the system's. */
  readonly ca?: string;
  /** The name that the server's certificate is checked for, when it is not the URL's. */
  readonly serverName?: string;
  readonly insecure?: boolean;
  /** Namespace where none is given. */
  readonly namespace: string;
  /** What the cluster's entry of the kubeconfig says beyond Kubernetes, by name. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** For messages: `context "dev" of ~/.kube/config`. */
  readonly from: string;
  /** `refused`: the server did not accept the last ones (401), so cached ones must be made anew. */
  readonly credentials: (refused?: boolean) => Promise<Credentials>;
}
