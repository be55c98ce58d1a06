/** One execution of a function: keeps `parallelism` calls under way until every task has ended. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { TsumugiError } from '../../base/errors.ts';
import { exportOf } from '../../invoke/export.ts';
import type { Invoker } from '../../invoke/invoker.ts';
import type { Run, RunChange, RunStatus, RunStore, Task } from '../../records/runs.ts';
import { taskHeader } from '../../wire/task.ts';
import type { RunControl } from '../driver.ts';
import { type ExecutionPlan, planOf } from '../model/plan.ts';
import { attempt, type Outcome } from './attempt.ts';
import { callId } from './logs.ts';
import { type Next, Todo } from './todo.ts';
import { Writer } from './writer.ts';

export interface Surroundings {
  readonly runs: RunStore;
  readonly invoker: Invoker;
  readonly clock: Clock;
}

type Set = NonNullable<RunChange['set']>;

const taskPage = 2000;
/** Between two attempts of a task: doubled each time, at most `maxRetryMs`. */
const firstRetryMs = 100;
const maxRetryMs = 10_000;
/** Where the platform could not begin it. */
const unstartedMs = 500;
/** How often it is looked whether the function is ready; how long it may be missing: it may have been applied together with this. */
const readyMs = 50;
const missingMs = 5000;
/** So long one instance may do it alone: what is over sooner is not worth more. */
const spreadAfterMs = 150;

interface End {
  readonly status: RunStatus;
  readonly reason: string;
  readonly message: string;
}

export class LeasedExecution {
  readonly #run: Run;
  readonly #plan: ExecutionPlan;
  readonly #call: NonNullable<ExecutionPlan['call']>;
  readonly #control: RunControl;
  readonly #with: Surroundings;
  readonly #todo: Todo;
  readonly #writer: Writer;
  readonly #done = Promise.withResolvers<void>();
  /** By index. */
  readonly #running = new Map<number, { readonly next: Next; readonly abort: () => void }>();
  /** Places that nobody takes for a while. */
  #held = 0;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #trace = randomBytes(16).toString('hex');
  readonly #key: string;
  #spans = 0;
  #export = '';
  /** Nothing is begun any more; it ends like this when nothing runs. */
  #ending: End | undefined;
  #begun = false;
  #over = false;

  constructor(run: Run, control: RunControl, surroundings: Surroundings) {
    this.#run = run;
    this.#plan = planOf(run);
    const { call } = this.#plan;
    if (!call) throw new TsumugiError('Invalid', `execution "${run.name}" calls no function`);
    this.#call = call;
    this.#control = control;
    this.#with = surroundings;
    this.#key = `${run.namespace}/${call.function}`;
    this.#todo = new Todo(this.#plan.taskCount);
    this.#writer = new Writer(control, (error) => this.#stop(error));
  }

