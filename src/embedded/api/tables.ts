/** `kubectl get`: rows of a Table, from the cells that lie beside each object. */
import { shownCell } from '../../resources/cells.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { StoredRow } from '../storage/store.ts';
import { listMetadata } from './answers.ts';
import type { Shape } from './answers.ts';

/** Version of meta.k8s.io when the client would rather have a Table than objects. */
export function tableAsked(accept: string): 'v1' | 'v1beta1' | undefined {
  for (const choice of accept.split(',')) {
    const [type, ...parameters] = choice.split(';').map((part) => part.trim());
    if (type !== 'application/json') continue;
    const given = new Map(parameters.map((parameter) => parameter.split('=') as [string, string]));
    if (!given.has('as')) return undefined;
    const version = given.get('v');
    if (given.get('as') === 'Table' && given.get('g') === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1')) return version;
  }
  return undefined;
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
    if (includeObject === 'None') return '';
    if (includeObject === 'Object') return `,"object":${row.text}`;
    const { metadata } = JSON.parse(row.text) as { metadata: object };
    return `,"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(metadata)}}`;
  };
  /** Only the first event of a watch carries the columns. */
  let said = false;
  return {
    list: (page) => ({
      head: `{${start},"metadata":${listMetadata(page)},${columns},"rows":[`,
      items: ({ rows }, from, to) => {
        const at = now();
        return rows
          .slice(from, to)
          .map((row) => rowText(row, at))
          .join(',');
      },
      tail: ']}\n',
    }),
    event: ({ type, row, revision }) => {
      const defined = said ? '"columnDefinitions":null' : columns;
      said = true;
      return Buffer.from(
        `{"type":"${type}","object":{${start},"metadata":{"resourceVersion":"${revision}"},${defined},"rows":[${rowText(row, now())}]}}\n`,
      );
    },
    bookmark: ({ revision, initial }) => {
      const metadata = { resourceVersion: String(revision), ...(initial && { annotations: { 'k8s.io/initial-events-end': 'true' } }) };
      const object = { kind: kind.kind, apiVersion: kind.group ? `${kind.group}/${kind.version}` : kind.version, metadata };
      const row = `{"cells":${JSON.stringify(kind.columns.map(() => ''))},"object":${JSON.stringify(object)}}`;
      return `{${start},"metadata":${JSON.stringify(metadata)},"columnDefinitions":null,"rows":[${row}]}`;
    },
  };
}
