/** A platform for gateway tests: the projection and activation endpoints on a real unix socket, driven by the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  ActivateAnswer,
  ActivateRequest,
  FunctionEntry,
  InstanceEntry,
  ProjectionEntry,
  ProjectionEvent,
} from '../../invoke/projection.ts';
import type { TokenReviewAnswer } from '../../invoke/reviewer.ts';
import { keyOf } from '../../invoke/projection-client.ts';

export interface TestPlatform {
  readonly address: string;
  readonly folder: string;
  /** What /v1/activate answers. */
  activate: (request: ActivateRequest) => Promise<ActivateAnswer>;
  readonly activations: ActivateRequest[];
  /** What /v1/tokens/review answers. */
  review: (token: string) => Promise<TokenReviewAnswer>;
  readonly reviews: string[];
  readonly failed: { id: string; reason: string }[];
  put(entry: ProjectionEntry): void;
  delete(kind: ProjectionEntry['kind'], key: string): void;
  /** Ends the projection streams; gateways connect again. */
  cut(): void;
  close(): Promise<void>;
}

export async function startTestPlatform(): Promise<TestPlatform> {
  const folder = mkdtempSync(join(tmpdir(), 'platform-'));
  const entries = new Map<string, ProjectionEntry>();
  const streams = new Set<ServerResponse>();
  let epochs = 0;
  const line = (event: ProjectionEvent): string => `${JSON.stringify(event)}\n`;
  const server = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
      if (request.url === '/v1/projection') {
        response.write(line({ op: 'epoch', epoch: String(++epochs) }));
        for (const entry of entries.values()) response.write(line({ op: 'put', entry }));
        response.write(line({ op: 'synced' }));
        streams.add(response);
        response.on('close', () => streams.delete(response));
      } else if (request.url === '/v1/activate') {
        const asked = JSON.parse(body) as ActivateRequest;
        platform.activations.push(asked);
        response.end(JSON.stringify(await platform.activate(asked)));
      } else if (request.url === '/v1/tokens/review') {
        const { token } = JSON.parse(body) as { token: string };
        platform.reviews.push(token);
        response.end(JSON.stringify(await platform.review(token)));
      } else if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      } else {
        const id = request.url!.split('/')[3]!;
        platform.failed.push({ id, reason: (JSON.parse(body) as { reason: string }).reason });
        response.writeHead(204).end();
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
  const tell = (event: ProjectionEvent): void => {
    for (const stream of streams) stream.write(line(event));
  };
  const platform: TestPlatform = {
    address: `unix:${join(folder, 's')}`,
    folder,
    activations: [],
    reviews: [],
    review: async () => ({}),
    failed: [],
    activate: async () => ({ error: { code: 'NoInstance', message: 'none here', retryAfterSeconds: 1 } }),
    put(entry) {
      entries.set(`${entry.kind}/${keyOf(entry)}`, entry);
      tell({ op: 'put', entry });
    },
    delete(kind, key) {
      entries.delete(`${kind}/${key}`);
      tell({ op: 'delete', kind, key });
    },
    cut() {
      for (const stream of streams) stream.destroy();
    },
    async close() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return platform;
}

/** A function for tests; anything of it can be changed. */
export function functionEntry(name: string, changes: Partial<FunctionEntry> = {}): FunctionEntry {
  return {
    kind: 'function',
    namespace: 'default',
    name,
    revision: `${name}-00001`,
    revisionUid: 'revision-1',
    concurrency: 100,
    maxInstances: 10,
    timeoutSeconds: 60,
    exports: [],
    ...changes,
  };
}

export function instanceEntry(id: string, address: string, changes: Partial<InstanceEntry> = {}): InstanceEntry {
  return {
    kind: 'instance',
    id,
    pod: id,
    revisionUid: 'revision-1',
    address: address.includes(':') ? address : `unix:${address}`,
    token: `token-of-${id}`,
    concurrency: 100,
    ...changes,
  };
}
