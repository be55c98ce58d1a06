import type { Change, NewRow, RowIndex, StoredRow } from '../store.ts';

/** A row of table `version` as SQLite gives it. */
export interface VersionRecord {
  readonly revision: number;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly idx: string;
  readonly text: string;
  readonly type: Change['type'];
}

export const columns = 'revision, resource, namespace, name, uid, idx, text, type';

/** A stored row whose index is parsed when first asked for: most lists never ask. */
export class Row implements StoredRow {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
  readonly text: string;
  readonly made: unknown;
  /** Of text and index as they are stored. */
  readonly bytes: number;
  #idx: string;
  #index: RowIndex | undefined;

  constructor(record: Omit<VersionRecord, 'type'>, written?: Pick<NewRow, 'index' | 'made'>) {
    this.resource = record.resource;
    this.namespace = record.namespace;
    this.name = record.name;
    this.uid = record.uid;
    this.revision = record.revision;
    this.text = record.text;
    this.made = written?.made;
    this.bytes = record.text.length + record.idx.length;
    this.#idx = record.idx;
    this.#index = written?.index;
  }

  get index(): RowIndex {
    return (this.#index ??= decodeIndex(this.#idx));
  }
}

/** Short: it is read for each row of a selecting list. */
export function encodeIndex(index: RowIndex): string {
  return JSON.stringify([index.labels, index.fields, index.cells, index.owners]);
}

function decodeIndex(text: string): RowIndex {
  const [labels, fields, cells, owners] = JSON.parse(text) as [
    RowIndex['labels'],
    RowIndex['fields'],
    RowIndex['cells'],
    RowIndex['owners'],
  ];
  return { labels, fields, cells, owners };
}
