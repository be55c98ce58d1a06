/** Calls of the jobs API, as Connect has them in JSON: a POST for each, and for a stream a POST whose answer is a row of envelopes. */
import type { IncomingMessage } from 'node:http';
import { type ErrorCode, TsumugiError } from '../base/errors.ts';
import { readText } from './http.ts';
import type { Platform } from './platform.ts';

type Reached = Pick<Platform, 'service'>;

/** `method`: `Jobs/RunJob`. Throws the coded error of the answer. */
export async function call<Answer>(platform: Reached, method: string, request: object, signal?: AbortSignal): Promise<Answer> {
  const response = await post(platform, method, 'application/json', Buffer.from(JSON.stringify(request)), signal);
  return JSON.parse(await readText(response)) as Answer;
}

export async function* stream<Answer>(platform: Reached, method: string, request: object, signal?: AbortSignal): AsyncGenerator<Answer> {
  const text = Buffer.from(JSON.stringify(request));
  const response = await post(platform, method, 'application/connect+json', Buffer.concat([header(text.length), text]), signal);
  for await (const { isLast, json } of envelopes(response)) {
    if (!isLast) {
      yield json as Answer;
      continue;
    }
    const { error } = json as { error?: AnsweredError };
    if (error) throw errorOf(error);
    return;
  }
  throw new TsumugiError('Unavailable', 'the platform broke off its answer', { hint: 'is it still running? try again' });
}

async function post(
  platform: Reached,
  method: string,
  type: string,
  body: Buffer,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const response = await platform.service(`/tsumugi.jobs.v1.${method}`, {
    method: 'POST',
    headers: { 'content-type': type, 'connect-protocol-version': '1' },
    body,
    ...(signal && { signal }),
  });
  if (response.statusCode === 200) return response;
  const text = await readText(response);
  try {
    throw errorOf(JSON.parse(text) as AnsweredError);
  } catch (error) {
    if (error instanceof TsumugiError) throw error;
    throw new TsumugiError('Internal', `the platform API answered ${response.statusCode}: ${text.slice(0, 500)}`, {
      ...(response.statusCode === 404 && { hint: 'does this platform have jobs? It may be of an older version' }),
    });
  }
}

/** Of an envelope: a byte of flags (2: the last one), then the length. */
const headerBytes = 5;

function header(length: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

async function* envelopes(body: AsyncIterable<Buffer>): AsyncGenerator<{ readonly isLast: boolean; readonly json: unknown }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= headerBytes && rest.length >= headerBytes + rest.readUInt32BE(1)) {
      const end = headerBytes + rest.readUInt32BE(1);
      yield { isLast: ((rest[0] ?? 0) & 2) !== 0, json: JSON.parse(rest.toString('utf8', headerBytes, end)) };
      rest = rest.subarray(end);
    }
  }
}

/** As Connect writes errors in JSON. Of a platform that refuses the token, in our own form. */
interface AnsweredError {
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly { readonly type?: string; readonly debug?: { readonly metadata?: { readonly hint?: string } } }[];
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly hint?: string };
}

const codes: Readonly<Record<string, ErrorCode>> = {
  invalid_argument: 'Invalid',
  unauthenticated: 'Unauthorized',
  permission_denied: 'Forbidden',
  not_found: 'NotFound',
  already_exists: 'Conflict',
  aborted: 'Conflict',
  failed_precondition: 'Conflict',
  resource_exhausted: 'Busy',
  unavailable: 'Unavailable',
  deadline_exceeded: 'Timeout',
};

function errorOf({ code = '', message = code, details = [], error }: AnsweredError): TsumugiError {
  if (error) return new TsumugiError(error.code, `${error.code}: ${error.message}`, error.hint ? { hint: error.hint } : {});
  const hint = details.find(({ type }) => type === 'google.rpc.ErrorInfo')?.debug?.metadata?.hint;
  return new TsumugiError(codes[code] ?? 'Internal', message, hint === undefined ? {} : { hint });
}
