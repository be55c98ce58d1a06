/** A JSON value as Go prints it in messages: `map[a:1 b:map[c:d]]`, `[x y]`. */
export function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (value === null || value === undefined) return '<nil>';
  if (typeof value !== 'object') return typeof value === 'string' ? value : JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${goText(item)}`).join(' ')}]`;
}

const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};
/** A value as Go writes JSON: fit for HTML. */
export const goJson = (value: unknown): string => JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => escapes[char] as string);

/** The Go type that a JSON value is read into. */
export function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

/** The kind of that type, as reflection names it. */
export function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  return typeof value === 'object' ? 'map' : goType(value);
}

/** A value where Go's `%s` expects a text: what is none shows its type. */
export function goFormat(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(goFormat).join(' ')}]`;
  if (value === null || value === undefined) return '%!s(<nil>)';
  return typeof value === 'object' ? goText(value) : `%!s(${goType(value)}=${JSON.stringify(value)})`;
}

const timeParts: readonly (readonly [name: string, RegExp])[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^\d\d/],
  ['-', /^-/],
  ['02', /^\d\d/],
  ['T', /^T/],
  ['15', /^\d\d?/],
  [':', /^:/],
  ['04', /^\d\d/],
  [':', /^:/],
  ['05', /^\d\d(?:[.,]\d+)?/],
  ['Z07:00', /^(?:Z|[+-]\d\d:\d\d)/],
];

/** What Go says of a text that is no RFC 3339 time; undefined where it is one. */
export function timeError(text: string): string | undefined {
  const shown = `parsing time ${JSON.stringify(text)}`;
  let rest = text;
  for (const [name, pattern] of timeParts) {
    const found = pattern.exec(rest)?.[0];
    if (found === undefined)
      return `${shown} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(name)}`;
    rest = rest.slice(found.length);
  }
  if (rest !== '') return `${shown}: extra text: ${JSON.stringify(rest)}`;
  return Number.isNaN(Date.parse(text.replace(',', '.'))) ? `${shown}: day out of range` : undefined;
}
