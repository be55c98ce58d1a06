/** What of a container is on the host: the place where it runs, and its process, one after the other. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerStateTerminated } from '../../../resources/builtin/pod-types.ts';
import { isShimPlace } from '../blank.ts';
import type { Place } from '../isolation/isolation.ts';
import { firstSlot, podFolder } from '../paths.ts';
import type { HostedProcess, ProcessExit } from '../process-host.ts';
import { mountsOnceStarted } from '../volumes/container-mounts.ts';
import { isHeapAbort, terminated } from './exit.ts';
import { limitsOf } from './limits.ts';
import { terminationMessage } from './message.ts';
import type { Needs } from './needs.ts';
import type { Present, StartOptions } from './present.ts';
import { startProgram } from './start-program.ts';
import { startShimOf } from './start-shim.ts';

export interface ContainerProcessOptions extends Omit<StartOptions, 'exited'> {
  /** The present process has ended. */
  readonly ended: (end: ContainerStateTerminated) => void;
}

export class ContainerProcess {
  readonly #with: ContainerProcessOptions;
  readonly #present: Present = { place: undefined, id: undefined, pid: 0, startedAt: 0, firstRun: 0, oomBefore: 0 };
  #exited = new AbortController();
  /** It has ended, and how is still being found out. */
  #ending = false;
  #overMemory = false;
  #isProgram = false;
  /** Processes whose ends are told nowhere but here and by the host. */
  #untold: readonly string[] = [];

  constructor(options: ContainerProcessOptions) {
    this.#with = options;
  }

  /** Of the present process, or of the last one. */
  get id(): string | undefined {
    return this.#present.id;
  }

  get startedAt(): number {
    return this.#present.startedAt;
  }

  /** Its container's own words say what runs, and nobody waits to be answered by it: it may well end at once. */
  get isProgram(): boolean {
    return this.#isProgram;
  }

  /** Aborted when the present process has ended. */
  get exited(): AbortSignal {
    return this.#exited.signal;
  }

  get isAlive(): boolean {
    return this.#ending || (this.#present.id !== undefined && this.#with.node.table.isRunning(this.#present.id));
  }

  /** Where it runs; undefined while it does not. */
  get running(): { readonly place: Place; readonly pid: number; readonly processId: string } | undefined {
    const id = this.#present.id;
    if (!this.#present.place || id === undefined || !this.#with.node.table.isRunning(id)) return undefined;
    return { place: this.#present.place, pid: this.#present.pid, processId: id };
  }

  /** Of the container's run of that number. */
  logFile(run: number): string | undefined {
    return this.#present.place && run >= this.#present.firstRun
      ? join(this.#present.place.folder, `${run - this.#present.firstRun}.log`)
      : undefined;
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#present.id !== undefined) this.#with.node.table.signal(this.#present.id, signal);
  }

  /** What was there before this control plane. Its process's end is told, also one that it had while nobody looked. */
  adopt(place: Place | undefined, process: HostedProcess | undefined, run: number): void {
    const { pod, spec, volumes } = this.#with;
    this.#present.place = place;
    if (place && process && !process.exit) volumes.adopt(place, mountsOnceStarted(pod, spec));
    if (place && isShimPlace(place.id)) this.#present.firstRun = run;
    if (!process) return;
    this.#present.id = process.id;
    this.#present.pid = process.pid;
    this.#present.startedAt = process.startedAt;
  }

  /** Its end is told from now on. `startedAt`: as it was told before. */
  watch({ id, pid, exit }: HostedProcess, startedAt: number, run: number): void {
    const { table } = this.#with.node;
    this.#present.startedAt = startedAt;
    if (exit) void this.#onExit(exit, run);
    else {
      table.watch(id, (end) => void this.#onExit(end, run));
      this.#limitMemory(pid);
    }
  }

  /** The container's run of that number. False: it is not wanted any more (`isWanted`), or has ended already. */
  async start(needs: Needs, run: number, isWanted: () => boolean): Promise<boolean> {
    const { image } = needs;
    const { command, args } = this.#with.spec;
    this.#exited = new AbortController();
    const options = { ...this.#with, exited: (exit: ProcessExit) => void this.#onExit(exit, run) };
    const isPlain = command === undefined && !args?.length;
    this.#isProgram = image.kind !== 'shim' || !isPlain;
    const hasStarted =
      image.kind === 'shim' && isPlain
        ? await startShimOf(image.bundle, options, this.#present, needs, run)
        : await startProgram(image.kind === 'shim' ? image.bundle : undefined, options, this.#present, needs, run, isWanted);
    if (hasStarted && !this.exited.aborted) this.#limitMemory(this.#present.pid);
    return hasStarted && !this.exited.aborted;
  }

  /** What has ended by now. Answers what to call when that is stored: only then it may be forgotten. */
  ends(): () => void {
    const told = this.#untold;
    return () => {
      this.#untold = this.#untold.filter((id) => !told.includes(id));
      for (const id of told) this.#with.node.table.forget(id);
    };
  }

  /** All but the logs. */
  async clear(): Promise<void> {
    await this.#present.place?.clear();
  }

  async remove(): Promise<void> {
    const { node, pod, slot } = this.#with;
    this.ends()();
    await this.#present.place?.remove();
    if (slot === firstSlot) await rm(podFolder(node.runFolder, pod.metadata.uid as string), { force: true, recursive: true });
  }

  #limitMemory(pid: number): void {
    const { spec, node } = this.#with;
    const { memoryBytes } = limitsOf(spec);
    const id = this.#present.id;
    if (memoryBytes === undefined || id === undefined || node.isolation.limitsMemory) return;
    node.memory.watch(id, pid, memoryBytes, () => {
      this.#overMemory = true;
      node.table.signal(id, 'SIGKILL');
    });
  }

  async #onExit(exit: ProcessExit, run: number): Promise<void> {
    const { node, spec, ended } = this.#with;
    const { place, id, oomBefore } = this.#present;
    this.#ending = true;
    this.#exited.abort();
    const log = this.logFile(run);
    if (id !== undefined) {
      node.memory.forget(id);
      this.#untold = [...this.#untold, id];
    }
    const byKernel = exit.code !== 0 && (place?.oomKills() ?? 0) > oomBefore;
    const outOfMemory = this.#overMemory || byKernel || (log !== undefined && (await isHeapAbort(exit, log)));
    this.#overMemory = false;
    const end = terminated(exit, this.#present.startedAt, outOfMemory);
    const message = place && terminationMessage(spec, place.folder, end.exitCode, log);
    this.#ending = false;
    ended({ ...end, ...(message && { message }) });
  }
}
