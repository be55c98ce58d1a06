import { TsumugiError, toError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Invoker } from '../invoke/invoker.ts';
import { Exchange, type ExchangeHost } from './exchange.ts';
import { sendError, sendJson } from './failure.ts';
import { forwardedHeaders } from './headers.ts';
import type { HttpConnection } from './http/connection.ts';
import type { HeadFields, RequestLine } from './http/head.ts';
import { childTrace, randomIds, saneRequestId } from './ids.ts';
import type { GatewayMetrics } from './metrics.ts';
import { NotYetKnown } from './doorkeeper.ts';
import type { Resolution, Resolver } from './resolver.ts';

/** Bytes of JSON arguments that `/call/` takes. */
export const MAX_CALL_BODY = 32 * 1024 * 1024;

/** From an HTTP request to an invocation and back. */
export class Gateway implements ExchangeHost {
  draining = false;
  /** Routes and functions have been loaded. */
  loaded = false;
  inFlight = 0;
  readonly #resolver: Resolver;
  readonly #invoker: Invoker;
  readonly #metrics: GatewayMetrics;
  readonly #log: Log;
  #lastHost = '';
  /** What DIR holds has been Ready once. A control plane that was started again may not know it, and one function of it may fail by now. */
  #wasReady = false;

  constructor(parts: { resolver: Resolver; invoker: Invoker; metrics: GatewayMetrics; log: Log }) {
    this.#resolver = parts.resolver;
    this.#invoker = parts.invoker;
    this.#metrics = parts.metrics;
    this.#log = parts.log;
  }

  handle(connection: HttpConnection, line: RequestLine, head: HeadFields): void {
    const arrivedAt = performance.now();
    const ids = randomIds();
    const requestId = head.requestId !== undefined && saneRequestId(head.requestId) ? head.requestId : ids.slice(0, 32);
    const hasBody = !connection.bodyComplete;
    const exchange = new Exchange(this, connection, requestId, arrivedAt);
    this.inFlight++;
    try {
      if (head.host === undefined) throw new TsumugiError('Invalid', 'a request needs exactly one Host header');
      this.#checkHost(head.host);
      const url = pathOf(line.target);
      if ((url === '/healthz' || url === '/readyz') && this.#probe(url, exchange)) return;
      // What is not known yet is not what does not exist.
      if (!this.loaded) throw notLoaded();
      this.#invoke(exchange, line.method, head.host, url, head, hasBody, childTrace(head.traceparent, ids));
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  /** Throws what keeps it from being invoked; where it must be asked first whose token it shows, it is held, and comes again. */
  #invoke(exchange: Exchange, method: string, host: string, url: string, head: HeadFields, hasBody: boolean, trace: string): void {
    const { connection } = exchange;
    let resolution: Resolution;
    try {
      resolution = this.#resolver.resolve(method, host, url, head.platformAuthorization ?? head.authorization);
    } catch (error) {
      if (!(error instanceof NotYetKnown)) throw error;
      exchange.hold();
      const again = (): void => {
        if (!connection.socket.destroyed) this.#invoke(exchange, method, host, url, head, hasBody, trace);
      };
      error.answered.then(again).catch((failure: unknown) => this.#refuse(exchange, failure));
      return;
    }
    const { target } = resolution;
    exchange.target = target;
    if (resolution.export !== '') {
      exchange.bodyLeft = MAX_CALL_BODY;
      if (head.bodyLength > MAX_CALL_BODY) throw new TsumugiError('TooLarge', 'the arguments of a call may have 32 MB');
    }
    let headers = head.headers + forwardedHeaders(connection.socket, host, 'http', head.forwardedFor);
    // A token that opened the door never reaches the function.
    const isToken = resolution.guarded && (resolution.export !== '' || head.platformAuthorization === undefined);
    if (head.authorization !== undefined && !isToken) headers += `\0authorization\0${head.authorization}`;
    if (head.expects && hasBody) connection.writeContinue();
    exchange.begin(
      this.#invoker.invoke(
        {
          function: target.key,
          method,
          target: resolution.url,
          requestId: exchange.requestId,
          traceparent: trace,
          export: resolution.export,
          origin: `http://${host}`,
          headers,
          hasBody,
        },
        exchange,
      ),
    );
  }

  #refuse(exchange: Exchange, error: unknown): void {
    this.fail(exchange, error instanceof TsumugiError ? error : this.#defect(error, exchange));
  }

  fail(exchange: Exchange, error: TsumugiError): void {
    const { connection, target } = exchange;
    if (connection.answered || connection.socket.destroyed) return;
    const revision = target && this.#resolver.entry(target)?.revision;
    sendError(
      connection,
      error,
      { requestId: exchange.requestId, function: target?.name, revision },
      this.draining || !connection.bodyComplete,
    );
    exchange.over();
  }

  finished(exchange: Exchange): void {
    this.inFlight--;
    // 499, as nginx counts it: the client went away before the end of the answer.
    const status = exchange.aborted ? 499 : exchange.connection.status;
    this.#metrics.answered(exchange.target, status, (performance.now() - exchange.arrivedAt) / 1000);
  }

  /** Health of the gateway itself, on every host. */
  #probe(path: string, exchange: Exchange): boolean {
    const waitingFor = this.#resolver.platform?.waitingFor ?? [];
    this.#wasReady ||= this.loaded && this.#resolver.platform?.ready !== false;
    const ready = this.#wasReady && !this.draining;
    const ok = path === '/healthz' || ready;
    const body = `${JSON.stringify(ok ? { status: 'ok' } : { status: this.draining ? 'draining' : 'starting', waitingFor })}\n`;
    sendJson(exchange.connection, ok ? 200 : 503, body, 'Cache-Control: no-store\r\n');
    exchange.over();
    return true;
  }

  /** The function's URL is made of it. Clients of one gateway use few hosts, so the last one is most often the next. */
  #checkHost(host: string): void {
    if (host === this.#lastHost) return;
    if (!/^(\[[\da-f:.]+\]|[\w.~-]+)(:\d{1,5})?$/i.test(host)) throw new TsumugiError('Invalid', 'the Host header is no host');
    this.#lastHost = host;
  }

  #defect(error: unknown, exchange: Exchange): TsumugiError {
    this.#log.error({ err: error, requestId: exchange.requestId }, 'the gateway failed on a request');
    return new TsumugiError('Internal', 'the gateway failed on this request', { cause: toError(error) });
  }
}

/** Origin form, from what a client may write as the request target. */
function pathOf(url: string): string {
  if (url.startsWith('/')) return url;
  const match = /^https?:\/\/[^/?#]*(\/[^#]*|\?[^#]*)?$/i.exec(url);
  if (!match) throw new TsumugiError('Invalid', `the request target "${url.slice(0, 100)}" is no path`);
  const rest = match[1] ?? '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

const notLoaded = (): TsumugiError =>
  new TsumugiError('Unavailable', 'this gateway has just started and waits for the control plane to tell it the routes', {
    hint: 'try again in a moment',
    retryAfterSeconds: 1,
  });
