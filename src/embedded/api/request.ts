import type { User } from './authorize.ts';

/** One request of the Kubernetes API, freed from whoever carried it. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The address that the client used: `127.0.0.1:6440`. */
  readonly host?: string;
  readonly accept: string;
  readonly contentType: string;
  readonly ifNoneMatch?: string;
  /** Names the writer of a request that names none. */
  readonly userAgent?: string;
  /** The protocol that the client would change to: `websocket`, `SPDY/3.1`. */
  readonly upgrade?: string;
  readonly user: User;
  readonly signal?: AbortSignal;
  /** The whole body; throws ApiError 413 when it is over the limit. */
  readonly body: () => Promise<Uint8Array>;
}
