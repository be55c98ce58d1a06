/** Writes the progress of one run: while a commit is under way all that comes is gathered, and the next takes it in one transaction. */
import type { RunChange, Task } from '../../records/runs.ts';
import type { RunControl } from '../driver.ts';

type Set = NonNullable<RunChange['set']>;

export class Writer {
  readonly #control: RunControl;
  /** By index: a task that begins and ends between two commits is written once. */
  #tasks = new Map<number, Task>();
  #set: Set = {};
  #waits = false;
  #busy: Promise<void> | undefined;
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
    while (this.#busy) await this.#busy;
  }

  async #run(): Promise<void> {
    // What else this turn of the event loop brings goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waits) {
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
    }
    this.#busy = undefined;
  }
}
