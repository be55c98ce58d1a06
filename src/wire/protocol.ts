/**
 * The frame protocol between a gateway (or an activator) and a shim: one stream connection per instance, many invocations on it.
 *
 * Frame: 12 bytes of header, then the payload.
 *
 *     0        4         5      6       7          8          12
 *     | length | version | type | flags | reserved | stream   | payload …
 *
 * `length` counts the payload only; integers are big-endian. Stream 0 is the connection; a client numbers its invocations 1, 2, ….
 * A frame of another version ends the connection with GOAWAY `version`.
 *
 * Heads are flat: fields joined by `\0` (no field may hold one), latin1 as HTTP's heads are (an export's name is percent-encoded). REQUEST and RESPONSE carry `u32 length of the head | head | first bytes of the
 * body`; with END no DATA follows. Body bytes, inline ones included, are covered by credit: each side may send INITIAL_CREDIT
 * bytes per stream and direction before it hears CREDIT.
 */
export const VERSION = 1;
export const HEADER_BYTES = 12;
/** Of a SPECIALIZE, which carries the package. */
export const MAX_PAYLOAD = 64 * 1024 * 1024;
/** Of every other frame. */
export const MAX_FRAME = 1024 * 1024;
/** DATA frames are at most this long, so that streams share a connection fairly. */
export const MAX_DATA = 64 * 1024;
export const INITIAL_CREDIT = 256 * 1024;
/** Of a HELLO with its header: so much is read of somebody unknown. */
export const MAX_HELLO = 4096;

export const FrameType = {
  /**
   * client -> shim, first, and at most MAX_HELLO bytes: JSON {token} of the instance from a gateway, JSON {signature} of the platform over
   * this pod's uid (`seal.ts`) from an activator, which may only SPECIALIZE, DRAIN and hear STATS. Whoever shows neither is cut off
   * without an answer.
   */
  HELLO: 1,
  /** shim -> client, the answer: JSON Welcome. To activators again when another's claim is taken, when its code is there or cannot be, and when its run is over. */
  WELCOME: 2,
  /** activator -> shim: a sealed, signed envelope (`seal.ts`) around the JSON head and the package. */
  SPECIALIZE: 3,
  /** shim -> activator: JSON Specialized. */
  SPECIALIZED: 4,
  /** client -> shim: an invocation. Head: method, target, requestId, traceparent, deadline (ms left), export ('' = the handler), scheme://authority of the caller's URL, then header name, value, …. */
  REQUEST: 5,
  /** shim -> client. Head: status, then header name, value, …. Sent once a stream; see below for what may be retried. */
  RESPONSE: 6,
  /** Body bytes, both ways; END flag on the last (which may be empty). */
  DATA: 7,
  /** u32: this many more bytes may come on the stream. */
  CREDIT: 8,
  /** Either side gives a stream up. Payload: `code\0message\0stack`; codes of base/errors, or 'Cancelled'. */
  ABORT: 9,
  /** shim -> client: not started, safe to send elsewhere. Stream is over. */
  BUSY: 10,
  /** shim -> client, stream 0: no new invocations here; those that run are finished. Payload: reason. */
  GOAWAY: 11,
  PING: 12,
  PONG: 13,
  /** shim -> activator, at most once a second, when changed: JSON {active, served, idleMs}. */
  STATS: 14,
  /** activator -> shim, signed: JSON {idleMs}: stop if you have been idle for so long (0: stop taking work, whatever you do). To a pod whose run is over: its outcome is kept elsewhere now. */
  DRAIN: 15,
  /** shim -> activator: JSON {drained, active}: false, because it has worked since. */
  DRAINED: 16,
  /** shim -> client, stream 0: u32, every REQUEST up to this stream id that was not answered BUSY is accepted. Written to the socket before any of their handlers starts. */
  ACCEPTED: 17,
  /** activator -> shim: a sealed, signed envelope around JSON Tokens: those that the code has end soon. */
  CREDENTIALS: 18,
} as const;

export const Flag = {
  END: 1,
} as const;

