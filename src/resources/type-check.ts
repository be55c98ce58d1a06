/**
 * Types as the API server's own decoder sees them: its built-in kinds and everyone's metadata are Go structs, and a wrong type is no
 * 422 but a 400 that ends the reading at once.
 */
import { parseQuantity, quantitySays } from './quantity.ts';
import { isMapping, own, resolve } from './resolve.ts';
import type { Structure } from './structure.ts';

const jsonType = (value: unknown): string => {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
};

/** `core.v1.PodSpec` -> `v1.PodSpec`. */
const goName = (ref: string): string => ref.split('.').slice(-2).join('.');

function goType(structure: Structure): string {
  if (structure.type === 'ref') {
    const at = resolve(structure);
    return at.type === 'object' ? goName(structure.ref) : goType(at);
  }
  switch (structure.type) {
    case 'list':
      return `[]${goType(structure.items)}`;
    case 'map':
      return `map[string]${goType(structure.values)}`;
    case 'integer':
      return structure.format ?? 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'intOrString':
      return 'int32';
    default:
      return structure.type === 'string' && structure.format === 'byte' ? '[]uint8' : 'string';
  }
}

const limits: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 };

/**
 * The first wrong type, as Go's JSON decoder says it; undefined when all fit. Nulls fit anywhere. Of a custom resource only the
 * metadata is a Go struct: its other fields are for schema validation.
 */
export function typeError(structure: Structure, object: unknown): string | undefined {
  if (structure.type === 'ref') return walk(structure, object, structure.ref.split('.').at(-1) as string, []);
  const metadata = structure.type === 'object' ? structure.fields['metadata'] : undefined;
  return metadata && isMapping(object) ? walk(metadata, own(object, 'metadata'), 'ObjectMeta', []) : undefined;
}

/** The same of anything that is read into a Go struct of this name. */
export const typeErrorOf = (structure: Structure, value: unknown, owner: string): string | undefined => walk(structure, value, owner, []);

function walk(structure: Structure, value: unknown, owner: string, path: readonly string[]): string | undefined {
  if (value === null || value === undefined) return undefined;
  const at = resolve(structure);
  const wrong = (): string => {
    const where = path.length > 0 ? `Go struct field ${owner}.${path.join('.')}` : 'Go value';
    return `json: cannot unmarshal ${jsonType(value)} into ${where} of type ${goType(structure)}`;
  };
  switch (at.type) {
    case 'any':
    case 'json':
      return undefined;
    case 'object': {
      if (!isMapping(value)) return wrong();
      const name = structure.type === 'ref' ? (structure.ref.split('.').at(-1) as string) : owner;
      return first(Object.entries(value), ([key, item]) => {
        const field = own(at.fields, key);
        return field && walk(field, item, name, [...path, key]);
      });
    }
    case 'map':
      return isMapping(value) ? first(Object.values(value), (item) => walk(at.values, item, owner, path)) : wrong();
    case 'list':
      return Array.isArray(value) ? first(value, (item) => walk(at.items, item, owner, path)) : wrong();
    case 'string':
      if (typeof value !== 'string') return wrong();
      return structure.type === 'ref' && structure.ref === 'meta.v1.MicroTime' ? microTimeError(value) : formatError(at.format, value);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : wrong();
    case 'intOrString':
      if (at.format === 'quantity')
        return (typeof value === 'string' || typeof value === 'number') && parseQuantity(value) !== undefined ? undefined : quantitySays;
      return typeof value === 'string' || Number.isInteger(value) ? undefined : wrong();
    default: {
      if (typeof value !== 'number') return wrong();
      const fits = at.type === 'number' || (Number.isInteger(value) && Math.abs(value) <= (limits[at.format ?? 'int64'] as number));
      return fits ? undefined : wrong().replace('unmarshal number', `unmarshal number ${value}`);
    }
  }
}

function first<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const error = check(item);
    if (error !== undefined) return error;
  }
  return undefined;
}

const microTime = '2006-01-02T15:04:05.000000Z07:00';

/** To the microsecond, no more and no less. */
function microTimeError(value: string): string | undefined {
  const parsing = `parsing time ${JSON.stringify(value)} as ${JSON.stringify(microTime)}: cannot parse`;
  const [, rest] = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(.*)$/.exec(value) ?? [];
  if (rest === undefined || Number.isNaN(Date.parse(value))) return `${parsing} ${JSON.stringify(value)} as "2006"`;
  return /^\.\d{6}(?!\d)/.test(rest) ? undefined : `${parsing} ${JSON.stringify(rest)} as ".000000"`;
}

function formatError(format: string | undefined, value: string): string | undefined {
  if (format === 'byte') {
    const at = badBase64At(value);
    return at === undefined ? undefined : `illegal base64 data at input byte ${at}`;
  }
  if (format === 'date-time' && Number.isNaN(Date.parse(value)))
    return `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`;
  return undefined;
}

/** Where standard, padded base64 breaks; line breaks are fine. */
function badBase64At(value: string): number | undefined {
  const text = value.replace(/[\r\n]/g, '');
  const stop = text.search(/[^A-Za-z0-9+/]/);
  const body = stop < 0 ? text : text.slice(0, stop);
  const padding = text.slice(body.length);
  if (padding === '') return body.length % 4 === 0 ? undefined : body.length - (body.length % 4);
  const wanted = [undefined, undefined, '==', '='][body.length % 4];
  return padding === wanted ? undefined : body.length;
}
