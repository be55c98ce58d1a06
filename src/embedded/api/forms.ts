/** In which form a client wants objects: as they are, their metadata alone, or rows of a Table. */
import type { KindDefinition } from '../../resources/kind.ts';
import type { StoredRow } from '../storage/store.ts';
import { listMetadata, objectShape, type Shape } from './answers.ts';
import { negotiate } from './accept.ts';
import type { Form } from './accept.ts';
import type { ApiRequest } from './request.ts';
import { badRequest, notAcceptable } from './status.ts';
import { partialObject, tableShape } from './tables.ts';

type Version = 'v1' | 'v1beta1';

const forms = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'];

const isServed = ({ as, group, version }: Form): boolean =>
  group === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1') && forms.includes(as);

export function shapeAsked({ accept, query }: ApiRequest, kind: KindDefinition, now: () => number): Shape {
  const { form } = negotiate(accept, { forms: isServed, custom: true });
  if (!form) return objectShape(kind);
  const include = query.get('includeObject') || 'Metadata';
  if (form.as === 'Table') {
    if (include !== 'None' && include !== 'Metadata' && include !== 'Object')
      throw badRequest(
        `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(include)}: must be 'Metadata', 'Object', 'None', or empty`,
      );
    return tableShape(kind, form.version as Version, include, now);
  }
  return partialShape(kind, form.version as Version);
}

/** Whether the client accepts what it will get: an object, a list or a stream. Throws 406. */
export function checkForm({ accept }: ApiRequest, { kind, origin }: KindDefinition, what: 'object' | 'list' | 'stream'): void {
  const { form } = negotiate(accept, {
    forms: isServed,
    custom: origin === 'custom',
    stream: what === 'stream',
    watchable: what !== 'object',
  });
  if (what === 'stream') return;
  const isList = what === 'list';
  const type = origin === 'builtin' ? `*core.${kind}` : '*unstructured.Unstructured';
  if (form?.as === 'PartialObjectMetadataList' && !isList)
    throw notAcceptable(`you requested PartialObjectMetadataList, but the requested object is not a list (${type})`);
  if (form?.as === 'PartialObjectMetadata' && isList)
    throw notAcceptable(`you requested PartialObjectMetadata, but the requested object is a list (${type}List)`);
}

function partialShape(kind: KindDefinition, version: Version): Shape {
  const one = (row: StoredRow): string => partialObject(row, version);
  return {
    one,
    list: (page) => ({
      head: `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${version}","metadata":${listMetadata(page)},"items":[`,
      items: ({ rows }, from, to) => rows.slice(from, to).map(one).join(','),
      tail: ']}\n',
    }),
    event: ({ type, row }) => Buffer.from(`{"type":"${type}","object":${one(row)}}\n`),
    bookmark: (item) => {
      const { metadata } = JSON.parse(objectShape(kind).bookmark(item)) as { metadata: object };
      return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata });
    },
  };
}
