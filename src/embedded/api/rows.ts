/** Between an object and its stored row: the text with its resourceVersion at a known place, and the index beside it. */
import { printCells, selectableValues } from '../../resources/cells.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { NewRow, RowIndex, StoredRow, StoreKey } from '../storage/store.ts';
import { deepFreeze } from './frozen.ts';

const parsed = new WeakMap<StoredRow, KubeObject>();

/**
 * The row's object, frozen: all who read this row share it, and with its earlier versions what they have in common. Without `managedFields`: they are as large as the rest, and
 * nobody in this process asks who wrote what.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows the kind of the row it asked for
export function objectOf<T extends KubeObject = KubeObject>(row: StoredRow): T {
  let object = parsed.get(row);
  if (!object) parsed.set(row, (object = deepFreeze(row.made ? madeAt(row.revision, row.made as KubeObject) : parse(row.text))));
  return object as T;
}

const parse = (text: string): KubeObject => JSON.parse(withoutManagers(text)) as KubeObject;

/** As it would be parsed. */
function madeAt(revision: number, { apiVersion, kind, metadata, ...rest }: KubeObject): KubeObject {
  const { resourceVersion: _, ...meta } = metadata;
  return { apiVersion, kind, metadata: { resourceVersion: String(revision), ...meta }, ...rest };
}

const versionAt = /"resourceVersion":"\d*"/;

/** The same object at another version. Our texts begin with the version, so no nested one is found before it. */
export const withVersion = (text: string, revision: number): string => text.replace(versionAt, `"resourceVersion":"${revision}"`);

/**
 * `managedFields` stand between two tabs, which JSON.stringify never writes: so the text is whole for those who send it, and can be cut
 * by those who parse it.
 */
const mark = '\t';

function withoutManagers(text: string): string {
  const from = text.indexOf(mark);
  return from < 0 ? text : text.slice(0, from) + text.slice(text.indexOf(mark, from + 1) + 1);
}

const managersBefore = '"managedFields":';

/** The row's `managedFields` as they are stored; '' where there are none. */
export function managersTextOf({ text }: StoredRow): string {
  const from = text.indexOf(mark);
  return from < 0 ? '' : text.slice(from + 1 + managersBefore.length, text.indexOf(mark, from + 1) - 1);
}

/** The row's object as clients see it. */
export const wholeObjectOf = (row: StoredRow): KubeObject => JSON.parse(row.text) as KubeObject;

const managersPart = (managers: string): string => (managers === '' ? '' : `${mark}${managersBefore}${managers},${mark}`);

/** Stringified now, so that the commit only has to put the revision in. `managers`: the text of `managedFields`, '' for none. */
export function encodeObject(object: KubeObject, managers: string): (revision: number) => string {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...meta } = metadata;
  const head = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":{"resourceVersion":"`;
  const body = JSON.stringify(rest);
  const tail = `",${managersPart(managers)}${JSON.stringify(meta).slice(1)}${body === '{}' ? '}' : `,${body.slice(1)}`}`;
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
export function encodeRow(kind: KindDefinition, object: KubeObject, managers: string): (revision: number) => NewRow {
  const text = encodeObject(object, managers);
  const index = indexOf(kind, object);
  const uid = object.metadata.uid as string;
  return (revision) => ({ uid, text: text(revision), index, made: object });
}

/** A row that was never stored: the answer to a dry run. */
export function unstoredRow(kind: KindDefinition, key: StoreKey, object: KubeObject, managers: string, revision: number): StoredRow {
  const stored = encodeObject(object, managers)(revision);
  const text = revision === 0 ? stored.replace('"resourceVersion":"0",', '') : stored;
  return { ...key, uid: object.metadata.uid as string, revision, text, index: indexOf(kind, object) };
}
