/**
 * What gateways know, as one stream of small facts: they never list whole objects.
 *
 * `GET /projection` on the platform API answers NDJSON: every entry as `put`, then `synced`, then changes as they come.
 * An epoch greets each stream: entries of an older epoch that were not put again before `synced` are dropped.
 * A gateway keeps its last state while the stream is away.
 */

/** A function that can be called: where its traffic goes now. Key: `namespace/name`. */
export interface FunctionEntry {
  readonly kind: 'function';
  readonly namespace: string;
  readonly name: string;
  /** Name and uid of the revision that gets the traffic; absent while none is ready, then `unready` says why. */
  readonly revision?: string;
  readonly revisionUid?: string;
  readonly unready?: string;
  /** Why, where waiting cannot help; else callers are told NoInstance. */
  readonly unreadyCode?: 'BuildFailed';
  /** Its callers need a token, whatever way they come. */
  readonly isPrivate?: true;
  /** Requests at once per instance. */
  readonly concurrency: number;
  readonly maxInstances: number;
  readonly timeoutSeconds: number;
  /** Named exports, for `/call/`. */
  readonly exports: readonly string[];
}

/** Key: `namespace/name`. Precedence: host, exact path, template, longest prefix, oldest (`created`, ms). */
export interface RouteEntry {
  readonly kind: 'route';
  readonly namespace: string;
  readonly name: string;
  readonly created: number;
  readonly hosts: readonly string[];
  /** `/orders/{id}` or `/orders`; exactly one of path and prefix. */
  readonly path?: string;
  readonly prefix?: string;
  /** Empty: all. */
  readonly methods: readonly string[];
  readonly function: string;
  /** Requests need a token, whatever the function says. */
  readonly needsToken?: true;
}

/** A pod specialised to a revision. Key: `id`. */
export interface InstanceEntry {
  readonly kind: 'instance';
  /** The pod's uid. */
  readonly id: string;
  readonly pod: string;
  readonly revisionUid: string;
  /** `unix:/path` or `tcp:host:port`. */
  readonly address: string;
  /** Shown in HELLO; only for gateways. */
  readonly token: string;
  readonly concurrency: number;
  /** It takes one request, and ends. */
  readonly once?: true;
}

/** Facts of the platform itself. Key: `platform`. */
export interface PlatformEntry {
  readonly kind: 'platform';
  /** sha256 hex of the tokens that may use `/call/`. */
  readonly tokenHashes: readonly string[];
  /** False while a function of `up DIR` is not Ready: `/readyz` says 503. */
  readonly ready: boolean;
  readonly waitingFor: readonly string[];
}

export type ProjectionEntry = FunctionEntry | RouteEntry | InstanceEntry | PlatformEntry;

export type ProjectionEvent =
  | { readonly op: 'epoch'; readonly epoch: string }
  | { readonly op: 'put'; readonly entry: ProjectionEntry }
  | { readonly op: 'delete'; readonly kind: ProjectionEntry['kind']; readonly key: string }
  | { readonly op: 'synced' };

/** `POST /activate`: find or make an instance. Held open until one is ready or none can be. */
export interface ActivateRequest {
  readonly revisionUid: string;
  readonly namespace: string;
  readonly revision: string;
  /** Instances the asker already uses or has seen dead: the answer is another one. */
  readonly known: readonly string[];
}

/** 200 with the instance (also put on the projection), or the coded error: Busy (max reached), NoInstance, LoadError, NotFound. */
export type ActivateAnswer =
  | { readonly instance: InstanceEntry }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint?: string; readonly retryAfterSeconds?: number } };

/**
 * A line that may come before the answer, once for each pod that is tried: it is being specialised. Who connects now is greeted with
 * WELCOME as soon as the code is loaded, without waiting for the answer to come round through the control plane.
 */
export interface ActivateNews {
  readonly reserved: InstanceEntry;
}

/** How a pod ended; without a reason where nobody knows it yet. */
export interface InstanceEnd {
  readonly reason?: 'OutOfMemory';
}

/** The activator as the gateway sees it. Driver: HTTP over a unix socket or TCP. */
export interface Activator {
  /**
   * `reserved` hears of pods that are about to become the instance.
   *
   * @throws {TsumugiError} the coded error of the answer, or Unavailable when the activator cannot be reached.
   */
  activate(request: ActivateRequest, signal: AbortSignal, reserved: (entry: InstanceEntry) => void): Promise<InstanceEntry>;
  /**
   * An instance that must go: `blocked` answers neither a request in its time nor a PING, so its event loop hangs: kill the pod.
   * `POST /v1/instances/ID/failed` with JSON {reason, message}; 204, also when the pod is not known (any more).
   */
  report(instance: string, reason: 'blocked', message: string): Promise<void>;
  /**
   * Why an instance whose connection broke has ended, for those whose requests it had accepted.
   * `GET /v1/instances/ID/end` waits a moment for the pod's end and answers an `InstanceEnd`.
   */
  endOf(instance: string, signal: AbortSignal): Promise<InstanceEnd>;
}
