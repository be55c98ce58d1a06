/** In which form a client wants objects: as they are, their metadata alone, or rows of a Table. */
import type { KindDefinition } from '../../resources/kind.ts';
import type { StoredRow } from '../storage/store.ts';
import { listMetadata, objectShape, type Shape } from './answers.ts';
import type { ApiRequest } from './request.ts';
import { badRequest, notAcceptable } from './status.ts';
import { partialObject, tableShape } from './tables.ts';

type Version = 'v1' | 'v1beta1';

interface Form {
  readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  readonly version: Version;
}

/** The first form of those a client accepts that is served; undefined: objects. Throws 406 where there is none. */
function formAsked(accept: string): Form | undefined {
  let wantsOther = false;
  for (const choice of accept.split(',')) {
    const [type, ...parameters] = choice.split(';').map((part) => part.trim());
    const given = new Map(parameters.map((parameter) => parameter.split('=') as [string, string]));
    const [as, version, group] = [given.get('as'), given.get('v'), given.get('g')];
    if (as === undefined) return undefined;
    wantsOther = true;
    if (type !== 'application/json' || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table' || as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { as, version };
  }
  if (wantsOther)
    throw notAcceptable(
      'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    );
  return undefined;
}

export function shapeAsked({ accept, query }: ApiRequest, kind: KindDefinition, now: () => number): Shape {
  const form = formAsked(accept);
  if (!form) return objectShape(kind);
  const include = query.get('includeObject') || 'Metadata';
  if (form.as === 'Table') {
    if (include !== 'None' && include !== 'Metadata' && include !== 'Object')
      throw badRequest(
        `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(include)}: must be 'Metadata', 'Object', 'None', or empty`,
      );
    return tableShape(kind, form.version, include, now);
  }
  return partialShape(kind, form.version);
}

/** Whether an object, or a list, has a form of its own that the client does not want. */
export function checkForm({ accept }: ApiRequest, { kind, origin }: KindDefinition, isList: boolean): void {
  const form = formAsked(accept);
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
