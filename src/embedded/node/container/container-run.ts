/** One container of a pod on this node: starts it, knows its state, starts it again as the pod's policy says. */
import { isDeepStrictEqual } from 'node:util';
import { toError } from '../../../base/errors.ts';
import type { Container, ContainerState, ContainerStateTerminated, ContainerStatus, Pod } from '../../../resources/builtin/pod-types.ts';
import type { Adopted } from '../adopt.ts';
import type { NodeContext } from '../node-context.ts';
import { isInitSlot } from '../paths.ts';
import type { PodVolumes } from '../volumes/pod-volumes.ts';
import { Backoff, waitingFor } from './backoff.ts';
import { ContainerProcess } from './container-process.ts';
import { lost, rfc3339 } from './exit.ts';
import { afterStart, beforeEnd } from './lifecycle.ts';
import { findNeeds } from './needs.ts';
import { failureOf } from './start-failure.ts';

/** A start that takes longer is told as ContainerCreating; most never need that write. */
const quietMs = 1000;
/** A program that ends within this time is told as ended, and never as running: of many small tasks that is half of all writes. */
const briefMs = 100;

export class ContainerRun {
  readonly spec: Container;
  /** Among the pod's containers: see `firstSlot`. */
  readonly slot: string;
  readonly #node: NodeContext;
  readonly #pod: Pod;
  readonly #policy: string;
  readonly #volumes: PodVolumes;
  /** Called whenever the status changed. */
  readonly #changed: () => void;
  readonly #process: ContainerProcess;
  readonly #createdAt = Date.now();
  readonly #backoff: Backoff;
  #starting: Promise<void> | undefined;
  #stopping = false;
  #restarts = 0;
  /** The next start is one more. */
  #isDue = false;
  #dueAt = 0;
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #lastState: ContainerState = {};
  /** It has ended for good, and what it used is gone. */
  #isCleared = false;

  constructor(node: NodeContext, pod: Pod, { spec, slot }: { spec: Container; slot: string }, volumes: PodVolumes, changed: () => void) {
    this.#node = node;
    this.#pod = pod;
    this.spec = spec;
    this.slot = slot;
    this.#volumes = volumes;
    this.#changed = changed;
    this.#backoff = new Backoff(node.restartBackoffMs);
    this.#process = new ContainerProcess({ node, pod, spec, slot, volumes, ended: (end) => this.#end(end) });
    const policy = pod.spec.restartPolicy ?? 'Always';
    // An init container has to end well once.
    this.#policy = isInitSlot(slot) && policy === 'Always' ? 'OnFailure' : policy;
  }

  get status(): ContainerStatus {
    const { image = '', name } = this.spec;
    const { id } = this.#process;
    const running = this.#state.running !== undefined;
    return {
      name,
      image,
      imageID: '',
      ...(id === undefined ? {} : { containerID: `tsumugi://${id}` }),
      ready: running,
      started: running,
      restartCount: this.#restarts,
      state: this.#state,
      lastState: this.#lastState,
    };
  }

