/**
 * The coded table of everything a user can be told went wrong, and the error class that carries a code.
 *
 * The code is the policy: callers decide by it what to do (`retry` says whether trying again can help).
 * One table, so that docs, HTTP statuses and tests agree.
 */
export const errorTable = {
  // What happened inside the user's function.
  HandlerError: { status: 500, retry: 'never', says: 'the function threw or rejected' },
  BuildFailed: { status: 500, retry: 'never', says: 'the source of the function could not be built' },
  LoadError: { status: 500, retry: 'never', says: 'the function could not be loaded' },
  InstanceExited: { status: 502, retry: 'never', says: 'the process of the function ended while it was answering' },
  OutOfMemory: { status: 502, retry: 'never', says: 'the function used more memory than its limit' },
  Timeout: { status: 504, retry: 'never', says: 'the function did not answer in time' },
  // What the platform could not give.
  Busy: { status: 429, retry: 'later', says: 'all instances are busy and the waiting queue is full' },
  NoInstance: { status: 503, retry: 'later', says: 'no instance could be started in time' },
  Unavailable: { status: 503, retry: 'later', says: 'a part of the platform is away' },
  // What the caller got wrong.
  Invalid: { status: 400, retry: 'never', says: 'the request is not valid' },
  Unauthorized: { status: 401, retry: 'never', says: 'no valid token' },
  Forbidden: { status: 403, retry: 'never', says: 'not allowed' },
  NotFound: { status: 404, retry: 'never', says: 'there is nothing of that name' },
  MethodNotAllowed: { status: 405, retry: 'never', says: 'the path exists, but not with this method' },
  Conflict: { status: 409, retry: 'reread', says: 'somebody else changed it first' },
  TooLarge: { status: 413, retry: 'never', says: 'the body is over the limit' },
  Usage: { status: 400, retry: 'never', says: 'the command line is not valid' },
  Internal: { status: 500, retry: 'never', says: 'a defect of the platform' },
} as const;

export type ErrorCode = keyof typeof errorTable;

export interface ErrorDetails {
  /** How to mend it, one sentence. */
  hint?: string;
  /** Path of the wrong field, as `spec.scale.max`. */
  field?: string;
  /** Seconds after which trying again makes sense. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * An error that a user may see: a code of `errorTable`, a sentence that says what is wrong, and how to mend it.
 *
 * @example throw new TsumugiError('NotFound', 'function "helo" does not exist', { hint: 'did you mean "hello"?' })
 */
export class TsumugiError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TsumugiError';
    this.code = code;
    this.hint = details.hint;
    this.field = details.field;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  get status(): number {
    return errorTable[this.code].status;
  }
}

/** What was thrown, as an Error: user code and libraries throw anything. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
