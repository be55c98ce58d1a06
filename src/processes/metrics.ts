/** One plain port on loopback with the metrics of all processes: each sample gets the label `process`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mergeMetrics } from '../base/metrics.ts';

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves `/metrics`; every scrape asks the processes: name -> Prometheus text. Resolves when it listens. */
export async function serveMetrics(port: number, collect: () => Promise<ReadonlyMap<string, string>>): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
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
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
