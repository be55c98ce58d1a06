/**
 * The projection for gateways: what is, then what changes, as NDJSON to any number of subscribers. Each change is encoded once.
 */
import type { ProjectionEntry, ProjectionEvent } from '../../invoke/projection.ts';
import type { ProjectionTarget } from '../../invoke/projection-client.ts';

type Kind = ProjectionEntry['kind'];

/** A subscriber that lets so much pile up is cut off: it will come again and start with the present state. */
const maxBacklog = 8 * 1024 * 1024;
/** Entries encoded together in the snapshot. */
const chunk = 500;

const encode = (event: ProjectionEvent): string => `${JSON.stringify(event)}\n`;

interface Subscriber {
  lines: string[];
  size: number;
  wake: (() => void) | undefined;
  isOver: boolean;
}

export class ProjectionFeed {
  readonly #epoch: string;
  /** `kind key` -> the line that puts it. */
  readonly #lines = new Map<string, string>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #targets = new Set<ProjectionTarget>();

  /** `epoch` differs from that of every feed before. */
  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  /** Nothing is told when the entry is as before. */
  put(key: string, entry: ProjectionEntry): void {
    const line = encode({ op: 'put', entry });
    const id = `${entry.kind} ${key}`;
    if (this.#lines.get(id) === line) return;
    this.#lines.set(id, line);
    this.#tell(line);
    for (const target of this.#targets) target.put(entry);
  }

  delete(kind: Kind, key: string): void {
    if (!this.#lines.delete(`${kind} ${key}`)) return;
    this.#tell(encode({ op: 'delete', kind, key }));
    for (const target of this.#targets) target.delete(kind, key);
  }

  /** The same within this process: what is, at once, then each change. Answers how to stop. */
  follow(target: ProjectionTarget): () => void {
    for (const line of this.#lines.values()) target.put((JSON.parse(line) as { entry: ProjectionEntry }).entry);
    this.#targets.add(target);
    return () => void this.#targets.delete(target);
  }

  /** The snapshot, `synced`, then changes until `signal` is aborted or the subscriber is too slow. An empty line each `heartbeatMs` shows life. */
  async *subscribe(signal: AbortSignal, heartbeatMs = 3000): AsyncGenerator<string> {
    const snapshot = [...this.#lines.values()];
    const subscriber: Subscriber = { lines: [], size: 0, wake: undefined, isOver: false };
    this.#subscribers.add(subscriber);
    const wake = (): void => subscriber.wake?.();
    const heartbeat = setInterval(() => {
      if (subscriber.lines.length === 0) this.#push(subscriber, '\n');
    }, heartbeatMs);
    signal.addEventListener('abort', wake, { once: true });
    try {
      yield encode({ op: 'epoch', epoch: this.#epoch });
      for (let from = 0; from < snapshot.length; from += chunk) yield snapshot.slice(from, from + chunk).join('');
      yield encode({ op: 'synced' });
      while (!signal.aborted && !subscriber.isOver) {
        if (subscriber.lines.length === 0) await new Promise<void>((resolve) => (subscriber.wake = resolve));
        subscriber.wake = undefined;
        if (subscriber.lines.length === 0) continue;
        const lines = subscriber.lines;
        subscriber.lines = [];
        subscriber.size = 0;
        yield lines.join('');
      }
    } finally {
      clearInterval(heartbeat);
      signal.removeEventListener('abort', wake);
      this.#subscribers.delete(subscriber);
    }
  }

  #tell(line: string): void {
    for (const subscriber of this.#subscribers) this.#push(subscriber, line);
  }

  #push(subscriber: Subscriber, line: string): void {
    subscriber.lines.push(line);
    subscriber.size += line.length;
    if (subscriber.size > maxBacklog) subscriber.isOver = true;
    subscriber.wake?.();
  }
}
