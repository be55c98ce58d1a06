/** Requests to one API server over kept-alive connections, as whoever the connection's credentials say. */
import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Agent } from 'node:https';
import { toError } from '../../base/errors.ts';
import { ApiError } from '../../resources/object.ts';
import type { Connection, Credentials } from '../connection.ts';
import { nodeHttp } from './node-http.ts';
import { errorOf, unavailable } from './status.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly accept?: string;
  readonly body?: { readonly type: string; readonly text: string };
  readonly signal?: AbortSignal | undefined;
  /** Seconds of silence after which an answer is given up; 0: wait for ever (a watch). */
  readonly silenceSeconds?: number;
}

export interface Transport {
  /** A 2xx answer, its body not yet read; all else is thrown as ApiError. */
  open(call: Call): Promise<IncomingMessage>;
  /** The whole body of a 2xx answer. */
  text(call: Call): Promise<string>;
  /** Ends all connections; what is under way fails. */
  close(): void;
}

export function createTransport(connection: Connection): Transport {
  const target = new URL(connection.server);
  const secure = target.protocol === 'https:';
  const prefix = target.pathname.replace(/\/$/, '');
  const agents = new Agents(connection, secure);
  const address = { hostname: target.hostname.replace(/^\[|\]$/g, ''), port: target.port || (secure ? 443 : 80) };

  function once(call: Call, credentials: Credentials): Promise<IncomingMessage> {
    const { method, path, body, signal, silenceSeconds = 60 } = call;
    const headers: Record<string, string | number> = { accept: call.accept ?? 'application/json', 'user-agent': 'tsumugi' };
    if (credentials.token) headers['authorization'] = `Bearer ${credentials.token}`;
    else if (credentials.username)
      headers['authorization'] = `Basic ${Buffer.from(`${credentials.username}:${credentials.password ?? ''}`).toString('base64')}`;
    if (body) {
      headers['content-type'] = body.type;
      headers['content-length'] = Buffer.byteLength(body.text);
    }
    const options: RequestOptions = {
      ...address,
      method,
      path: prefix + path,
      headers,
      agent: agents.for(credentials),
      ...(signal && { signal }),
    };
    return new Promise((resolve, reject) => {
      const request = nodeHttp(secure).request(options, resolve);
      request.on('error', (error) => {
        // The server closed a kept connection while we took it up again: nothing was asked yet.
        const stale = request.reusedSocket && method === 'GET' && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        reject(stale && !signal?.aborted ? new Stale() : error);
      });
      if (silenceSeconds > 0) request.setTimeout(silenceSeconds * 1000, () => request.destroy(new Error(`silent for ${silenceSeconds} s`)));
      request.end(body?.text);
    });
  }

  async function attempt(call: Call, credentials: Credentials): Promise<IncomingMessage> {
    try {
      return await once(call, credentials);
    } catch (thrown) {
      if (thrown instanceof Stale) return attempt(call, credentials);
      call.signal?.throwIfAborted();
      throw unavailable(connection.server, toError(thrown));
    }
  }

  async function read(answer: IncomingMessage, signal: AbortSignal | undefined): Promise<string> {
    try {
      answer.setEncoding('utf8');
      const parts: string[] = [];
      for await (const part of answer) parts.push(part as string);
      return parts.join('');
    } catch (thrown) {
      signal?.throwIfAborted();
      throw unavailable(connection.server, toError(thrown));
    }
  }

  async function open(call: Call): Promise<IncomingMessage> {
    call.signal?.throwIfAborted();
    let answer = await attempt(call, await connection.credentials());
    if (answer.statusCode === 401) {
      // Perhaps the token ran out: a plugin or a file has a newer one.
      answer.resume();
      answer = await attempt(call, await connection.credentials(true));
    }
    const code = answer.statusCode ?? 0;
    if (code < 200 || code >= 300) throw errorOf(code, await read(answer, call.signal), answer.headers['retry-after']);
    return answer;
  }

  return {
    open,
    text: async (call) => read(await open(call), call.signal),
    close: () => agents.close(),
  };
}

/** A kept connection that turned out to be closed: take another. */
class Stale extends Error {}

/** One agent per client certificate; there is more than one only when a plugin renews it. */
class Agents {
  readonly #connection: Connection;
  readonly #secure: boolean;
  readonly #agents = new Map<string, Agent>();
  #closed = false;

  constructor(connection: Connection, secure: boolean) {
    this.#connection = connection;
    this.#secure = secure;
  }

  for({ certificate, key }: Credentials): Agent {
    if (this.#closed) throw unavailable(this.#connection.server, new Error('this client is closed'));
    const name = certificate ?? '';
    const known = this.#agents.get(name);
    if (known) return known;
    this.#end();
    const { ca, serverName, insecure } = this.#connection;
    const { Agent } = nodeHttp(this.#secure);
    const kept = { keepAlive: true, noDelay: true };
    const agent = new Agent({
      ...kept,
      ...(ca !== undefined && { ca }),
      ...(serverName && { servername: serverName }),
      ...(insecure && { rejectUnauthorized: false }),
      ...(certificate && key && { cert: certificate, key }),
    });
    this.#agents.set(name, agent);
    return agent;
  }

  close(): void {
    this.#closed = true;
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  /** What is under way on the former certificate's connections goes on; no new request takes them. */
  #end(): void {
    for (const agent of this.#agents.values())
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    this.#agents.clear();
  }
}

/** An ApiError as it is, all else as a broken connection. */
export function asApiError(server: string, thrown: unknown): ApiError {
  return thrown instanceof ApiError ? thrown : unavailable(server, toError(thrown));
}
