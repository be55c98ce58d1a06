import { randomUUID } from 'node:crypto';
import type { ClientRequest } from 'node:http';
import { toError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ProjectionEntry, ProjectionEvent } from './projection.ts';
import type { Replica, Replicas } from './replicas.ts';

/** Who wants to know: the instance table, the routes. */
export interface ProjectionTarget {
  put(entry: ProjectionEntry): void;
  delete(kind: ProjectionEntry['kind'], key: string): void;
}

export interface ProjectionWatch {
  /** Resolves at the first `synced`. */
  readonly synced: Promise<void>;
  close(): void;
}

const FIRST_RETRY = 50;
const MAX_RETRY = 1_000;
/** Without a line for so long the stream is taken for dead. The server sends an empty line every 3 s. */
const SILENCE = 10_000;

/** The key under which a `delete` names an entry. */
export function keyOf(entry: ProjectionEntry): string {
  if (entry.kind === 'instance') return entry.id;
  return entry.kind === 'platform' ? 'platform' : `${entry.namespace}/${entry.name}`;
}

/**
 * Follows `GET /v1/projection` of one replica and tells the targets. When the stream ends it goes to another; until then all stays as it is,
 * and what the new stream did not put again before its `synced` is deleted.
 */
export function watchProjection(options: { replicas: Replicas; log: Log; targets: readonly ProjectionTarget[] }): ProjectionWatch {
  const { replicas, log, targets } = options;
  /** Gateways are spread over the replicas. */
  const key = randomUUID();
  /** Known entries (`kind/key`) and the stream that told of them last. */
  const seen = new Map<string, number>();
  let streams = 0;
  let delay = FIRST_RETRY;
  let closed = false;
  let current: ClientRequest | undefined;
  let retry: NodeJS.Timeout | undefined;
  let resolveSynced!: () => void;
  const synced = new Promise<void>((resolve) => (resolveSynced = resolve));

  const drop = (kind: ProjectionEntry['kind'], key: string): void => {
    if (!seen.delete(`${kind}/${key}`)) return;
    for (const target of targets) target.delete(kind, key);
  };

  const tell = (event: ProjectionEvent, stream: number): void => {
    if (event.op === 'put') {
      seen.set(`${event.entry.kind}/${keyOf(event.entry)}`, stream);
      for (const target of targets) target.put(event.entry);
    } else if (event.op === 'delete') drop(event.kind, event.key);
    else if (event.op === 'synced') {
      for (const [id, last] of seen) {
        const slash = id.indexOf('/');
        if (last !== stream) drop(id.slice(0, slash) as ProjectionEntry['kind'], id.slice(slash + 1));
      }
      delay = FIRST_RETRY;
      resolveSynced();
    }
  };

  const later = (error: unknown): void => {
    if (closed) return;
    log.debug({ err: error, delay }, 'the projection stream ended; connecting again');
    retry = setTimeout(connect, delay);
    delay = Math.min(MAX_RETRY, delay * 2);
  };

  const connect = (): void => {
    replicas.inOrder(key).then(([first]) => {
      if (closed) return;
      if (first) follow(first);
      else later(new Error('no replica is known'));
    }, later);
  };

  const follow = (replica: Replica): void => {
    const stream = ++streams;
    let over = false;
    const again = (error?: Error): void => {
      if (over) return;
      over = true;
      outgoing.destroy();
      if (closed) return;
      replicas.failed(replica);
      later(error);
    };
    const outgoing = replicas.request(replica, { path: '/v1/projection', own: true }, (answer) => {
      if (answer.statusCode !== 200) return again(new Error(`HTTP ${answer.statusCode}`));
      let rest = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        try {
          for (const line of lines) if (line !== '' && !over) tell(JSON.parse(line) as ProjectionEvent, stream);
        } catch (error) {
          log.error({ err: error }, 'a line of the projection could not be taken');
          again(toError(error));
        }
      });
      answer.on('close', () => again());
      answer.on('error', again);
    });
    outgoing.setTimeout(SILENCE, () => again(new Error('no sign of life')));
    outgoing.on('error', again);
    outgoing.end();
    current = outgoing;
  };
  connect();

  return {
    synced,
    close() {
      closed = true;
      clearTimeout(retry);
      current?.destroy();
    },
  };
}
