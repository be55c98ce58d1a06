/** One ear on the store for all watchers; each event is encoded once, whoever reads it. */
import type { Change, Store, StoredRow } from '../storage/store.ts';
import { withVersion } from './rows.ts';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One event as all watchers of the same kind of change share it. */
export class WatchItem {
  readonly type: EventType;
  readonly revision: number;
  readonly row: StoredRow;
  #encoded: Buffer | undefined;

  constructor(type: EventType, revision: number, row: StoredRow) {
    this.type = type;
    this.revision = revision;
    this.row = row;
  }

  /** The event as one line of JSON. */
  get encoded(): Buffer {
    return (this.#encoded ??= Buffer.from(`{"type":"${this.type}","object":${this.row.text}}\n`));
  }
}

/** What one change is to a watcher: an object may enter or leave its selection without being made or deleted. */
class ChangeItems {
  readonly change: Change;
  #plain: WatchItem | undefined;
  #entering: WatchItem | undefined;
  #leaving: WatchItem | undefined;

  constructor(change: Change) {
    this.change = change;
  }

  item(matches: (row: StoredRow) => boolean): WatchItem | undefined {
    const { revision, type, row, before } = this.change;
    const is = type !== 'DELETED' && matches(row);
    const was = before !== undefined && matches(before);
    if (is && was) return (this.#plain ??= new WatchItem(type, revision, row));
    if (is) return (this.#entering ??= new WatchItem('ADDED', revision, row));
    if (!was) return undefined;
    if (type === 'DELETED') return (this.#plain ??= new WatchItem(type, revision, row));
    // It left the selection: the watcher sees it go in the last state that was selected, at the version of the change.
    return (this.#leaving ??= new WatchItem('DELETED', revision, asOf(before, revision)));
  }
}

/** The row's former state at a later version. */
function asOf(row: StoredRow, revision: number): StoredRow {
  const { resource, namespace, name, uid, index } = row;
  return { resource, namespace, name, uid, index, revision, text: withVersion(row.text, revision) };
}

export interface Watcher {
  readonly resource: string;
  readonly matches: (row: StoredRow) => boolean;
  /** Of one commit. */
  push(items: readonly WatchItem[]): void;
  /** The server ends. */
  end(): void;
}

export class WatchHub {
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #unsubscribe: () => void;
  #closed = false;

  constructor(store: Store) {
    this.#unsubscribe = store.subscribe((changes) => this.#deliver(changes));
  }

  add(watcher: Watcher): () => void {
    if (this.#closed) {
      watcher.end();
      return () => {};
    }
    const all = this.#watchers.get(watcher.resource) ?? new Set();
    this.#watchers.set(watcher.resource, all.add(watcher));
    return () => {
      all.delete(watcher);
    };
  }

  /** Watchers by resource, in process and over HTTP. */
  counts(): ReadonlyMap<string, number> {
    return new Map([...this.#watchers].map(([resource, { size }]) => [resource, size]));
  }

  #deliver(changes: readonly Change[]): void {
    for (const [resource, ofOne] of Map.groupBy(changes, ({ row }) => row.resource)) {
      const watchers = this.#watchers.get(resource);
      if (!watchers?.size) continue;
      const all = ofOne.map((change) => new ChangeItems(change));
      for (const watcher of watchers) {
        const items = all.map((each) => each.item(watcher.matches)).filter((item) => item !== undefined);
        if (items.length > 0) watcher.push(items);
      }
    }
  }

  /** A past change as this watcher would have seen it. */
  static itemOf(change: Change, matches: (row: StoredRow) => boolean): WatchItem | undefined {
    return new ChangeItems(change).item(matches);
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    for (const watchers of this.#watchers.values()) for (const watcher of watchers) watcher.end();
    this.#watchers.clear();
  }
}
