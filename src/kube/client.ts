/**
 * The client port: speaking the Kubernetes API, whoever serves it.
 *
 * Drivers: `embedded/api/client.ts` (in process, no HTTP) and `kube/http/` (any API server, from a kubeconfig).
 * Every driver runs the contract suite `kube/client.contract.ts`. Every failure is an ApiError with the server's Status,
 * or, where no answer came, an ApiError with reason `ServiceUnavailable`.
 */
import type { KubeObject, Resource } from '../resources/object.ts';

export interface ListOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  /** Aborted: the list is given up, and rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface ObjectList<T extends KubeObject> {
  readonly items: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
}

export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Events after this version; absent: the present state first, as ADDED. */
  resourceVersion?: string;
  allowBookmarks?: boolean;
  timeoutSeconds?: number;
  signal?: AbortSignal;
}

/** BOOKMARK carries only kind and metadata.resourceVersion. A server's ERROR event is thrown as ApiError. */
export interface WatchEvent<T extends KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

export interface WriteOptions {
  dryRun?: boolean;
  fieldManager?: string;
  fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** `status` is the only one yet. */
  subresource?: string;
}

/** `json`: RFC 6902 operations; `merge`: RFC 7396; `strategic`: Kubernetes' own, built-in kinds only. */
export type Patch =
  | { readonly type: 'json'; readonly body: readonly object[] }
  | { readonly type: 'merge' | 'strategic'; readonly body: object };

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: boolean;
}

/** Which object: namespace absent for cluster-scoped kinds. */
export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

export interface KubeClient {
  get<T extends KubeObject>(resource: Resource, key: ObjectKey): Promise<T>;
  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<ObjectList<T>>;
  /** Ends (returns) when the server ends the watch or `signal` is aborted; throws ApiError (410 Expired: list again). */
  watch<T extends KubeObject>(resource: Resource, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  /** Replaces; with a resourceVersion in the object, only if it is still the stored one (else 409 Conflict). */
  update<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(resource: Resource, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>;
  /** Answers the object as it was last seen, or a Status when it is gone at once. */
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  /** GET of any path, as text: `/version`, discovery, a pod's log. */
  raw(path: string, options?: { signal?: AbortSignal }): Promise<string>;
}
