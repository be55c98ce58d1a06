/** `kubectl get`: rows of a Table, from the cells that lie beside each object. */
import { printCells, shownCell } from '../../resources/cells.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { KubeObject } from '../../resources/object.ts';
import type { StoredRow } from '../storage/store.ts';
import { listMetadata } from './answers.ts';
import type { Shape } from './answers.ts';
import type { Page } from './reading.ts';

/** An object of which a client wants only the metadata. */
export function partialObject(row: StoredRow, version: 'v1' | 'v1beta1'): string {
  const { metadata } = JSON.parse(row.text) as { metadata: object };
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(metadata)}}`;
}

/** `includeObject`: None, Metadata or Object, as the query says. */
export function tableShape(kind: KindDefinition, version: 'v1' | 'v1beta1', includeObject: string, now: () => number): Shape {
  const definitions = kind.columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
  const start = `"kind":"Table","apiVersion":"meta.k8s.io/${version}"`;
  const columns = `"columnDefinitions":${JSON.stringify(definitions)}`;
  const rowText = (row: StoredRow, at: number): string => {
    const cells = kind.columns.map((column, index) => shownCell(column, row.index.cells[index] ?? null, at));
    return `{"cells":${JSON.stringify(cells)}${objectText(row)}}`;
  };
  const objectText = (row: StoredRow): string => {
    if (includeObject === 'None') return ',"object":null';
    if (includeObject === 'Object') return `,"object":${row.text}`;
    return `,"object":${partialObject(row, version)}`;
  };
  /** Only the first event of a watch carries the columns. */
  let said = false;
  const whole = (page: Page, from: number, to: number): string => {
    const at = now();
    return page.rows
      .slice(from, to)
      .map((row) => rowText(row, at))
      .join(',');
  };
  const headOf = (page: Page): string => `{${start},"metadata":${listMetadata(page)},${columns},"rows":[`;
  return {
    // A list of one, at the object's own version.
    one: (row) => `{${start},"metadata":{"resourceVersion":"${row.revision}"},${columns},"rows":[${rowText(row, now())}]}`,
    list: (page) => ({ head: headOf(page), items: whole, tail: ']}\n' }),
    event: ({ type, row, revision }) => {
      const defined = said ? '"columnDefinitions":null' : columns;
      said = true;
      return Buffer.from(
        `{"type":"${type}","object":{${start},"metadata":{"resourceVersion":"${revision}"},${defined},"rows":[${rowText(row, now())}]}}\n`,
      );
    },
    bookmark: ({ revision, initial }) => {
      const metadata = { resourceVersion: String(revision) };
      const annotations = { 'k8s.io/initial-events-end': 'true' };
      const object = {
        apiVersion: `meta.k8s.io/${version}`,
        kind: 'PartialObjectMetadata',
        metadata: { ...metadata, ...(initial && { annotations }) },
      };
      // Its row is that of an object of which nothing is known.
      const row = { cells: printCells(kind, { metadata: {} } as KubeObject).map((cell) => cell ?? ''), object };
      return `{${start},"metadata":${JSON.stringify(metadata)},"columnDefinitions":null,"rows":[${JSON.stringify(row)}]}`;
    },
  };
}
