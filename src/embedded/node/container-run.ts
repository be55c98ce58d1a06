/** One container of a pod on this node: starts it, knows its state, starts it again as the pod's policy says. */
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { toError } from '../../base/errors.ts';
import type { Container, ContainerState, ContainerStateTerminated, ContainerStatus, Pod } from '../../resources/builtin/pod-types.ts';
import type { Adopted } from './adopt.ts';
import type { Blank } from './blank.ts';
import { isShimPlace, startShim } from './blank.ts';
import { ConfigReader, containerEnv, ContainerConfigError, expand } from './container-env.ts';
import { isHeapAbort, lost, rfc3339, terminated } from './container-exit.ts';
import { resolveImage } from './images.ts';
import type { Place, Program } from './isolation/isolation.ts';
import { limitsOf } from './limits.ts';
import { terminalCommand } from './streams/launcher.ts';
import type { NodeContext } from './node-context.ts';
import { podFolder } from './paths.ts';
import type { ProcessExit } from './process-host.ts';
import { containerMounts } from './volumes/container-mounts.ts';
import type { ContainerMount } from './volumes/container-mounts.ts';
import { MountError } from './volumes/mount-error.ts';
import type { PodVolumes } from './volumes/pod-volumes.ts';

const maxBackoffMs = 300_000;
/** A container that ran so long starts anew with the first delay. */
const backoffResetMs = 600_000;
/** When something that the pod names is missing: look again. */
const configRetryMs = 2000;
/** A start that takes longer is told as ContainerCreating; most never need that write. */
export const quietMs = 1000;

export class ContainerRun {
  readonly spec: Container;
  readonly #node: NodeContext;
  readonly #pod: Pod;
  readonly #index: number;
  readonly #volumes: PodVolumes;
  /** Called whenever the status changed. */
  readonly #changed: () => void;
  #place: Place | undefined;
  #processId: string | undefined;
  /** Of the process that the host knows; the program's own where it is not nested. */
  #pid = 0;
  readonly #createdAt = Date.now();
  #startedAt = 0;
  #oomBefore = 0;
  #overMemory = false;
  #starting: Promise<void> | undefined;
  #stopping = false;
  #ending = false;
  #restarts = 0;
  /** The run with which the present place began: a shim gets a new one each time. */
  #firstRun = 0;
  #isDue = false;
  #backoff = 0;
  #dueAt = 0;
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #lastState: ContainerState = {};

  constructor(node: NodeContext, pod: Pod, index: number, volumes: PodVolumes, changed: () => void) {
    this.#node = node;
    this.#pod = pod;
    this.#index = index;
    this.#volumes = volumes;
    this.spec = pod.spec.containers[index] as Container;
    this.#changed = changed;
  }

