/** Which tasks of an execution are still to be done, in order: those that were begun before first, then those that were not. */
import type { Task, TaskCounts } from '../../records/runs.ts';

/** A task's next attempt. */
export interface Next {
  readonly index: number;
  readonly attempt: number;
  readonly firstAttempt: number;
}

export class Todo {
  readonly #count: number;
  /** Indexes that have a record: they are not begun a second time. */
  readonly #recorded = new Set<number>();
  /** To be tried again at once. */
  readonly #again: Next[] = [];
  #fresh = 0;
  #succeeded = 0;
  #failed = 0;
  #cancelled = 0;
  #retried = 0;
  #running = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** What the records say of a task. One that ran when the platform stopped is run again: that was no attempt. */
  load({ index, attempt, firstAttempt = 0, status }: Task): void {
    this.#recorded.add(index);
    this.#retried += attempt;
    if (status === 'succeeded') this.#succeeded += 1;
    else if (status === 'failed') this.#failed += 1;
    else if (status === 'cancelled') this.#cancelled += 1;
    else this.#again.push({ index, attempt, firstAttempt });
  }

  next(): Next | undefined {
    const again = this.#again.shift();
    if (again) return again;
    while (this.#fresh < this.#count && this.#recorded.has(this.#fresh)) this.#recorded.delete(this.#fresh++);
    return this.#fresh < this.#count ? { index: this.#fresh++, attempt: 0, firstAttempt: 0 } : undefined;
  }

  begun(): void {
    this.#running += 1;
  }

  /** Not begun, or to be begun again: the same attempt. */
  back(next: Next): void {
    this.#running -= 1;
    this.#again.push(next);
  }

  /** The attempt failed: another will follow, in its time. Answers that. */
  failedOnce({ index, attempt, firstAttempt }: Next): Next {
    this.#running -= 1;
    this.#retried += 1;
    return { index, attempt: attempt + 1, firstAttempt };
  }

  /** Its time has come. */
  again(next: Next): void {
    this.#again.push(next);
  }

  ended(status: 'succeeded' | 'failed' | 'cancelled'): void {
    this.#running -= 1;
    if (status === 'succeeded') this.#succeeded += 1;
    else if (status === 'failed') this.#failed += 1;
    else this.#cancelled += 1;
  }

  get running(): number {
    return this.#running;
  }

  get isDone(): boolean {
    return this.#succeeded + this.#failed + this.#cancelled >= this.#count;
  }

  /** What is left counts as cancelled. */
  cancelRest(): void {
    this.#cancelled = this.#count - this.#succeeded - this.#failed;
  }

  counts(): TaskCounts {
    return {
      running: this.#running,
      succeeded: this.#succeeded,
      failed: this.#failed,
      cancelled: this.#cancelled,
      retried: this.#retried,
    };
  }
}
