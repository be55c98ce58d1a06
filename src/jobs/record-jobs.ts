/** The jobs port on the records: reads and wishes; what is to be done with them the leader's engine does. */
import { type Clock, systemClock } from '../base/clock.ts';
import { TsumugiError } from '../base/errors.ts';
import { nameSuffix, newUid } from '../base/ids.ts';
import type { NewRun, Run, RunChange, RunDesire, RunStore, Task } from '../records/runs.ts';
import type { Bell } from './bell.ts';
import type { Jobs, RunJobRequest, RunLogLine, RunLogQuery, RunRef, TaskView } from './jobs.ts';
import { planOf } from './model/plan.ts';
import { queueUntil } from './model/queue.ts';

export interface RecordJobsOptions {
  readonly runs: RunStore;
  readonly bell: Bell;
  /** What a run of the JobDefinition would be, its uid and time aside. */
  readonly plan: (request: RunJobRequest & { readonly name: string }) => Promise<Omit<NewRun, 'uid' | 'createdAt'>>;
  readonly logs: (run: Run, query: RunLogQuery) => AsyncIterable<RunLogLine>;
  /** The object that declares the run, if any, goes first: else it would be run again. */
  readonly undeclare: (run: Run) => Promise<boolean>;
  /** Ends of names that are made. */
  readonly suffix?: () => string;
  readonly clock?: Clock;
}

/** How often a watcher looks without having been told: another replica may lead. */
const watchMs = 250;
const taskPage = 1000;
const mostTries = 8;

export class RecordJobs implements Jobs {
  readonly #options: RecordJobsOptions;
  readonly #suffix: () => string;
  readonly #clock: Clock;

  constructor(options: RecordJobsOptions) {
    this.#options = options;
    this.#suffix = options.suffix ?? nameSuffix;
    this.#clock = options.clock ?? systemClock;
  }

  async planJob(request: RunJobRequest): Promise<NewRun> {
    // A run's name has at most 40 characters; that of its job may have as many.
    const name = request.name ?? `${request.job.slice(0, 34)}-${this.#suffix()}`;
    return this.#waiting({ ...(await this.#options.plan({ ...request, name })), uid: newUid() });
  }

