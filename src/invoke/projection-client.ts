import { request, type ClientRequest } from 'node:http';
import type { Log } from '../base/log.ts';
import { httpTarget } from './activator-http.ts';
import type { ProjectionEntry, ProjectionEvent } from './projection.ts';

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
/** Without a line for so long the stream is taken for dead. The server sends an empty line every 10 s. */
const SILENCE = 30_000;

/** The key under which a `delete` names an entry. */
export function keyOf(entry: ProjectionEntry): string {
  if (entry.kind === 'instance') return entry.id;
  return entry.kind === 'platform' ? 'platform' : `${entry.namespace}/${entry.name}`;
}

/**
 * Follows `GET /v1/projection` and tells the targets. When the stream ends it connects again; until then all stays as it is,
 * and what the new stream did not put again before its `synced` is deleted.
 */
export function watchProjection(options: { address: string; log: Log; targets: readonly ProjectionTarget[] }): ProjectionWatch {
  const { address, log, targets } = options;
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

  const connect = (): void => {
    const stream = ++streams;
    let over = false;
    const again = (error?: Error): void => {
      if (over) return;
      over = true;
      outgoing.destroy();
      if (closed) return;
      log.debug({ err: error, delay }, 'the projection stream ended; connecting again');
      retry = setTimeout(connect, delay);
      delay = Math.min(MAX_RETRY, delay * 2);
    };
    const outgoing = request({ ...httpTarget(address), path: '/v1/projection', agent: false }, (answer) => {
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
          again(error as Error);
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
