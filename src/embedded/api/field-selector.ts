/** Field selectors (`metadata.name=a,status.phase!=Running`) over the fields that a kind's index holds. */
import type { KindDefinition } from '../../resources/kind.ts';
import type { Matcher } from './label-selector.ts';
import { badRequest } from './status.ts';

/** One term of a field selector. */
export interface FieldTerm {
  readonly path: string;
  readonly equals: boolean;
  readonly value: string;
}

/** A backslash escapes comma, equals sign and itself in a value. Throws BadRequest in the server's words. */
export function fieldTerms(text: string | undefined): readonly FieldTerm[] {
  if (!text) return [];
  const terms = text.match(/(?:\\[^]|[^,\\]|\\$)+/g) ?? [];
  return terms.flatMap((term): FieldTerm[] => {
    const match = /^([^]*?)(!=|==|=)([^]*)$/.exec(term);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const found = { path: match[1] as string, equals: match[2] !== '!=', value: unescaped(match[3] as string) };
    return found.equals && found.path === '' && found.value === '' ? [] : [found];
  });
}

function unescaped(value: string): string {
  for (const [part] of value.matchAll(/\\[^]?|[=,]/g)) {
    if (part === '=' || part === ',') throw badRequest(`invalid field selector: unescaped character in value: ${part.charCodeAt(0)}`);
    if (!/^\\[\\,=]$/.test(part)) throw badRequest(`invalid field selector: invalid escape sequence: ${part}`);
  }
  return value.replace(/\\([\\,=])/g, '$1');
}

const always: readonly string[] = ['metadata.name', 'metadata.namespace'];

/** Undefined when it selects everything. */
export function fieldMatcher(
  text: string | undefined,
  { selectableFields, origin, kind, group }: Pick<KindDefinition, 'selectableFields' | 'origin'> & Partial<KindDefinition>,
): Matcher | undefined {
  const terms = fieldTerms(text);
  if (terms.length === 0) return undefined;
  const known = new Set([...always, ...selectableFields]);
  for (const { path } of terms) {
    if (known.has(path)) continue;
    // Kinds with fields of their own say less there.
    const isPlain = origin === 'builtin' && selectableFields.length === 0;
    if (isPlain) throw badRequest(`"${path}" is not a known field selector: only ${always.map((each) => `"${each}"`).join(', ')}`);
    throw badRequest(group === 'batch' ? `field label "${path}" not supported for ${kind}` : `field label not supported: ${path}`);
  }
  return (fields) => terms.every(({ path, equals, value }) => ((fields[path] ?? '') === value) === equals);
}