/**
 * When may a request be sent to another instance? When it got BUSY, or when the connection broke before ACCEPTED named it: the
 * shim hands ACCEPTED to the kernel before it starts a handler, and the kernel delivers it even if the shim is killed the moment
 * after. So what was not accepted is never lost, and what was is never sent twice, as long as no more than the shim dies.
 *
 * TCP can hold no more than that. An ACCEPTED that is still on its way goes with a machine that dies, or a network that is cut;
 * and with one lost packet, if the shim is killed just then: the kernel resets a connection on which requests were left unread,
 * and sends nothing again. The client then sees a request that was never accepted, and it runs a second time elsewhere.
 */
export interface Welcome {
  readonly version: number;
  /** The pod's uid. */
  readonly pod: string;
  /** The pod's ephemeral X25519 public key, base64url of the raw 32 bytes: SPECIALIZE is sealed to it. */
  readonly key: string;
  /** Absent while generic: the pod is the claim authority. */
  readonly claim?: { readonly revisionUid: string; readonly epoch: number };
  /** The claim's code is there: invocations are taken. */
  readonly loaded: boolean;
  /** Nothing new is taken: it stops, or the claim's code cannot be loaded. */
  readonly draining: boolean;
  /** Of a pod with a `run`, once it is over: kept, and told to every activator, until one of them sends DRAIN; then the pod ends. */
  readonly outcome?: Outcome;
}

/** A call that a pod makes by itself, once: a run in a pod of its own. */
export interface OwnRun {
  /** `runner-…`: first line of its log, and TSUMUGI_RUNNER_ID. */
  readonly id: string;
  readonly export: string;
  readonly args: readonly unknown[];
  /** Positions in `args` of what nobody may read in the log. */
  readonly sensitive?: readonly number[];
}

/** How a run's call ended. Without `error` it returned; `value` as JSON (absent: undefined). */
export interface Outcome {
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string };
}

/** Name of the object -> its keys -> base64 of the bytes. */
type FilesByName = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Secrets and ConfigMaps as files: `/secrets/NAME/KEY`, `/configs/NAME/KEY`. */
export interface ConfigFiles {
  readonly secrets: FilesByName;
  readonly configs: FilesByName;
}

/** Where somebody listens whom the code may call, over HTTPS. */
export interface Listener {
  /** Without a slash at the end. */
  readonly url: string;
  /** PEM: whom to believe there. Absent: whom the system believes. */
  readonly ca?: string;
}

/** Short-lived, each for one listener alone: who gets one can do nothing with it elsewhere. */
export interface Tokens {
  /** Milliseconds since 1970: the later ones count. */
  readonly issuedAt: number;
  readonly platform: string;
  /** Also for whoever the code hands it to: it opens Routes that ask for a token, and nothing else. */
  readonly gateway: string;
  /** Only of code that may manage objects. */
  readonly kubernetes?: string;
}

/** Who the code is, where its function declares permissions. */
export interface Identity {
  readonly platform: Listener;
  readonly kubernetes: Listener;
  readonly tokens: Tokens;
}

/** The JSON head of SPECIALIZE; the package (a deterministic tar) follows it. */
export interface Specialize {
  readonly pod: string;
  readonly revisionUid: string;
  readonly epoch: number;
  readonly namespace: string;
  readonly function: string;
  readonly revision: string;
  /** `sha256:…` of the package that follows: the pod compares. */
  readonly package: string;
  /** Which export answers requests; '' = default. */
  readonly handler: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the function finds as files; absent: nothing. */
  readonly files?: ConfigFiles;
  readonly concurrency: number;
  /** It answers one request, then ends. */
  readonly once?: true;
  /** It answers nobody: it makes this call and ends. */
  readonly run?: OwnRun;
  readonly timeoutSeconds: number;
  /** What gateways must show in HELLO. */
  readonly token: string;
  readonly gatewayUrl: string;
  readonly image: string;
  /** Absent: the code is nobody. */
  readonly identity?: Identity;
}

export interface Specialized {
  readonly ok: boolean;
  readonly exports?: readonly string[];
  /** `claimed`: by another's word, or the pod is stopping (take another pod); `load`: the user's code cannot be loaded; `refused`: signature, seal or digest. */
  readonly error?: { readonly reason: 'claimed' | 'load' | 'refused'; readonly message: string; readonly stack?: string };
}
