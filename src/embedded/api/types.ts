/** The shape of a served embedded API; `openEmbeddedApi` in `index.ts` makes it. */
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { HistoryLimits } from '../storage/sqlite/history.ts';
import type { OnCommit } from '../storage/sqlite/commit.ts';
import type { Store } from '../storage/store.ts';
import type { ApiObserver } from './observer.ts';
import type { PodAccess } from './pod-access.ts';
import type { ApiServer } from './server.ts';

export interface EmbeddedApiOptions {
  /** The data folder: `api.db` and `pki/` in it. Made when missing. */
  readonly data: string;
  /** Where to listen. Default 127.0.0.1; port 0 or absent: any free one. */
  readonly host?: string;
  readonly port?: number;
  /** More names or addresses for the server's certificate. */
  readonly extraHosts?: readonly string[];
  /** `false`: no HTTPS listener, the in-process client alone. */
  readonly listen?: boolean;
  /** Default: all of `resources/kinds.ts`. */
  readonly kinds?: readonly KindDefinition[];
  /** Where new pods are placed: the cluster's only node. Default: nobody places them. */
  readonly node?: string;
  readonly podAccess?: PodAccess;
  readonly log?: Log;
  /** How much of the past is kept for watches that resume. */
  readonly history?: Partial<HistoryLimits>;
  /** What makes writes durable. Default: a sync of the log; a benchmark has one that waits for no disk. */
  readonly sync?: () => Promise<void>;
  /** For metrics: requests over HTTP, and commits of the store. */
  readonly observer?: ApiObserver & { readonly committed: OnCommit };
}

export interface EmbeddedApi {
  /** In-process, no HTTP; as the admin. */
  readonly client: KubeClient;
  /** The verbs themselves, with no transport. */
  readonly server: ApiServer;
  readonly store: Store;
  /** `https://127.0.0.1:6440`; empty when not listening. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
  /** The CA's certificate, PEM. */
  readonly ca: string;
  /** A kubeconfig for this server, YAML. */
  readonly kubeconfig: string;
  /** Ends watches, finishes what is in flight, closes the database. */
  close(): Promise<void>;
}
