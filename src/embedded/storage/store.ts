/**
 * The storage port of the embedded cluster: objects as JSON text, ordered by one global revision.
 *
 * Async and batch-first: what is asked for in one tick becomes one commit (one fsync), and nobody is told before it is durable.
 * Drivers: `storage/sqlite/`. Contract: `storage/store.contract.ts`.
 */

/** `resource` is `<plural>.<group>` (`functions.tsumugi.dev`, `pods`); `namespace` is '' for cluster-scoped kinds. */
export interface StoreKey {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** What is kept beside the text so that selecting and printing need no parse. */
export interface RowIndex {
  readonly labels: Readonly<Record<string, string>>;
  /** Values of the selectable fields, by path. */
  readonly fields: Readonly<Record<string, string>>;
  /** Printer cells, without those that depend on the time. */
  readonly cells: readonly (string | number | boolean | null)[];
  /** uids of ownerReferences, for garbage collection. */
  readonly owners: readonly string[];
}

export interface StoredRow extends StoreKey {
  readonly uid: string;
  /** Version of the last write: the object's resourceVersion. */
  readonly revision: number;
  /** The object as JSON, its own resourceVersion included. */
  readonly text: string;
  readonly index: RowIndex;
  /** What the text was made of, where its writer has said so: who shares the process need not parse it. Kept for a while only. */
  readonly made?: unknown;
}

/** What a write stores. */
export interface NewRow extends Pick<StoredRow, 'uid' | 'text' | 'index' | 'made'> {}

export interface Write {
  readonly key: StoreKey;
  /** What must hold, else the result is a conflict: 0 = does not exist; n = is at revision n. */
  readonly expect: number;
  /** Another row that must still be at this revision, else the result is a conflict: an object's namespace. */
  readonly guard?: { readonly key: StoreKey; readonly revision: number };
  /** Makes text and index when the revision is known; `undefined` as next state means: remove. Must not throw. */
  readonly next: ((revision: number) => NewRow) | undefined;
  /** On removal: the last state that watchers see, with the revision of the deletion. */
  readonly last?: (revision: number) => Pick<NewRow, 'text' | 'made'>;
}

export type WriteResult = { readonly ok: true; readonly row: StoredRow } | { readonly ok: false; readonly current: StoredRow | undefined };

export interface Change {
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly row: StoredRow;
  /** The row before this change, so that a selecting watcher sees an object enter or leave its selection. */
  readonly before: StoredRow | undefined;
}

export interface ListQuery {
  readonly resource: string;
  readonly namespace?: string;
  /** Rows after this key, in (namespace, name) order. */
  readonly after?: { readonly namespace: string; readonly name: string };
  readonly limit?: number;
  /** The state as it was at this revision (pages of one list); throws HistoryGone when that is trimmed. */
  readonly at?: number;
  /** Only rows whose index this accepts; `remaining` then counts the rest of the scan, selected or not. */
  readonly select?: (index: RowIndex, key: StoreKey) => boolean;
}

/** As a list without a choice and to its end; only the texts, joined, for those who pass them on. */
export interface TextQuery extends Omit<ListQuery, 'limit' | 'select'> {
  /** So many bytes are left out at the beginning of each text. */
  readonly cut: number;
  /** Stands between two texts. */
  readonly between: string;
}

export interface Texts {
  /** Of the state. */
  readonly revision: number;
  readonly first: string;
  /** What follows it, in pieces, where there is more. */
  readonly rest?: AsyncIterable<string>;
}

export interface Store {
  get(keys: readonly StoreKey[]): Promise<readonly (StoredRow | undefined)[]>;
  /**
   * One consistent state, in (namespace, name) order. `remaining`: how many follow after a limited page (counted only when
   * the limit was reached). `revision` is the state's. Yields to the event loop every 500 rows.
   */
  list(query: ListQuery): Promise<{ readonly rows: readonly StoredRow[]; readonly revision: number; readonly remaining: number }>;
  /** One consistent state, in (namespace, name) order. Throws HistoryGone. */
  texts(query: TextQuery): Promise<Texts>;
  /** Each write stands alone; all of one tick are one transaction. Resolves when durable. */
  write(writes: readonly Write[]): Promise<readonly WriteResult[]>;
  /** Objects that name one of these uids as owner. */
  dependents(ownerUids: readonly string[]): Promise<readonly StoredRow[]>;
  /** Durable changes after `since`, in order; throws HistoryGone when history before is trimmed. */
  changes(since: number, resource: string, limit: number): Promise<readonly Change[]>;
  /** Told after each commit, before its writers are, in order, never before it is durable. Returns how to stop. */
  subscribe(listener: (changes: readonly Change[]) => void): () => void;
  revision(): number;
  close(): Promise<void>;
}

/** History older than this is gone: the API answers 410 Expired. */
export class HistoryGone extends Error {
  readonly oldest: number;

  constructor(oldest: number) {
    super(`history before revision ${oldest} is gone`);
    this.name = 'HistoryGone';
    this.oldest = oldest;
  }
}

/**
 * The disk does not let the store work: the API answers 507 (`full`) or 503 (`unusable`) with these words. Nothing of what was asked for
 * has been done; the store works again by itself once the disk does.
 */
export class StorageFailed extends Error {
  readonly kind: 'full' | 'unusable';

  constructor(kind: StorageFailed['kind'], message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'StorageFailed';
    this.kind = kind;
  }
}