  get status(): ContainerStatus {
    const { image = '', name } = this.spec;
    const running = this.#state.running !== undefined;
    return {
      name,
      image,
      imageID: '',
      ...(this.#processId === undefined ? {} : { containerID: `tsumugi://${this.#processId}` }),
      ready: running,
      started: running,
      restartCount: this.#restarts,
      state: this.#state,
      lastState: this.#lastState,
    };
  }

  /** There is something to tell: it runs, has ended, or waits for more than its turn. */
  get hasSettled(): boolean {
    return (
      this.#state.waiting?.reason !== 'ContainerCreating' ||
      this.#lastState.terminated !== undefined ||
      Date.now() - this.#createdAt >= quietMs
    );
  }

  /** Something of it is alive, or about to be. */
  get isAlive(): boolean {
    return this.#starting !== undefined || this.#ending || (this.#processId !== undefined && this.#node.table.isRunning(this.#processId));
  }

  /** The log of the present run, or of the one before. */
  logFile(previous: boolean): string | undefined {
    const run = this.#restarts - this.#firstRun - (previous ? 1 : 0);
    return this.#place && run >= 0 ? join(this.#place.folder, `${run}.log`) : undefined;
  }

  /** Where it runs; undefined while it does not. */
  get running(): { readonly place: Place; readonly pid: number; readonly processId: string } | undefined {
    const id = this.#processId;
    if (!this.#state.running || !this.#place || id === undefined || !this.#node.table.isRunning(id)) return undefined;
    return { place: this.#place, pid: this.#pid, processId: id };
  }

  /** Does what is due now; answers in how many milliseconds to look again. */
  advance(now: number): number | undefined {
    if (this.#stopping || this.isAlive || this.#state.terminated) return undefined;
    if (this.#dueAt > now) return Number.isFinite(this.#dueAt) ? this.#dueAt - now : undefined;
    if (this.#isDue) this.#restarts += 1;
    this.#isDue = false;
    this.#starting = this.#start()
      .catch((error: unknown) => this.#failToStart(toError(error)))
      .finally(() => {
        this.#starting = undefined;
        if (this.#stopping) this.signal('SIGKILL');
        this.#changed();
      });
    return undefined;
  }

  /** No start from now on. */
  stop(): void {
    this.#stopping = true;
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#processId !== undefined) this.#node.table.signal(this.#processId, signal);
  }

  /** It ran before this control plane did: goes on with what the host tells, or with its end. */
  adopt({ process, place }: Adopted, before: ContainerStatus | undefined, finished: boolean): void {
    this.#place = place;
    if (place && process && !process.exit) this.#volumes.adopt(place, adoptedMounts(this.#pod, this.spec));
    this.#restarts = before?.restartCount ?? 0;
    this.#lastState = before?.lastState ?? {};
    if (place && isShimPlace(place.id)) this.#firstRun = this.#restarts;
    const ended = before?.state?.terminated;
    if (ended) {
      // It may be due to start again.
      if (finished) this.#state = { terminated: ended };
      else this.#end({ reason: 'Error', ...ended });
      return;
    }
    const startedAt = before?.state?.running?.startedAt ?? undefined;
    if (!process) {
      if (startedAt !== undefined) this.#end(lost(startedAt, Date.now()));
      else this.#isDue = this.#lastState.terminated !== undefined;
      return;
    }
    this.#processId = process.id;
    this.#pid = process.pid;
    this.#startedAt = startedAt === undefined ? process.startedAt : Date.parse(startedAt);
    this.#state = { running: { startedAt: rfc3339(this.#startedAt) } };
    if (process.exit) {
      this.#node.table.forget(process.id);
      void this.#onExit(process.exit);
    } else {
      this.#node.table.watch(process.id, (exit) => void this.#onExit(exit));
      this.#limitMemory(process.pid);
    }
  }

  /** The pod object is gone and so are its processes. */
  async remove(): Promise<void> {
    await this.#starting;
    await this.#place?.remove();
    if (this.#index === 0) await rm(podFolder(this.#node.runFolder, this.#pod.metadata.uid as string), { force: true, recursive: true });
  }

  async #start(): Promise<void> {
    const { isolation, shims, version, client } = this.#node;
    const image = resolveImage(this.spec.image, shims, version);
    if (image.kind === 'unavailable') {
      this.#wait('ImageUnavailable', image.message);
      return;
    }
    if (this.#pod.spec.initContainers?.length) throw new ContainerConfigError('this node does not run init containers');
    const volumes = await this.#volumes.find(this.#pod);
    const reader = new ConfigReader(client, this.#pod.metadata.namespace ?? 'default');
    const env = await containerEnv(this.#pod, this.spec, reader);
    const mounts = containerMounts(this.#pod, this.spec, env);
    const foreign = mounts.filter(({ given }) => given === undefined);
    if (foreign.length > 0 && !isolation.canMount) {
      const paths = foreign.map(({ target }) => target).join(', ');
      this.#wait(
        'IsolationUnavailable',
        `volumes at ${paths} need a sandbox, which does not work on this machine (only /work, /tmp, /secrets and /configs do not)`,
      );
      return;
    }
    const needs = { env, mounts, volumes, owner: await this.#volumes.owner(this.#pod) };
    const isPlain = this.spec.command === undefined && !this.spec.args?.length;
    if (image.kind === 'host') await this.#startProgram(undefined, needs);
    else if (isPlain) await this.#startShim(image.bundle, needs);
    else await this.#startProgram(image.bundle, needs);
  }

  /** A blank process becomes this pod; one of its own where it needs what no blank one has. */
  async #startShim(bundle: string, { env, mounts, volumes, owner }: Needs): Promise<void> {
    const { blanks, starter } = this.#node;
    const plain = owner === undefined && Object.keys(env).length === 0 && mounts.every(({ given }) => given !== undefined);
    const pool = plain ? blanks.get(bundle) : undefined;
    if (!pool) {
      const prepare = async (place: Place): Promise<Partial<Program>> => ({
        env,
        hostname: hostnameOf(this.#pod),
        binds: await this.#volumes.fill(place, mounts, volumes),
      });
      return this.#become(await startShim(starter, bundle, { weight: 'normal', owner, prepare }));
    }
    try {
      const blank = await pool.take();
      await this.#become(blank, () => this.#volumes.fill(blank.place, mounts, volumes));
    } finally {
      pool.fill();
    }
  }

  /** Tells a loaded shim which pod it is; resolves when it listens, or has ended. */
  async #become(blank: Blank, prepare?: () => Promise<unknown>): Promise<void> {
    const { table, runFolder, publicKey } = this.#node;
    blank.onEnd = (exit) => void this.#onExit(exit);
    const { uid = '', namespace = '', name: pod } = this.#pod.metadata;
    await this.#place?.remove();
    this.#place = blank.place;
    this.#firstRun = this.#restarts;
    this.#processId = blank.id;
    this.#startedAt = Date.now();
    blank.place.limit(limitsOf(this.spec));
    await prepare?.();
    const link = podFolder(runFolder, uid);
    await rm(link, { force: true });
    await symlink(blank.id, link);
    const listen = `unix:${blank.place.inside.socket}`;
    table.send(blank.id, { assign: { pod: uid, namespace, name: pod, listen, publicKey } });
    if (!(await table.hears(blank.id, 'listening'))) return;
    try {
      await blank.place.sealSocket();
    } catch (error) {
      table.signal(blank.id, 'SIGKILL');
      throw error;
    }
    this.#running(blank.pid);
  }

  /** A program of its own, by the words of the container; `bundle`: the entrypoint of its image, which a command takes the place of. */
  async #startProgram(bundle: string | undefined, { env, mounts, volumes, owner }: Needs): Promise<void> {
    const { isolation, slots, table, maxLogBytes } = this.#node;
    const { command, args = [] } = this.spec;
    const said = [...(command ?? []), ...args].map((text) => expand(text, env));
    if (said.length === 0) throw new ContainerConfigError('image "host" has no command of its own: set command');
    const folder = podFolder('', this.#pod.metadata.uid as string).replace(/^p\//, '');
    await slots.run(async () => {
      const limits = limitsOf(this.spec);
      this.#place ??= await isolation.open(this.#index === 0 ? folder : `${folder}.${this.#index}`, limits, owner);
      const place = this.#place;
      place.limit(limits);
      if (this.#restarts > 0) await place.reset();
      const isOwn = bundle === undefined || command !== undefined;
      const argv = isOwn ? said : [place.inside.node, place.inside.bundle(bundle), ...said];
      const program: Program = {
        argv: this.spec.tty ? terminalCommand(argv) : argv,
        env,
        hostname: hostnameOf(this.#pod),
        binds: await this.#volumes.fill(place, mounts, volumes),
        ...(this.spec.workingDir ? { cwd: this.spec.workingDir } : {}),
      };
      const launch = await place.launch(program);
      if (this.#stopping) return;
      const id = `${this.#pod.metadata.uid}.${this.#index}.${this.#restarts}`;
      this.#oomBefore = place.oomKills();
      // A terminal without anybody is open all the same.
      const stdin = this.spec.stdin === true || this.spec.tty === true;
      const spec = { id, ...launch, stdin, logFile: join(place.folder, `${this.#restarts - this.#firstRun}.log`), maxLogBytes };
      const started = table.start(spec, (exit) => void this.#onExit(exit));
      this.#processId = id;
      const { pid, startedAt } = await started.catch((error: unknown) => {
        throw new StartError(toError(error).message);
      });
      this.#startedAt = startedAt;
      this.#running(pid);
      this.#node.recorder.record(this.#pod, 'Normal', 'Started', `Started container ${this.spec.name}`);
    });
  }

  #running(pid: number): void {
    if (this.#state.terminated) return;
    this.#pid = pid;
    this.#state = { running: { startedAt: rfc3339(this.#startedAt) } };
    this.#limitMemory(pid);
    this.#changed();
  }

  #limitMemory(pid: number): void {
    const { memoryBytes } = limitsOf(this.spec);
    const id = this.#processId;
    if (memoryBytes === undefined || id === undefined || this.#node.isolation.limitsMemory) return;
    this.#node.memory.watch(id, pid, memoryBytes, () => {
      this.#overMemory = true;
      this.#node.table.signal(id, 'SIGKILL');
    });
  }

  async #onExit(exit: ProcessExit): Promise<void> {
    this.#ending = true;
    const log = this.logFile(false);
    if (this.#processId !== undefined) this.#node.memory.forget(this.#processId);
    const byKernel = exit.code !== 0 && (this.#place?.oomKills() ?? 0) > this.#oomBefore;
    const outOfMemory = this.#overMemory || byKernel || (log !== undefined && (await isHeapAbort(exit, log)));
    this.#overMemory = false;
    this.#ending = false;
    this.#end(terminated(exit, this.#startedAt, outOfMemory));
  }

  /** Ended: for good, or until its next start. */
  #end(end: ContainerStateTerminated): void {
    const containerID = this.#processId === undefined ? {} : { containerID: `tsumugi://${this.#processId}` };
    const state = { terminated: { ...end, ...containerID } };
    const policy = this.#pod.spec.restartPolicy ?? 'Always';
    const again = !this.#stopping && (policy === 'Always' || (policy === 'OnFailure' && end.exitCode !== 0));
    if (again) this.#scheduleRestart(state);
    else {
      this.#state = state;
      void this.#place?.clear();
    }
    this.#changed();
  }

  #scheduleRestart(ended: ContainerState): void {
    const now = Date.now();
    if (now - this.#startedAt > backoffResetMs) this.#backoff = 0;
    const delay = this.#backoff === 0 ? 0 : Math.min(this.#node.restartBackoffMs * 2 ** (this.#backoff - 1), maxBackoffMs);
    this.#backoff += 1;
    this.#isDue = true;
    this.#lastState = ended;
    this.#dueAt = now + delay;
    this.#state = {
      waiting:
        delay === 0
          ? { reason: 'ContainerCreating' }
          : { reason: 'CrashLoopBackOff', message: `back-off ${Math.ceil(delay / 1000)}s restarting failed container` },
    };
    if (delay > 0) this.#node.recorder.record(this.#pod, 'Warning', 'BackOff', `Back-off restarting failed container ${this.spec.name}`);
  }

  #failToStart(error: Error): void {
    if (error instanceof MountError) this.#waitForVolumes(error.message);
    else if (error instanceof StartError) {
      const at = rfc3339(Date.now());
      this.#end({ exitCode: 128, reason: 'StartError', message: error.message, startedAt: at, finishedAt: at });
    } else if (error instanceof ContainerConfigError) this.#wait('CreateContainerConfigError', error.message, configRetryMs);
    else this.#wait('CreateContainerError', error.message, configRetryMs);
  }

  /** A kubelet tells it by an event alone. */
  #waitForVolumes(message: string): void {
    this.#state = { waiting: { reason: 'ContainerCreating' } };
    this.#dueAt = Date.now() + configRetryMs;
    this.#node.recorder.record(this.#pod, 'Warning', 'FailedMount', message);
  }

  #wait(reason: string, message: string, retryMs = Number.POSITIVE_INFINITY): void {
    const known = this.#state.waiting?.reason === reason && this.#state.waiting.message === message;
    this.#state = { waiting: { reason, message } };
    this.#dueAt = Date.now() + retryMs;
    if (!known) this.#node.recorder.record(this.#pod, 'Warning', 'Failed', `Error: ${message}`);
  }
}

/** Of a container that has started once, so that its paths are right; without its variables a `subPathExpr` is not, and needs not be. */
function adoptedMounts(pod: Pod, container: Container): readonly ContainerMount[] {
  try {
    return containerMounts(pod, container, {});
  } catch {
    return [];
  }
}

/** What is known before a place is taken. */
interface Needs {
  readonly env: Record<string, string>;
  readonly mounts: readonly ContainerMount[];
  readonly volumes: Awaited<ReturnType<PodVolumes['find']>>;
  readonly owner: number | undefined;
}

/** At most 63 characters of it, as a host's name may have. */
function hostnameOf({ metadata, spec }: Pod): string {
  return (spec.hostname ?? metadata.name).slice(0, 63).replace(/[-.]+$/, '');
}

/** The program of a container could not be started: no such file, not executable. */
class StartError extends Error {}
