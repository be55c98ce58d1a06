import { Agent, request, type RequestOptions } from 'node:http';
import { errorTable, TsumugiError, type ErrorCode } from '../base/errors.ts';
import { addressOptions } from './instance.ts';
import type { ActivateAnswer, ActivateNews, Activator, InstanceEnd, InstanceEntry } from './projection.ts';

/** The activator behind the platform API. `address`: `unix:/path` or `tcp:host:port`. */
export function httpActivator(address: string): Activator {
  return {
    async activate(asked, signal, reserved) {
      const news = (line: unknown): void => reserved((line as ActivateNews).reserved);
      const answer = (await send('POST', address, '/v1/activate', asked, signal, news)) as ActivateAnswer;
      if ('instance' in answer) return answer.instance satisfies InstanceEntry;
      const { code, message, hint, retryAfterSeconds } = answer.error;
      throw new TsumugiError(code in errorTable ? (code as ErrorCode) : 'Internal', message, {
        ...(hint !== undefined && { hint }),
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      });
    },
    async report(instance, reason, message) {
      await send('POST', address, `/v1/instances/${encodeURIComponent(instance)}/failed`, { reason, message }, AbortSignal.timeout(10_000));
    },
    async endOf(instance, signal) {
      return (await send('GET', address, `/v1/instances/${encodeURIComponent(instance)}/end`, undefined, signal)) as InstanceEnd;
    },
  };
}

/** The address as node:http wants it. */
export function httpTarget(address: string): Pick<RequestOptions, 'socketPath' | 'host' | 'port'> {
  const options = addressOptions(address);
  return 'path' in options ? { socketPath: options.path } : { host: options.host!, port: options.port };
}

/** Kept while they are used: to connect is a tenth of a cold start. Idle ones keep no process alive. */
const connections = new Agent({ keepAlive: true });

/**
 * The JSON of the answer, which may be an error's (`{error}`); of several lines the last, the others are `news`.
 *
 * @throws {TsumugiError} Unavailable when there is none.
 */
async function send(
  method: 'GET' | 'POST',
  address: string,
  path: string,
  body: unknown,
  signal: AbortSignal,
  news?: (line: unknown) => void,
): Promise<unknown> {
  const text = body === undefined ? '' : JSON.stringify(body);
  try {
    return await new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...httpTarget(address),
          path,
          method,
          agent: connections,
          signal,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        },
        (answer) => {
          const lines = new JsonLines(news);
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => lines.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const last = lines.end();
            if (answer.statusCode! < 300 ? last !== null : isError(last)) resolve(last);
            else reject(new Error(`HTTP ${answer.statusCode}`));
          });
        },
      );
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // A kept connection that the other side closed at this very moment: asked again on a new one. All that is asked may be asked twice.
        if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve(send(method, address, path, body, signal, news));
        else reject(error);
      });
      outgoing.end(text);
    });
  } catch (error) {
    throw new TsumugiError('Unavailable', `the control plane cannot be reached: ${(error as Error).message}`, {
      retryAfterSeconds: 1,
      cause: error,
    });
  }
}

const isError = (answer: unknown): boolean => typeof answer === 'object' && answer !== null && 'error' in answer;

/** JSON values, one a line, as they come: the last is the answer. */
class JsonLines {
  readonly #news: ((value: unknown) => void) | undefined;
  #rest = '';
  #last: unknown;

  constructor(news: ((value: unknown) => void) | undefined) {
    this.#news = news;
  }

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#line(line);
  }

  /** The last value; undefined when there was none, null when it was no JSON. */
  end(): unknown {
    if (this.#rest !== '') this.#line(this.#rest);
    return this.#last;
  }

  #line(line: string): void {
    try {
      this.#last = JSON.parse(line);
    } catch {
      this.#last = null;
      return;
    }
    if (this.#last !== null && typeof this.#last === 'object' && 'reserved' in this.#last) this.#news?.(this.#last);
  }
}
