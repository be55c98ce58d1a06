/**
 * How a pod's program is kept apart from the host and from other pods. Drivers: `sandbox.ts` (namespaces, mounts, cgroups of the kernel) and `process.ts` (none).
 * A *place* is what one container owns while it lives: its folder, its uid, its cgroup.
 */
export interface Limits {
  readonly memoryBytes?: number;
  readonly cpus?: number;
  /** Processes and threads. */
  readonly pids?: number;
}

export interface Bind {
  /** On the host. */
  readonly source: string;
  /** Absolute, as the program sees it. */
  readonly target: string;
  readonly readOnly: boolean;
  /** The source is a file. */
  readonly file?: boolean;
  /** `DEVICE:INODE` of the source, where a program may put another thing in its place: what is mounted must be that. */
  readonly identity?: string;
}

export interface Program {
  /** As seen inside. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** As seen inside; default: the work folder. */
  readonly cwd?: string;
  /** What the host is called inside; default: as it is. */
  readonly hostname?: string;
  readonly binds?: readonly Bind[];
  /** It writes `/secrets` and `/configs` itself, as a shim does with what it is told; else only the node does. */
  readonly writesConfig?: boolean;
}

/** What the process host is to start. */
export interface Launch {
  readonly argv: readonly string[];
  /** Begins it, by the words of `argv`; goes before them where it is a command of its own. */
  readonly launcher?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly nested: boolean;
  /** Whose stdin, stdout and stderr are. */
  readonly owner?: number;
}

/** The way to where a program runs: whoever takes it is what the program is, and has no more rights. */
export interface Entry {
  /** The program, as the host numbers it. */
  readonly pid: number;
  /** Goes before a command. */
  readonly argv: readonly string[];
  /** For the command that is begun with that; inside, the program's own variables are there. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, as the program sees it. */
  readonly cwd: string;
  /** Shell: true once inside. */
  readonly check: string;
  readonly owner?: number;
}

export interface Place {
  readonly id: string;
  /** On the host; holds `work`, `tmp`, `s` (the socket's folder), `secrets`, `configs`, `message` (its last words) and the logs. */
  readonly folder: string;
  /** The uid of what runs here; undefined: this process's own. */
  readonly owner: number | undefined;
  /** Paths as the program sees them. */
  readonly inside: {
    readonly work: string;
    readonly tmp: string;
    readonly socket: string;
    readonly node: string;
    bundle(path: string): string;
  };
  launch(program: Program): Promise<Launch>;
  /** Into what was started here, by the process's pid as the host tells it. Rejects when it has ended. */
  enter(pid: number): Promise<Entry>;
  limit(limits: Limits): void;
  /** Low while it starts ahead of need, so that what serves is not slowed. */
  weight(weight: 'low' | 'normal'): void;
  /** The program listens: its socket goes where `podSocketPath` says and the program cannot put another thing in its place. */
  sealSocket(): Promise<void>;
  /** Processes that the kernel killed here for want of memory, so far. */
  oomKills(): number;
  /** Before it is started again: all folders but the shared ones are new. */
  reset(): Promise<void>;
  /** The program has ended: cgroup, uid and all but the logs go. */
  clear(): Promise<void>;
  /** The logs too. */
  remove(): Promise<void>;
}

export interface Isolation {
  readonly name: 'sandbox' | 'process';
  /** One line for the start screen: what keeps pods apart here. */
  readonly description: string;
  /** What is missing, each said once at start. */
  readonly warnings: readonly string[];
  /** Volumes can be at their paths. */
  readonly canMount: boolean;
  /** Memory limits are the kernel's; else the node watches. */
  readonly limitsMemory: boolean;
  /** `owner`: the uid that it is to have; default: one of its own. */
  open(id: string, limits?: Limits, owner?: number): Promise<Place>;
  /** A uid for several places: `id` has it until it is given back. Undefined where all have this process's. */
  reserveOwner(id: string): number | undefined;
  releaseOwner(id: string): void;
  /** The place of a process that survived the control plane; undefined when its folder is gone. */
  adopt(id: string): Promise<Place | undefined>;
  /** After a restart, once all that survived is adopted: what is left of other places goes. */
  sweep(): void;
  /** Gives back what places had in common; those that are still in use stay. */
  close(): void;
}

/** Seen by every program; the container's own variables win. */
export const basePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
