/** Errors as gRPC and Connect clients know them: standard codes, and google.rpc details for who reads them. */
import { Code, ConnectError } from '@connectrpc/connect';
import { type ErrorCode, toError, TsumugiError } from '../../base/errors.ts';
import { ApiError } from '../../resources/object.ts';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from './generated/error_details.generated.ts';

const codes: Partial<Record<ErrorCode, Code>> = {
  Invalid: Code.InvalidArgument,
  Usage: Code.InvalidArgument,
  TooLarge: Code.InvalidArgument,
  Unauthorized: Code.Unauthenticated,
  Forbidden: Code.PermissionDenied,
  NotFound: Code.NotFound,
  Conflict: Code.Aborted,
  Busy: Code.ResourceExhausted,
  NoInstance: Code.Unavailable,
  Unavailable: Code.Unavailable,
  Timeout: Code.DeadlineExceeded,
};

/** By the reason of a Status of the Kubernetes API. */
const reasons: Readonly<Record<string, Code>> = {
  Invalid: Code.InvalidArgument,
  BadRequest: Code.InvalidArgument,
  NotFound: Code.NotFound,
  AlreadyExists: Code.AlreadyExists,
  Conflict: Code.Aborted,
  Forbidden: Code.PermissionDenied,
  Unauthorized: Code.Unauthenticated,
  Expired: Code.Aborted,
  TooManyRequests: Code.ResourceExhausted,
  ServiceUnavailable: Code.Unavailable,
};

/** What a method may throw where the code of `TsumugiError` is not fine enough. */
export class StatusError extends Error {
  readonly code: 'AlreadyExists' | 'FailedPrecondition';

  constructor(code: StatusError['code'], cause: Error) {
    super(cause.message, { cause });
    this.code = code;
  }
}

export function toConnectError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  if (thrown instanceof ApiError) return ofApi(thrown);
  const error = toError(thrown instanceof StatusError ? thrown.cause : thrown);
  const code = thrown instanceof StatusError ? Code[thrown.code] : undefined;
  if (!(error instanceof TsumugiError)) return new ConnectError(error.message, Code.Internal, undefined, undefined, thrown);
  const { message, hint, field, retryAfterSeconds } = error;
  const result = new ConnectError(message, code ?? codes[error.code] ?? Code.Internal, undefined, undefined, thrown);
  describe(result, error.code, hint);
  if (field !== undefined) result.details.push(violations([{ field, description: message }]));
  if (retryAfterSeconds !== undefined) {
    const retryDelay = { seconds: BigInt(Math.ceil(retryAfterSeconds)) };
    result.details.push({ desc: RetryInfoSchema, value: { retryDelay } });
  }
  return result;
}

function ofApi(error: ApiError): ConnectError {
  const { reason, status } = error;
  // Of rules that were not looked at the API server tells without a field.
  const causes = (status.details?.causes ?? []).filter(({ field = '' }) => field !== '' && field !== '<nil>');
  const fields = causes.map(({ field = '', message = '' }) => ({ field: fieldOf(field), description: message }));
  const message =
    reason === 'Invalid' && fields.length > 0 ? fields.map((each) => `${each.field}: ${each.description}`).join('; ') : error.message;
  const result = new ConnectError(message, reasons[reason] ?? Code.Internal, undefined, undefined, error);
  describe(result, reason);
  if (fields.length > 0) result.details.push(violations(fields));
  return result;
}

/** The API's path of a field of a JobDefinition. */
const fieldOf = (path: string): string =>
  path
    .replace(/^spec\.template\.spec\.template\.spec/, 'job.template.template')
    .replace(/^spec\.template\.spec/, 'job.template')
    .replace(/^spec\./, 'job.')
    .replace(/^metadata\.name$/, 'job_id');

function describe(error: ConnectError, reason: string, hint?: string): void {
  const metadata: Record<string, string> = hint === undefined ? {} : { hint };
  error.details.push({ desc: ErrorInfoSchema, value: { reason, domain: 'tsumugi.dev', metadata } });
}

const violations = (fieldViolations: { field: string; description: string }[]) => ({ desc: BadRequestSchema, value: { fieldViolations } });
