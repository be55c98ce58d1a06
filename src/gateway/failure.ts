import type { ServerResponse } from 'node:http';
import type { TsumugiError } from '../base/errors.ts';
import { MethodNotAllowed } from './resolver.ts';

/** What else an error's answer tells. */
export interface FailureContext {
  readonly requestId: string;
  readonly function?: string | undefined;
  readonly revision?: string | undefined;
}

/** The body of every error: `{"error":{code,message,hint,function,revision,requestId}}`. */
export function errorBody(error: TsumugiError, context: FailureContext): string {
  const { code, message, hint } = error;
  return `${JSON.stringify({ error: { code, message, hint, function: context.function, revision: context.revision, requestId: context.requestId } })}\n`;
}

/** Answers with the error. `close`: the request was not read to its end, so the connection cannot be used again. */
export function sendError(response: ServerResponse, error: TsumugiError, context: FailureContext, close: boolean): void {
  const body = errorBody(error, context);
  const headers: Record<string, string | number> = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'X-Request-Id': context.requestId,
  };
  if (error.retryAfterSeconds !== undefined) headers['Retry-After'] = Math.max(1, Math.ceil(error.retryAfterSeconds));
  if (error instanceof MethodNotAllowed) headers['Allow'] = error.allow.join(', ');
  if (error.code === 'Unauthorized') headers['WWW-Authenticate'] = 'Bearer';
  if (close) headers['Connection'] = 'close';
  response.writeHead(error.status, headers);
  response.end(body);
}

/** A request that could not even be parsed: 400, 408, 431 as plain bytes on its socket. */
export function malformedAnswer(code: string | undefined): string {
  const [status, reason] =
    code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large']
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout']
        : [400, 'Bad Request'];
  const body = `${JSON.stringify({ error: { code: status === 431 ? 'TooLarge' : 'Invalid', message: `the request is no valid HTTP/1.1 (${code ?? 'malformed'})` } })}\n`;
  return `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
