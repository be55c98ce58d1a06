/** One plain port on loopback with the metrics of all processes: each sample gets the label `process`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProcessMetrics {
  readonly process: string;
  /** Prometheus text. */
  readonly text: string;
}

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves `/metrics`; every scrape asks the processes. Resolves when it listens. */
export async function serveMetrics(port: number, collect: () => Promise<readonly ProcessMetrics[]>): Promise<MetricsServer> {
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
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One text of many: a family's HELP and TYPE once, all its samples beneath. */
export function mergeMetrics(parts: readonly ProcessMetrics[]): string {
  const families = new Map<string, { head: string[]; samples: string[] }>();
  for (const { process, text } of parts) {
    let family: { head: string[]; samples: string[] } | undefined;
    for (const line of text.split('\n')) {
      const head = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1];
      if (head !== undefined) {
        family = families.get(head);
        if (!family) families.set(head, (family = { head: [], samples: [] }));
        const kind = line.slice(0, 7);
        if (!family.head.some((known) => known.startsWith(kind))) family.head.push(line);
      } else if (line !== '' && !line.startsWith('#')) {
        const name = /^[^\s{]+/.exec(line)?.[0] ?? '';
        if (!family) families.set(name, (family = families.get(name) ?? { head: [], samples: [] }));
        family.samples.push(withLabel(line, process));
      }
    }
  }
  return [...families.values()].flatMap(({ head, samples }) => [...head, ...samples, '']).join('\n');
}

function withLabel(sample: string, process: string): string {
  const brace = sample.indexOf('{');
  const space = sample.indexOf(' ');
  if (brace === -1 || brace > space) return `${sample.slice(0, space)}{process="${process}"}${sample.slice(space)}`;
  const comma = sample[brace + 1] === '}' ? '' : ',';
  return `${sample.slice(0, brace + 1)}process="${process}"${comma}${sample.slice(brace + 1)}`;
}