  /** Of the present status. Answers what to call when it is stored: what it tells need not be kept any more. */
  tells(): () => void {
    const forget = this.#process.ends();
    const isOver = this.#state.terminated !== undefined;
    return () => {
      forget();
      if (!isOver || this.#isCleared) return;
      this.#isCleared = true;
      void this.#process.clear();
    };
  }

  /** In how many ms there is something to tell (that it runs, has ended, or waits for more than its turn), if nothing happens before; 0: now. */
  get settlesIn(): number {
    if (this.#lastState.terminated !== undefined) return 0;
    if (this.#state.waiting?.reason === 'ContainerCreating') return Math.max(0, this.#createdAt + quietMs - Date.now());
    const isBrief = this.#state.running !== undefined && this.#process.isProgram;
    return isBrief ? Math.max(0, this.#process.startedAt + briefMs - Date.now()) : 0;
  }

  /** Something of it is alive, or about to be. */
  get isAlive(): boolean {
    return this.#starting !== undefined || this.#process.isAlive;
  }

  /** How it ended, for good. */
  get end(): ContainerStateTerminated | undefined {
    return this.#state.terminated;
  }

  /** The log of the present run, or of the one before. */
  logFile(previous: boolean): string | undefined {
    return this.#process.logFile(this.#restarts - (previous ? 1 : 0));
  }

  /** Where it runs; undefined while it does not. */
  get running(): ContainerProcess['running'] {
    return this.#state.running && this.#process.running;
  }

  /** Something is to be done before it is told to end. */
  get hasPreStop(): boolean {
    return this.spec.lifecycle?.preStop !== undefined && this.running !== undefined;
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

  /** SIGTERM, after what is to be done before it. Resolves when that is sent. */
  async terminate(graceMs: number): Promise<void> {
    const { running } = this;
    if (running && this.hasPreStop) await beforeEnd(this.#node, this.#pod, { ...running, spec: this.spec }, this.#process.exited, graceMs);
    this.signal('SIGTERM');
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#process.signal(signal);
  }

  /** It ran before this control plane did: goes on with what the host tells, or with its end. */
  adopt({ process, place }: Adopted, before: ContainerStatus | undefined, finished: boolean): void {
    this.#restarts = before?.restartCount ?? 0;
    this.#lastState = before?.lastState ?? {};
    const ended = before?.state?.terminated;
    if (ended && process?.exit) this.#node.table.forget(process.id);
    this.#process.adopt(place, ended ? undefined : process, this.#restarts);
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
    const since = startedAt === undefined ? process.startedAt : Date.parse(startedAt);
    this.#state = { running: { startedAt: rfc3339(since) } };
    this.#process.watch(process, since, this.#restarts);
  }

  /** The pod object is gone and so are its processes. */
  async remove(): Promise<void> {
    await this.#starting;
    await this.#process.remove();
  }

  async #start(): Promise<void> {
    const needs = await findNeeds(this.#node, this.#pod, this.spec, this.#volumes);
    const hasStarted = await this.#process.start(needs, this.#restarts, () => !this.#stopping);
    if (!hasStarted || (this.spec.lifecycle?.postStart && !(await this.#afterStart()))) return;
    this.#state = { running: { startedAt: rfc3339(this.#process.startedAt) } };
    this.#changed();
  }

  /** It is told to run when this is done. */
  async #afterStart(): Promise<boolean> {
    const { exited, running } = this.#process;
    if (!running) return false;
    return afterStart(this.#node, this.#pod, { ...running, spec: this.spec }, exited, (signal) => this.signal(signal));
  }

  /** Ended: for good, or until its next start. */
  #end(end: ContainerStateTerminated): void {
    const { id } = this.#process;
    const state = { terminated: { ...end, ...(id !== undefined && { containerID: `tsumugi://${id}` }) } };
    const again = !this.#stopping && (this.#policy === 'Always' || (this.#policy === 'OnFailure' && end.exitCode !== 0));
    if (again) this.#scheduleRestart(state);
    else this.#state = state;
    this.#changed();
  }

  #scheduleRestart(ended: ContainerState): void {
    const now = Date.now();
    const delay = this.#backoff.next(now - this.#process.startedAt);
    this.#isDue = true;
    this.#lastState = ended;
    this.#dueAt = now + delay;
    this.#state = { waiting: waitingFor(delay) };
    if (delay > 0) this.#node.recorder.record(this.#pod, 'Warning', 'BackOff', `Back-off restarting failed container ${this.spec.name}`);
  }

  #failToStart(error: Error): void {
    const failure = failureOf(error);
    if ('end' in failure) return this.#end(failure.end);
    const { waiting, retryMs, event } = failure;
    const isKnown = waiting.message !== undefined && isDeepStrictEqual(this.#state.waiting, waiting);
    this.#state = { waiting };
    this.#dueAt = Date.now() + retryMs;
    if (!isKnown) this.#node.recorder.record(this.#pod, 'Warning', event.reason, event.message);
  }
}
