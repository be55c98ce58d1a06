/** Between an object and its stored row: the text with its resourceVersion at a known place, and the index beside it. */
import { printCells, selectableValues } from '../../resources/cells.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { RowIndex, StoredRow, StoreKey } from '../storage/store.ts';
import { deepFreeze } from './frozen.ts';

const parsed = new WeakMap<StoredRow, KubeObject>();

/** The row's object, parsed once and frozen: all who read this row share it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows the kind of the row it asked for
export function objectOf<T extends KubeObject = KubeObject>(row: StoredRow): T {
  let object = parsed.get(row);
  if (!object) parsed.set(row, (object = deepFreeze(JSON.parse(row.text) as KubeObject)));
  return object as T;
}

const versionAt = /"resourceVersion":"\d*"/;

/** The same object at another version. Our texts begin with the version, so no nested one is found before it. */
export const withVersion = (text: string, revision: number): string => text.replace(versionAt, `"resourceVersion":"${revision}"`);

/** Stringified now, so that the commit only has to put the revision in. */
export function encodeObject(object: KubeObject): (revision: number) => string {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...meta } = metadata;
  const head = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":{"resourceVersion":"`;
  const body = JSON.stringify(rest);
  const tail = `",${JSON.stringify(meta).slice(1)}${body === '{}' ? '}' : `,${body.slice(1)}`}`;
  return (revision) => head + revision + tail;
}

/** What selecting and printing need, so that neither parses the text. */
export function indexOf(kind: KindDefinition, object: KubeObject): RowIndex {
  const { metadata } = object;
  return {
    labels: metadata.labels ?? {},
    fields: selectableValues(kind, object),
    cells: printCells(kind, object),
    owners: (metadata.ownerReferences ?? []).map((owner) => owner.uid),
  };
}

/** What a write of this object stores. */
export function encodeRow(kind: KindDefinition, object: KubeObject): (revision: number) => { uid: string; text: string; index: RowIndex } {
  const text = encodeObject(object);
  const index = indexOf(kind, object);
  const uid = object.metadata.uid as string;
  return (revision) => ({ uid, text: text(revision), index });
}

/** A row that was never stored: the answer to a dry run. */
export function unstoredRow(kind: KindDefinition, key: StoreKey, object: KubeObject, revision: number): StoredRow {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const text = revision === 0 ? JSON.stringify({ ...object, metadata }) : encodeObject(object)(revision);
  return { ...key, uid: object.metadata.uid as string, revision, text, index: indexOf(kind, object) };
}
