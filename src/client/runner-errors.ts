import type { RunnerRecord, RunnerStatus } from './runner-requests.ts';

/** A run takes longer than its caller wanted to wait. It goes on. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly runnerId: string;
  readonly status: RunnerStatus;

  constructor(runnerId: string, status: RunnerStatus, seconds: number) {
    super(`${runnerId} is still ${status} after ${seconds} s; it goes on`);
    this.runnerId = runnerId;
    this.status = status;
  }
}

/** A run has no result: the function threw (then name, message and stack are those of what it threw), or it never came to its end. */
export class RunnerError extends Error {
  readonly runnerId: string;
  readonly status: RunnerStatus;
  /** A word for it: `HandlerError`, `DeadlineExceeded`, `OutOfMemory`, `NotStarted`, …. */
  readonly reason: string;

  constructor({ id, status, reason = '', message, result }: RunnerRecord) {
    const thrown = reason === 'HandlerError' ? result?.error : undefined;
    super(thrown?.message ?? message ?? `the run ${id} is ${status}`);
    this.name = thrown?.name ?? 'RunnerError';
    if (thrown) this.stack = thrown.stack;
    this.runnerId = id;
    this.status = status;
    this.reason = reason;
  }
}
