/** One plain port with the metrics of all processes, each sample with the label `process`, and the probes of a process that stands alone. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostPart } from '../base/host.ts';
import { mergeMetrics } from '../base/metrics.ts';

export interface MetricsServer {
  /** With the address that it listens on. */
  readonly url: string;
  close(): Promise<void>;
}

export interface MetricsOptions {
  /** Default: loopback. */
  readonly host?: string;
  /** Serves `/healthz` (this event loop turns) and `/readyz`: 200, or 503 while something is missing, which it names. */
  readonly missing?: () => readonly string[];
}

/** Serves `/metrics`; every scrape asks the processes: name -> Prometheus text. Resolves when it listens. */
export async function serveMetrics(
  port: number,
  collect: () => Promise<ReadonlyMap<string, string>>,
  { host = '127.0.0.1', missing }: MetricsOptions = {},
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (missing && (path === '/healthz' || path === '/readyz')) {
      const waitingFor = path === '/readyz' ? missing() : [];
      const ok = waitingFor.length === 0;
      const body = `${JSON.stringify(ok ? { status: 'ok' } : { status: 'waiting', waitingFor })}\n`;
      response.writeHead(ok ? 200 : 503, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(body);
      return;
    }
    if (path !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('metrics are at /metrics\n');
      return;
    }
    collect().then(
      (parts) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(mergeMetrics(parts)),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${hostPart(host)}:${(server.address() as AddressInfo).port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
