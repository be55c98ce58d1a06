/**
 * The port to whoever owns the operating system's processes: on one machine the supervisor.
 *
 * Every pod's process hangs on a life-line: file descriptor 3 of the child, a duplex stream whose other end the host holds.
 * Lines go both ways over it; when it closes, the child must end. Drivers: `host/local.ts` (the owner itself),
 * `host/ipc.ts` (the control plane asks its supervisor, so that pods outlive a control plane that dies).
 */
export interface ProcessSpec {
  /** Chosen by the caller, unique among the running. */
  readonly id: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** stdout and stderr go here, each line as `<RFC 3339 time, ns> stdout|stderr F|P <text>` (the CRI's log format); bounded by rotation to `<logFile>.1`. */
  readonly logFile: string;
  readonly maxLogBytes: number;
}

export interface HostedProcess {
  readonly id: string;
  readonly pid: number;
  readonly startedAt: number;
  /** Set once it ended; kept until `forget`, so that a restarted control plane learns it. */
  readonly exit?: { readonly code: number | null; readonly signal: string | null; readonly at: number };
}

export type ProcessEvent =
  | { readonly type: 'line'; readonly id: string; readonly line: string }
  | { readonly type: 'exit'; readonly id: string; readonly code: number | null; readonly signal: string | null; readonly at: number };

export interface ProcessHost {
  /** Resolves when spawned; rejects when the program cannot be started. */
  start(spec: ProcessSpec): Promise<HostedProcess>;
  /** Writes a line to the process's life-line; nothing happens when it is gone. */
  send(id: string, line: string): void;
  /** Changes where the log goes (a blank process becoming a pod). */
  relog(id: string, logFile: string): Promise<void>;
  signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): void;
  list(): Promise<readonly HostedProcess[]>;
  /** The exit has been recorded; drop it. */
  forget(id: string): void;
  subscribe(listener: (event: ProcessEvent) => void): () => void;
}
