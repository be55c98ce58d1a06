/**
 * What the API server needs of the node to answer a pod's subresources. Implemented by `embedded/node/`;
 * given to the server by the composition root, so that neither side imports the other.
 */
import type { KubeObject } from '../../resources/object.ts';

/** The query of `GET …/pods/NAME/log`, already checked: at most one of `sinceSeconds` and `sinceTime`. */
export interface PodLogOptions {
  /** Always set: the server has chosen the only container where the caller named none. */
  readonly container: string;
  readonly follow: boolean;
  /** The container's run before the last restart. */
  readonly previous: boolean;
  /** Each line is prefixed with its RFC 3339 time and a space. */
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339. */
  readonly sinceTime?: string;
  readonly limitBytes?: number;
  /** Aborted when the reader has gone. */
  readonly signal: AbortSignal;
}

export interface PodAccess {
  /**
   * The log's bytes as lines. Throws an ApiError (BadRequest `container "c" in pod "p" is waiting to start: …`) before the
   * first chunk where there is no log to read.
   */
  log(pod: KubeObject, options: PodLogOptions): AsyncIterable<Uint8Array>;
}
