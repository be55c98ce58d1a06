import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { TsumugiError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { httpActivator } from '../invoke/activator-http.ts';
import { watchProjection } from '../invoke/projection-client.ts';
import { type PlatformCredentials, Replicas } from '../invoke/replicas.ts';
import { InstanceTable } from '../invoke/table.ts';
import { malformedAnswer } from './failure.ts';
import { Gateway } from './gateway.ts';
import { GatewayMetrics } from './metrics.ts';
import { Resolver } from './resolver.ts';

export interface GatewayOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  /** Functions are at `NAME.NAMESPACE.DOMAIN`. */
  readonly domain: string;
  /** The platform API, for activation and the projection: `unix:/path`, or URLs of all replicas (`invoke/replicas.ts`). */
  readonly platform: string;
  /** For `https`: what the gateway shows there, and the CA it believes. */
  readonly credentials?: () => Promise<PlatformCredentials>;
  readonly log: Log;
  /** Several gateway processes share the port. */
  readonly reusePort?: boolean;
}

export interface RunningGateway {
  readonly port: number;
  /** Resolves when routes and functions have been loaded once. */
  readonly loaded: Promise<void>;
  /** Prometheus' text. */
  metrics(): string;
  /** Takes no new connection, finishes what runs (at most `graceMs`, 30 s), then closes everything. */
  stop(graceMs?: number): Promise<void>;
}

const HEADERS_TIMEOUT = 15_000;
/** Longer than the idle time-out of the usual load balancers (60 s), so that they close first. */
const KEEP_ALIVE = 65_000;

/**
 * Starts a gateway: resolves when it listens.
 *
 * @throws {TsumugiError} Conflict when the port is taken.
 * @example const gateway = await startGateway({ port: 8080, host: '127.0.0.1', domain: 'localhost', platform: 'unix:/run/platform.sock', log });
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { log, credentials } = options;
  const replicas = new Replicas({ address: options.platform, ...(credentials && { credentials }), log });
  const resolver = new Resolver(options.domain);
  const metrics = new GatewayMetrics({ waiting: () => table.waiting(), inFlight: () => gateway.inFlight });
  const table = new InstanceTable({ activator: httpActivator(replicas), log, observer: metrics });
  const gateway = new Gateway({ resolver, invoker: table, metrics, log });

  const server = createServer(
    // A request without a body needs no stream that tells so: that is a tenth of the gateway's work for it.
    { headersTimeout: HEADERS_TIMEOUT, requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE, noDelay: true, optimizeEmptyRequests: true },
    (request, response) => gateway.handle(request, response, false),
  );
  server.on('checkContinue', (request, response) => gateway.handle(request, response, true));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (socket.writable && error.code !== 'ECONNRESET') socket.end(malformedAnswer(error.code));
    else socket.destroy();
  });
  await listen(server, options);

  const watch = watchProjection({ replicas, log, targets: [table, resolver] });
  void watch.synced.then(() => (gateway.loaded = true));
  return {
    port: (server.address() as AddressInfo).port,
    loaded: watch.synced,
    metrics: () => metrics.registry.text(),
    async stop(graceMs = 30_000) {
      gateway.draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const grace = setTimeout(() => {
        log.warn({ inFlight: gateway.inFlight }, 'requests were cut off: the grace period is over');
        server.closeAllConnections();
      }, graceMs);
      await closed;
      clearTimeout(grace);
      watch.close();
      table.close();
      replicas.close();
    },
  };
}

function listen(server: Server, { port, host, reusePort = false }: GatewayOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      reject(
        new TsumugiError('Conflict', `port ${port} on ${host} is taken`, {
          hint: 'stop what listens there, or choose another port',
          cause: error,
        }),
      );
    });
    server.listen({ port, host, reusePort }, resolve);
  });
}
