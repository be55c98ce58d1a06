import { errorTable, TsumugiError, type ErrorCode } from '../base/errors.ts';
import type { ActivateAnswer, ActivateNews, Activator, InstanceEnd, InstanceEntry } from './projection.ts';
import type { Replica, Replicas } from './replicas.ts';

/** The activator behind the platform API: each revision and instance has a replica that is asked first, the others stand in for it. */
export function httpActivator(replicas: Replicas): Activator {
  return {
    async activate(asked, signal, reserved) {
      const news = (line: unknown): void => reserved((line as ActivateNews).reserved);
      const answer = (await send(replicas, asked.revisionUid, {
        method: 'POST',
        path: '/v1/activate',
        body: asked,
        signal,
        news,
      })) as ActivateAnswer;
      if ('instance' in answer) return answer.instance satisfies InstanceEntry;
      throw errorOf(answer);
    },
    async report(instance, reason, message) {
      const path = `/v1/instances/${encodeURIComponent(instance)}/failed`;
      await send(replicas, instance, { method: 'POST', path, body: { reason, message }, signal: AbortSignal.timeout(10_000) });
    },
    async endOf(instance, signal) {
      return (await send(replicas, instance, {
        method: 'GET',
        path: `/v1/instances/${encodeURIComponent(instance)}/end`,
        signal,
      })) as InstanceEnd;
    },
  };
}

/** An error as the platform API tells it. */
export type ErrorAnswer = Extract<ActivateAnswer, { readonly error: object }>;

export function errorOf({ error: { code, message, hint, retryAfterSeconds } }: ErrorAnswer): TsumugiError {
  return new TsumugiError(code in errorTable ? (code as ErrorCode) : 'Internal', message, {
    ...(hint !== undefined && { hint }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  readonly news?: (line: unknown) => void;
}

/** Where there is another replica, one that says nothing for so long is asked whether it lives: one that is stopped, or whose machine is gone, never answers. */
const silenceMs = 1000;

/**
 * The answer of the first replica that gives one: all that is asked may be asked twice. One that stops says Unavailable.
 *
 * @throws {TsumugiError} Unavailable when there is none.
 */
export async function send(replicas: Replicas, key: string, question: Question): Promise<unknown> {
  let last: unknown = new Error('none is known');
  const order = await replicas.inOrder(key);
  for (const [index, replica] of order.entries()) {
    try {
      const answer = await ask(replicas, replica, question, order.length > 1);
      if (index === order.length - 1 || !isError(answer) || answer.error.code !== 'Unavailable') return answer;
    } catch (error) {
      last = error;
      if (question.signal.aborted) break;
    }
    replicas.failed(replica);
  }
  throw new TsumugiError('Unavailable', `the control plane cannot be reached: ${(last as Error).message}`, {
    retryAfterSeconds: 1,
    cause: last,
  });
}

/** The JSON of the answer, which may be an error's (`{error}`); of several lines the last, the others are `news`. */
function ask(replicas: Replicas, replica: Replica, question: Question, others: boolean): Promise<unknown> {
  const { method, path, body, signal, news } = question;
  const text = body === undefined ? '' : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const outgoing = replicas.request(replica, { path, method, signal, headers }, (answer) => {
      const lines = new JsonLines(news);
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => lines.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const last = lines.end();
        if (answer.statusCode! < 300 ? last !== null : isError(last)) resolve(last);
        else reject(new Error(`HTTP ${answer.statusCode}`));
      });
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // A kept connection that the other side closed at this very moment: asked again on a new one.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve(ask(replicas, replica, question, others));
      else reject(error);
    });
    const watch = others
      ? setInterval(() => replicas.checkLife(replica).catch((dead: Error) => outgoing.destroy(dead)), silenceMs)
      : undefined;
    outgoing.on('close', () => clearInterval(watch));
    outgoing.end(text);
  });
}

const isError = (answer: unknown): answer is { error: { code?: string } } =>
  typeof answer === 'object' && answer !== null && 'error' in answer && typeof answer.error === 'object' && answer.error !== null;

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