  /** Resolves when the end is written or `control.signal` is aborted; rejects when it could not go on. */
  async run(): Promise<void> {
    const { signal } = this.#control;
    const { clock, invoker } = this.#with;
    const { deadlineSeconds, parallelism } = this.#plan;
    await this.#load();
    const onAbort = (): void => this.#stop();
    signal.addEventListener('abort', onAbort, { once: true });
    const forget = this.#control.onDesired(() => this.#turn());
    try {
      if (signal.aborted) return;
      if (deadlineSeconds !== undefined) {
        const until = (this.#run.admittedAt ?? clock.now()) + deadlineSeconds * 1000;
        this.#later(Math.max(0, until - clock.now()), () => this.#expire(deadlineSeconds));
      }
      await this.#functionReady();
      this.#later(spreadAfterMs, () => invoker.spread(this.#key, parallelism));
      this.#turn();
      await this.#done.promise;
    } finally {
      forget();
      signal.removeEventListener('abort', onAbort);
      for (const timer of this.#timers) clearTimeout(timer);
      // Nothing comes any more: it need not wait for more.
      void this.#writer.idle();
    }
  }

  /** Waits until there is a revision to be called. Throws what waiting cannot mend. */
  async #functionReady(): Promise<void> {
    const { clock, invoker } = this.#with;
    const givenUpAt = clock.now() + missingMs;
    while (!this.#over && !this.#ending) {
      const entry = invoker.lookup(this.#key);
      if (entry?.revisionUid) {
        this.#export = this.#call.export ?? exportOf(entry, '');
        return;
      }
      if (entry?.unreadyCode) throw new TsumugiError(entry.unreadyCode, `function "${this.#call.function}": ${entry.unready}`);
      if (!entry && clock.now() >= givenUpAt) {
        throw new TsumugiError('NotFound', `function "${this.#call.function}" does not exist in namespace ${this.#run.namespace}`);
      }
      await clock.sleep(readyMs, this.#control.signal).catch(() => undefined);
      this.#turn();
    }
  }

  async #load(): Promise<void> {
    for (let after = -1; ;) {
      const page = await this.#with.runs.tasks(this.#run.uid, { limit: taskPage, after });
      for (const task of page) this.#todo.load(task);
      const last = page.at(-1);
      if (!last || page.length < taskPage) return;
      after = last.index;
    }
  }

  /** Begins what can be begun, or ends it. */
  #turn(): void {
    if (this.#over) return;
    const desired = this.#control.desired();
    if (!this.#ending && (desired === 'cancel' || desired === 'delete')) this.#cancel();
    if (!this.#ending && this.#todo.isDone) this.#ending = this.#verdict();
    if (this.#ending) {
      if (this.#todo.running === 0) this.#end(this.#ending);
      return;
    }
    if (this.#export === '') return;
    if (desired !== 'run') return;
    while (this.#running.size + this.#held < this.#plan.parallelism) {
      const next = this.#todo.next();
      if (!next) return;
      this.#begin(next);
    }
  }

  #begin(next: Next): void {
    const { index } = next;
    const { name: execution, job } = this.#run;
    const startedAt = this.#with.clock.now();
    this.#todo.begun();
    this.#put(next, { status: 'running', startedAt });
    const abort = attempt(
      this.#with.invoker,
      {
        function: this.#key,
        method: 'POST',
        target: '/',
        requestId: callId(execution, index, next.attempt),
        traceparent: `00-${this.#trace}-${(++this.#spans).toString(16).padStart(16, '0')}-01`,
        export: encodeURIComponent(this.#export),
        origin: 'http://tsumugi',
        headers: taskHeader({ execution, job, index, count: this.#plan.taskCount, attempt: next.attempt }),
        timeoutMs: this.#plan.timeoutSeconds * 1000,
      },
      this.#arguments(index),
      (outcome) => {
        this.#running.delete(index);
        this.#finished(next, startedAt, outcome);
        this.#turn();
      },
    );
    this.#running.set(index, { next, abort });
  }

  #arguments(index: number): Buffer | undefined {
    const { args } = this.#call;
    const { items } = this.#plan;
    if (!items) return args.length === 0 ? undefined : Buffer.from(JSON.stringify(args));
    return Buffer.from(JSON.stringify([...args, items[index]]));
  }

  #finished(next: Next, startedAt: number, outcome: Outcome): void {
    const times = { startedAt, endedAt: this.#with.clock.now() };
    if (outcome.kind === 'succeeded') {
      this.#todo.ended('succeeded');
      const { result } = outcome;
      return this.#put(next, { ...times, status: 'succeeded', exitCode: 0, ...(result !== undefined && { result }) });
    }
    const { error } = outcome;
    const tries = next.attempt - next.firstAttempt;
    if (outcome.kind === 'unstarted') {
      // Back in line, but not at once: what keeps the platform from it is not over in a moment.
      this.#todo.back(next);
      this.#put(next, { status: 'pending', error });
      this.#held += 1;
      this.#later(unstartedMs, () => {
        this.#held -= 1;
        this.#turn();
      });
    } else if (tries >= this.#plan.maxRetries) {
      this.#todo.ended('failed');
      this.#put(next, { ...times, status: 'failed', exitCode: 1, error });
    } else {
      const again = this.#todo.failedOnce(next);
      this.#put(again, { ...times, status: 'pending', exitCode: 1, error });
      this.#later(Math.min(maxRetryMs, firstRetryMs * 2 ** tries), () => {
        this.#todo.again(again);
        this.#turn();
      });
    }
  }

  #put({ index, attempt: number, firstAttempt }: Next, task: Omit<Task, 'index' | 'attempt'>): void {
    const running: Set = this.#run.status === 'queued' && !this.#begun ? { status: 'running', startedAt: this.#with.clock.now() } : {};
    this.#begun = true;
    const first = firstAttempt > 0 && { firstAttempt };
    this.#writer.put({ ...running, counts: this.#todo.counts() }, { index, attempt: number, ...first, ...task });
  }

  /** Tasks that run have the grace to end by themselves. */
  #cancel(): void {
    this.#ending = { status: 'cancelled', reason: 'Cancelled', message: 'it was cancelled' };
    this.#later(this.#plan.graceSeconds * 1000, () => this.#giveUp());
  }

  #expire(seconds: number): void {
    this.#ending ??= { status: 'failed', reason: 'DeadlineExceeded', message: `it took longer than its deadline of ${seconds} s` };
    this.#giveUp();
  }

  #giveUp(): void {
    const endedAt = this.#with.clock.now();
    const given = [...this.#running.values()];
    this.#running.clear();
    for (const { next, abort } of given) {
      abort();
      this.#todo.ended('cancelled');
      this.#put(next, { status: 'cancelled', endedAt });
    }
    this.#turn();
  }

  #verdict(): End {
    const { failed, succeeded } = this.#todo.counts();
    if (failed === 0)
      return { status: 'succeeded', reason: 'Succeeded', message: `${succeeded} of ${this.#plan.taskCount} tasks succeeded` };
    return { status: 'failed', reason: 'TasksFailed', message: `${failed} of ${this.#plan.taskCount} tasks failed` };
  }

  #end(end: End): void {
    this.#over = true;
    if (!this.#todo.isDone) this.#todo.cancelRest();
    this.#writer.put({ ...end, counts: this.#todo.counts(), endedAt: this.#with.clock.now() });
    void this.#writer.idle().then(() => this.#done.resolve());
  }

  /** Leaves everything as it is. */
  #stop(error?: unknown): void {
    this.#over = true;
    for (const { abort } of this.#running.values()) abort();
    this.#running.clear();
    if (error === undefined || this.#control.signal.aborted) this.#done.resolve();
    else this.#done.reject(error);
  }

  #later(ms: number, work: () => void): void {
    // setTimeout knows no more than 24 days.
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (!this.#over) work();
      },
      Math.min(ms, 2 ** 31 - 1),
    );
    this.#timers.add(timer);
  }
}
