import type { Log } from '../base/log.ts';
import { httpActivator } from '../invoke/activator-http.ts';
import { watchProjection } from '../invoke/projection-client.ts';
import { type PlatformCredentials, Replicas } from '../invoke/replicas.ts';
import { InstanceTable } from '../invoke/table.ts';
import { httpReviewer } from '../invoke/reviewer.ts';
import { Doorkeeper } from './doorkeeper.ts';
import { Gateway } from './gateway.ts';
import { HttpServer } from './http/server.ts';
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
  /** A bound socket of this port that others hold as well: connections wait in it until this gateway knows the routes, a little while. */
  readonly fd?: number;
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

/** So long connections may wait before they are told to come again. */
const patienceMs = 2000;

async function within(done: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([done, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}

/**
 * Starts a gateway: resolves when it listens.
 *
 * @throws {TsumugiError} Conflict when the port is taken.
 * @example const gateway = await startGateway({ port: 8080, host: '127.0.0.1', domain: 'localhost', platform: 'unix:/run/platform.sock', log });
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { log, credentials } = options;
  const replicas = new Replicas({ address: options.platform, ...(credentials && { credentials }), log });
  const resolver = new Resolver(options.domain, new Doorkeeper(httpReviewer(replicas)));
  const metrics = new GatewayMetrics({ waiting: () => table.waiting(), inFlight: () => gateway.inFlight });
  const table = new InstanceTable({ activator: httpActivator(replicas), log, observer: metrics });
  const gateway = new Gateway({ resolver, invoker: table, metrics, log });

  const server = new HttpServer((connection, line, fields) => gateway.handle(connection, line, fields));
  const watch = watchProjection({ replicas, log, targets: [table, resolver] });
  const loaded = watch.synced.then(() => void (gateway.loaded = true));
  const closeAll = (): void => {
    watch.close();
    table.close();
    replicas.close();
  };
  if (options.fd !== undefined) await within(loaded, patienceMs);
  const port = await server.listen(options).catch((error: unknown) => {
    closeAll();
    throw error;
  });
  return {
    port,
    loaded,
    metrics: () => metrics.registry.text(),
    async stop(graceMs = 30_000) {
      gateway.draining = true;
      const closed = server.close();
      const grace = setTimeout(() => {
        log.warn({ inFlight: gateway.inFlight }, 'requests were cut off: the grace period is over');
        server.closeAllConnections();
      }, graceMs);
      await closed;
      clearTimeout(grace);
      closeAll();
    },
  };
}
