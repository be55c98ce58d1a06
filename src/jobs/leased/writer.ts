/**
 * Writes the progress of one run: what comes while a commit is under way, and for a while after it, is gathered, and the next takes it in one
 * transaction. What a crash finds unwritten is done again, so waiting is right as long as it is short: a commit is a wait for the disk,
 * and calls that are over in less than that would be bound by it.
 */
import type { RunChange, Task } from '../../records/runs.ts';
import type { RunControl } from '../driver.ts';

/** After a commit this many times as long as it took, at most `maxGapMs`. */
const gapFactor = 5;
const maxGapMs = 50;

type Set = NonNullable<RunChange['set']>;

export class Writer {
  readonly #control: RunControl;
  /** By index: a task that begins and ends between two commits is written once. */
  #tasks = new Map<number, Task>();
  #set: Set = {};
  #waits = false;
  #busy: Promise<void> | undefined;
  /** Somebody waits for what was put. */
  #isUrgent = false;
  #hurry: (() => void) | undefined;
  /** Called with why a commit failed; what it held is lost then, and the records are to be read again. */
  readonly #failed: (error: unknown) => void;

  constructor(control: RunControl, failed: (error: unknown) => void) {
    this.#control = control;
    this.#failed = failed;
  }

  put(set: Set, task?: Task): void {
    if (task) this.#tasks.set(task.index, task);
    this.#set = { ...this.#set, ...set };
    this.#waits = true;
    this.#busy ??= this.#run();
  }

  /** Resolves when all that was put is durable, or has failed. */
  async idle(): Promise<void> {
    this.#isUrgent = true;
    this.#hurry?.();
    while (this.#busy) await this.#busy;
    this.#isUrgent = false;
  }

  async #run(): Promise<void> {
    // What else this turn of the event loop brings goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waits) {
      const from = performance.now();
      const change = { set: this.#set, tasks: [...this.#tasks.values()] };
      this.#tasks = new Map();
      this.#set = {};
      this.#waits = false;
      try {
        await this.#control.commit(change);
      } catch (error) {
        this.#waits = false;
        this.#failed(error);
      }
      await this.#gap((performance.now() - from) * gapFactor);
    }
    this.#busy = undefined;
  }

  async #gap(ms: number): Promise<void> {
    if (this.#isUrgent) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(maxGapMs, ms));
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#hurry = undefined;
  }
}