  async runJob(request: RunJobRequest): Promise<Run> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#insert(await this.planJob(request));
      } catch (error) {
        // Of some thousand names that were made two are the same.
        const isMade = request.name === undefined && error instanceof TsumugiError && error.code === 'Conflict';
        if (!isMade || tries === mostTries) throw error;
      }
    }
  }

  run(run: Omit<NewRun, 'uid' | 'createdAt'> & { readonly uid?: string }): Promise<Run> {
    return this.#insert(this.#waiting({ uid: newUid(), ...run }));
  }

  async get({ namespace, name }: RunRef): Promise<Run> {
    const [run] = await this.#options.runs.find(namespace, [name]);
    if (!run) throw new TsumugiError('NotFound', `there is no run "${name}" in namespace ${namespace}`);
    return run;
  }

  list(query: Parameters<Jobs['list']>[0]): Promise<readonly Run[]> {
    return this.#options.runs.list(query);
  }

  async tasks(ref: RunRef, { limit, after = -1 }: { readonly limit: number; readonly after?: number }): Promise<readonly TaskView[]> {
    const run = await this.get(ref);
    const found = await this.#options.runs.tasks(run.uid, { limit, after });
    if (run.kind !== 'execution') return found;
    // Those without a record stand between the others.
    const byIndex = new Map(found.map((task) => [task.index, task]));
    const end = Math.min(planOf(run).taskCount, after + 1 + limit);
    const pending = run.endedAt === undefined ? 'pending' : 'cancelled';
    return Array.from({ length: Math.max(0, end - after - 1) }, (_, n) => {
      const index = after + 1 + n;
      return byIndex.get(index) ?? { index, attempt: 0, status: pending };
    });
  }

  async *logs(ref: RunRef, query: RunLogQuery): AsyncGenerator<RunLogLine> {
    yield* this.#options.logs(await this.get(ref), query);
  }

  async *watch(ref: RunRef, signal: AbortSignal): AsyncGenerator<Run> {
    const { runs, bell } = this.#options;
    let last = await this.get(ref);
    yield last;
    while (!signal.aborted && last.endedAt === undefined) {
      await bell.wait(watchMs, signal);
      const [run] = await runs.get([last.uid]);
      if (!run) throw new TsumugiError('NotFound', `run "${ref.name}" was deleted`);
      if (run.version === last.version) continue;
      last = run;
      yield run;
    }
  }

  /** Resolves when the run has ended or is gone, or `signal` is aborted. */
  async ended({ uid }: Run, signal: AbortSignal): Promise<void> {
    const { runs, bell } = this.#options;
    while (!signal.aborted) {
      const [run] = await runs.get([uid]);
      if (!run || run.endedAt !== undefined) return;
      await bell.wait(watchMs, signal);
    }
  }

  cancel(ref: RunRef, version?: number): Promise<Run> {
    return this.#want(ref, 'cancel', version);
  }

  pause(ref: RunRef, version?: number): Promise<Run> {
    return this.#want(ref, 'pause', version);
  }

  resume(ref: RunRef, version?: number): Promise<Run> {
    return this.#want(ref, 'run', version);
  }

  async retry(ref: RunRef, version?: number): Promise<Run> {
    const { runs, bell } = this.#options;
    const run = await this.get(ref);
    if (run.kind !== 'execution') throw new TsumugiError('Invalid', `"${ref.name}" is a ${run.kind}: only executions can be tried again`);
    if (run.endedAt === undefined) throw new TsumugiError('Conflict', `"${ref.name}" has not ended`, { hint: 'wait for it, or cancel it' });
    if (run.status === 'succeeded') throw new TsumugiError('Conflict', `all tasks of "${ref.name}" have succeeded`);
    await runs.commit([{ ...(await this.#again(run)), version: version ?? run.version }]);
    bell.ring('asked', run);
    return this.get(ref);
  }

  async delete(ref: RunRef, version?: number): Promise<void> {
    const run = await this.get(ref);
    if (version !== undefined && version !== run.version) await this.#want(ref, run.desired, version);
    if (!(await this.#options.undeclare(run))) await this.#want(ref, 'delete', version);
  }

  #waiting(run: Omit<NewRun, 'createdAt'>): NewRun {
    const createdAt = this.#clock.now();
    return { ...run, createdAt, ...queueUntil(run.spec, createdAt) };
  }

  async #insert(run: NewRun): Promise<Run> {
    const [made] = await this.#options.runs.insert([run]);
    this.#options.bell.ring('asked', made);
    return made as Run;
  }

  async #want(ref: RunRef, desired: RunDesire, version?: number): Promise<Run> {
    const { uid } = await this.get(ref);
    const run = await this.#options.runs.want(uid, desired, version);
    this.#options.bell.ring('asked', run);
    return run;
  }

  /** Queued again, with what failed or was cancelled to be done once more and all its attempts before it. */
  async #again({ uid, counts, spec }: Run): Promise<RunChange> {
    const tasks: Task[] = [];
    for (let after = -1; ;) {
      const page = await this.#options.runs.tasks(uid, { limit: taskPage, after, status: ['pending', 'running', 'failed', 'cancelled'] });
      for (const { index, attempt, error, exitCode } of page) {
        const next = attempt + 1;
        tasks.push({
          index,
          attempt: next,
          firstAttempt: next,
          status: 'pending',
          ...(error !== undefined && { error }),
          ...(exitCode !== undefined && { exitCode }),
        });
      }
      const last = page.at(-1);
      if (!last || page.length < taskPage) break;
      after = last.index;
    }
    return {
      uid,
      desired: 'run',
      set: {
        status: 'queued',
        counts: { ...counts, running: 0, failed: 0, cancelled: 0 },
        ...queueUntil(spec, this.#clock.now()),
        endedAt: null,
        admittedAt: null,
        reason: null,
        message: null,
      },
      tasks,
    };
  }
}
