/**
 * What the API server needs of the node to answer a pod's subresources. Implemented by `embedded/node/`;
 * given to the server by the composition root, so that neither side imports the other.
 */
import type { Duplex, Readable, Writable } from 'node:stream';
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

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a client and a program in a pod say to each other. What is absent nobody listens to. */
export interface PodStreams {
  /** Ends when the client has no more. */
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  /** Never with a terminal: that has one output. */
  readonly stderr?: Writable;
  readonly tty: boolean;
  /** Of the client's terminal, as it changes; only the newest counts. */
  readonly sizes: AsyncIterable<TerminalSize>;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface PodAttach extends PodStreams {
  readonly container: string;
}

export interface PodExec extends PodAttach {
  readonly command: readonly string[];
}

export interface PodStreamAccess {
  /** Runs one more program in a container; resolves with its exit code when all that it wrote has been passed on. Throws an ApiError. */
  exec(pod: KubeObject, request: PodExec): Promise<number>;

  /** Stdin and outputs of the container's own program, until it ends or the client goes. Throws an ApiError. */
  attach(pod: KubeObject, request: PodAttach): Promise<void>;

  /** A connection to a port on which something in the pod listens. Rejects with why there is none. */
  connect(pod: KubeObject, port: number): Promise<Duplex>;
}

export interface PodAccess {
  /**
   * The log's bytes as lines. Throws an ApiError (BadRequest `container "c" in pod "p" is waiting to start: …`) before the
   * first chunk where there is no log to read.
   */
  log(pod: KubeObject, options: PodLogOptions): AsyncIterable<Uint8Array>;

  readonly streams?: PodStreamAccess;
}
