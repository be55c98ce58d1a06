import { ApiError, type Status } from '../../resources/object.ts';

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The error that an answer other than 2xx is: the server's Status, or one made of what a proxy said instead. */
export function errorOf(code: number, body: string, retryAfter: string | undefined): ApiError {
  const status = statusOf(body);
  if (status) return new ApiError({ code, ...status });
  const seconds = Number(retryAfter);
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: reasons[code] ?? (code >= 500 ? 'InternalError' : 'Unknown'),
    message: `the server answered ${code}: ${body.trim().slice(0, 300) || 'nothing'}`,
    code,
    ...(seconds > 0 && { details: { retryAfterSeconds: seconds } }),
  });
}

function statusOf(body: string): Status | undefined {
  try {
    const parsed = JSON.parse(body) as Partial<Status>;
    return parsed.kind === 'Status' ? (parsed as Status) : undefined;
  } catch {
    return undefined;
  }
}

/** Where no answer came, or only part of one. */
export function unavailable(server: string, cause: Error): ApiError {
  const error = new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: 'ServiceUnavailable',
    message: `no answer from ${server}: ${cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name)}`,
    code: 503,
  });
  error.cause = cause;
  return error;
}
