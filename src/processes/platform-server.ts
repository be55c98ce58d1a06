/**
 * Serves the platform API: over HTTPS to those with a token (HTTP/2 for gRPC, HTTP/1.1 for everybody else), and on one machine over a
 * unix socket that only its user can open.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { TsumugiError } from '../base/errors.ts';
import { checkCode, mayCall, pathOf, type PlatformRole } from '../functions/api/access.ts';
import { asTsumugiError } from '../api/endpoints.ts';
import type { Account } from '../functions/identity/callers.ts';

export interface PlatformServerOptions {
  readonly handler: RequestListener;
  /** Path of the unix socket, made 0600; absent: none. */
  readonly socket?: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string };
  readonly tokens: readonly PlatformToken[];
  /** Whose token it is, if it is one of user code. */
  readonly authenticate: (token: string) => Promise<Account | undefined>;
  /** What to do about a token that is not known. */
  readonly hint: string;
}

export interface PlatformToken {
  readonly token: string;
  readonly roles: readonly PlatformRole[];
}

export interface PlatformServer {
  /** Of HTTPS. */
  readonly port: number;
  /** Takes no new connection, ends streams, waits for the rest at most `graceMs` (0: not at all), closes. */
  close(graceMs?: number): Promise<void>;
}

/** Resolves when all listen. */
export async function servePlatformApi(options: PlatformServerOptions): Promise<PlatformServer> {
  const { handler, authenticate, socket, host, port, tls, hint } = options;
  const known = options.tokens.map(({ token, roles }) => ({ digest: digest(`Bearer ${token}`), roles }));
  const guarded: RequestListener = (request, response) => {
    void admit(request, response).catch((thrown: unknown) => {
      const { status, code, message, hint: remedy } = asTsumugiError(thrown);
      refuse(response, status, code, message, remedy ?? 'try again');
    });
  };
  async function admit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The API server's proxy keeps `Authorization` for itself.
    const shown = String(request.headers['tsumugi-authorization'] ?? request.headers.authorization ?? '');
    const shownDigest = digest(shown);
    const who = known.find((each) => timingSafeEqual(shownDigest, each.digest));
    const path = pathOf(request.url) ?? '/';
    if (who?.roles.some((role) => mayCall(role, path))) return handler(request, response);
    if (who) {
      throw new TsumugiError('Forbidden', `a token of ${who.roles.join(', ')} does not open ${path}`, {
        hint: 'show the token of the other role',
      });
    }
    const account = await authenticate(/^bearer +(\S+)$/i.exec(shown)?.[1] ?? '');
    if (!account) throw new TsumugiError('Unauthorized', 'no valid token', { hint });
    checkCode(account, path);
    handler(request, response);
  }
  // Logs are followed and activations waited for: the default limit on a whole request does not fit.
  const whole = { requestTimeout: 0 };
  const remote = new Served(createSecureServer({ ...whole, ...tls, allowHTTP1: true }, guarded as unknown as Http2Listener));
  const servers = [remote];
  if (socket !== undefined) {
    const local = new Served(createServer(whole, handler));
    servers.push(local);
    // Nobody else serves this data folder (it is locked): what is there is left from one that was killed.
    rmSync(socket, { force: true });
    await local.listen({ path: socket });
    chmodSync(socket, 0o600);
  }
  await remote.listen({ host, port });
  return { port: remote.port, close: async (graceMs = 0) => void (await Promise.all(servers.map((server) => server.close(graceMs)))) };
}

function refuse(response: ServerResponse, status: number, code: string, message: string, hint: string): void {
  response.writeHead(status, { 'content-type': 'application/json', ...(status === 401 && { 'www-authenticate': 'Bearer' }) });
  response.end(JSON.stringify({ error: { code, message, hint } }));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Requests of HTTP/2 look like those of HTTP/1.1 to whoever answers them. */
type Http2Listener = NonNullable<Parameters<typeof createSecureServer>[1]>;

class Served {
  readonly #server: Server | Http2SecureServer;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #open = new Map<ServerResponse, { readonly isStream: boolean }>();
  #closing = false;

  constructor(server: Server | Http2SecureServer) {
    this.#server = server;
    keep(server, 'connection', this.#sockets);
    keep(server, 'session', this.#sessions);
    server.prependListener('request', (request: { url?: string; httpVersionMajor: number }, response: ServerResponse) => {
      if (this.#closing && request.httpVersionMajor === 1) response.shouldKeepAlive = false;
      this.#open.set(response, { isStream: isStream(request.url ?? '') });
      response.once('close', () => {
        this.#open.delete(response);
        if (this.#closing) setImmediate(() => this.#closeIdle());
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  listen(where: { path: string } | { host: string; port: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(where, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const [response, { isStream: endless }] of this.#open) if (endless) breakOff(response);
    this.#closeIdle();
    if (graceMs === 0) this.#closeAll();
    const late = setTimeout(() => this.#closeAll(), graceMs);
    await closed;
    clearTimeout(late);
  }

  /** A session of HTTP/2 ends with its last request. */
  #closeIdle(): void {
    for (const session of this.#sessions) session.close();
    if ('closeIdleConnections' in this.#server) this.#server.closeIdleConnections();
  }

  #closeAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** So that the other side does not take it for the end. */
function breakOff(response: ServerResponse | Http2ServerResponse): void {
  if ('stream' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
}

/** All that `event` brings, until it is closed. */
function keep<T extends Socket | ServerHttp2Session>(server: Server | Http2Server, event: string, there: Set<T>): void {
  server.on(event, (one: T) => {
    there.add(one);
    one.once('close', () => there.delete(one));
  });
}

/** Has no end of its own: gateways go on at another replica, who follows asks again. */
const isStream = (url: string): boolean =>
  /^\/v1\/(projection|events)/.test(url) || /\/(logs(\?|$)|(WatchExecution|GetTaskLogs)$)/.test(url);
