/**
 * The port to whoever owns the operating system's processes: on one machine the supervisor.
 *
 * Every pod's process hangs on a life-line: file descriptor 3 of the child, a duplex stream whose other end the host holds.
 * Lines go both ways over it; when it closes, the child must end. Drivers: `host/local.ts` (the owner itself),
 * `host/ipc.ts` (the control plane asks its supervisor, so that pods outlive a control plane that dies).
 * Contract: `process-host.contract.ts`.
 */
export interface ProcessSpec {
  /** Chosen by the caller, unique among those that the host knows. */
  readonly id: string;
  readonly argv: readonly string[];
  /** The command of a program that stays and begins this one, by the words of `argv`; see `host/launcher.ts`. */
  readonly launcher?: readonly string[];
  /** The whole environment: nothing of the host's own is added. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** stdout and stderr go here, each line as `<RFC 3339 time, ns> stdout|stderr F|P <text>` (the CRI's log format); rotated to `<logFile>.1`. */
  readonly logFile: string;
  /** Bytes of the log and its rotated part together; the oldest go. */
  readonly maxLogBytes: number;
  /** The program is the only child of the process that argv names (the first of a new pid namespace): SIGTERM is for it. */
  readonly nested?: boolean;
  /** The uid whose stdin, stdout and stderr they are, so that it may open `/dev/stderr`; default: the host's own. */
  readonly owner?: number;
  /** stdin is open, for those who attach; else it is /dev/null. */
  readonly stdin?: boolean;
}

/** How a process ended: exactly one of code and signal is set. `at` is in milliseconds since 1970. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly at: number;
}

export interface HostedProcess {
  readonly id: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Set once it ended; kept until `forget`, so that a restarted control plane learns it. */
  readonly exit?: ProcessExit;
}

export type ProcessEvent =
  /** A line of the life-line. What runs in a pod may write there: never trust it. */
  { readonly type: 'line'; readonly id: string; readonly line: string } | ({ readonly type: 'exit'; readonly id: string } & ProcessExit);

export interface ProcessHost {
  /** Resolves when spawned; rejects when the program cannot be started or the id is known already. */
  start(spec: ProcessSpec): Promise<HostedProcess>;
  /** Writes a line to the process's life-line; nothing happens when it is gone. */
  send(id: string, line: string): void;
  /** SIGTERM goes to the program, SIGKILL to all that it started. */
  signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): void;
  /**
   * A way to the program's stdin, stdout and stderr from now on: the path of a unix socket that takes one connection, soon
   * (`host/attachment.ts` says what is spoken there). Rejects when there is no such program any more.
   */
  attach(id: string): Promise<string>;
  list(): Promise<readonly HostedProcess[]>;
  /** The exit has been recorded; drop it. */
  forget(id: string): void;
  /** Returns how to stop. A process's exit comes after its last line, when its log is complete. */
  subscribe(listener: (event: ProcessEvent) => void): () => void;
}
