import type { TsumugiError } from '../base/errors.ts';
import type { HttpConnection } from './http/connection.ts';
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
export function sendError(connection: HttpConnection, error: TsumugiError, context: FailureContext, close: boolean): void {
  let more = `X-Request-Id: ${context.requestId}\r\n`;
  if (error.retryAfterSeconds !== undefined) more += `Retry-After: ${Math.max(1, Math.ceil(error.retryAfterSeconds))}\r\n`;
  if (error instanceof MethodNotAllowed) more += `Allow: ${error.allow.join(', ')}\r\n`;
  if (error.code === 'Unauthorized') more += 'WWW-Authenticate: Bearer\r\n';
  if (close) connection.keep = false;
  sendJson(connection, error.status, errorBody(error, context), more);
}

/** A whole answer of the gateway itself. */
export function sendJson(connection: HttpConnection, status: number, text: string, more = ''): void {
  const body = Buffer.from(text);
  const fields = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  connection.answer({ status, fields, length: String(body.length), dated: false }, more, body, true);
}
