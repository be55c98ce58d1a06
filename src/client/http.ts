/** One HTTP request of a program that uses the platform: to the gateway, the platform API, or the Kubernetes API. Bodies are streams both ways. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { type ErrorCode, errorTable, TsumugiError } from '../base/errors.ts';
import type { Connection, Credentials } from '../kube/connection.ts';
import { nodeHttp } from '../kube/http/node-http.ts';

/** Our token for the gateway and the platform API: never sent on, unlike `Authorization`, which a function may want for itself. */
export const tokenHeader = 'tsumugi-authorization';

export interface Target {
  /** Without a slash at the end. */
  readonly url: string;
  /** Instead of the URL's host: a unix socket. */
  readonly socketPath?: string;
  readonly ca?: string;
  readonly serverName?: string;
  readonly insecure?: boolean;
  readonly credentials?: () => Promise<Credentials>;
  /** What to do when nobody answers. */
  readonly hint?: string;
}

/** The API server, as whoever the context says. */
export function apiTarget({ server, ca, serverName, insecure, from, credentials }: Connection): Target {
  return {
    url: server,
    ...(ca ? { ca } : {}),
    ...(serverName ? { serverName } : {}),
    ...(insecure ? { insecure } : {}),
    credentials: () => credentials(),
    hint: `is the cluster of ${from} up?`,
  };
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | Readable;
  readonly signal?: AbortSignal;
}

/** Resolves with the head of the answer, whatever its status. Throws Unavailable where nobody answers. */
export async function send(
  target: Target,
  path: string,
  { method = 'GET', headers = {}, body, signal }: RequestOptions = {},
): Promise<IncomingMessage> {
  const { token, certificate, key, username, password } = (await target.credentials?.()) ?? {};
  const authorization = token
    ? `Bearer ${token}`
    : username
      ? `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
      : undefined;
  const url = new URL(target.url + path);
  const request = nodeHttp(url.protocol === 'https:').request(url, {
    method,
    headers: { 'user-agent': 'tsumugi', ...(authorization ? { authorization } : {}), ...headers },
    agent: false,
    ...(target.socketPath ? { socketPath: target.socketPath } : {}),
    ...(target.ca ? { ca: target.ca } : {}),
    ...(target.serverName ? { servername: target.serverName } : {}),
    ...(target.insecure ? { rejectUnauthorized: false } : {}),
    ...(certificate && key ? { cert: certificate, key } : {}),
    ...(signal ? { signal } : {}),
  });
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        signal?.aborted
          ? error
          : new TsumugiError('Unavailable', `${target.socketPath ?? url.origin} does not answer: ${error.message}`, {
              hint: target.hint ?? 'is the platform running? `tsumugi up` starts one',
              cause: error,
            }),
      );
    });
    if (body === undefined) request.end();
    else if (typeof body === 'string' || body instanceof Uint8Array) request.end(body);
    else body.once('error', (error) => request.destroy(error)).pipe(request);
  });
}

export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** An error that the gateway or the platform API answered, with the id of the request where the answer has one. */
export class AnswerError extends TsumugiError {
  readonly requestId: string | undefined;

  constructor(code: ErrorCode, message: string, details: { readonly hint?: string; readonly requestId?: string }) {
    super(code, message, details.hint === undefined ? {} : { hint: details.hint });
    this.requestId = details.requestId;
  }
}

/** What happened in the function itself: its log says more. */
const ofFunction = new Set<string>(['HandlerError', 'LoadError', 'InstanceExited', 'OutOfMemory', 'Timeout'] satisfies ErrorCode[]);

/** The error that a part of ours answered, in its own words; undefined for other bodies. `logs`: the command that shows the function's log. */
export function codedError(body: string, logs?: string): AnswerError | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: string; message?: string; hint?: string; requestId?: string } };
    if (typeof error?.code !== 'string' || typeof error.message !== 'string') return undefined;
    const { code, message, requestId } = error;
    const hint = error.hint || (logs !== undefined && ofFunction.has(code) ? `see: ${logs}` : undefined);
    return new AnswerError(Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'Internal', `${code}: ${message}`, {
      ...(hint === undefined ? {} : { hint }),
      ...(typeof requestId === 'string' ? { requestId } : {}),
    });
  } catch {
    return undefined;
  }
}

/** The command that shows the log of a function. */
export function logsCommand(name: string, namespace: string): string {
  return `tsumugi logs ${name}${namespace === 'default' ? '' : ` -n ${namespace}`}`;
}
