/** Label and field selectors: parsed once, then asked for each row of the index. */
import { badRequest } from './status.ts';

export type Matcher = (values: Readonly<Record<string, string>>) => boolean;

const operators = 'in, notin, =, ==, !=, gt, lt';
const tokens = /\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)/gy;

/**
 * Compiles a label selector (`app=web,tier in (a,b),!canary`); undefined when it selects everything.
 * Throws BadRequest in the server's words.
 */
export function labelMatcher(text: string | undefined): Matcher | undefined {
  if (!text?.trim()) return undefined;
  const parts = [...text.matchAll(tokens)].map((match) => match[1] as string);
  let at = 0;
  const peek = (): string => parts[at] ?? '';
  const isWord = (token: string): boolean => token !== '' && !/^[=!(),<>]/.test(token);
  const fail = (message: string): never => {
    throw badRequest(message);
  };

  const values = (): Set<string> => {
    if (peek() !== '(') fail(`unable to parse requirement: found '${peek()}' expected: '('`);
    at++;
    const found = new Set<string>();
    while (peek() !== ')') {
      if (isWord(peek())) found.add(parts[at++] as string);
      else if (peek() === ',') found.add('');
      else fail(`unable to parse requirement: found '${peek()}', expected: ',' or ')'`);
      if (peek() === ',') at++;
      else if (peek() !== ')') fail(`unable to parse requirement: found '${peek()}', expected: ',' or ')'`);
    }
    at++;
    return found;
  };

  const requirement = (): Matcher => {
    if (peek() === '!') {
      at++;
      const key = parts[at++] ?? '';
      if (!isWord(key)) fail(`unable to parse requirement: found '${key}', expected: identifier`);
      return (labels) => !Object.hasOwn(labels, key);
    }
    const key = parts[at++] as string;
    if (!isWord(key)) fail(`found '${key}', expected: !, identifier, or 'end of string'`);
    const operator = peek();
    if (operator === '' || operator === ',') return (labels) => Object.hasOwn(labels, key);
    at++;
    if (operator === 'in' || operator === 'notin') {
      const set = values();
      if (operator === 'in') return (labels) => Object.hasOwn(labels, key) && set.has(labels[key] as string);
      return (labels) => !Object.hasOwn(labels, key) || !set.has(labels[key] as string);
    }
    const value = isWord(peek()) ? (parts[at++] as string) : '';
    if (operator === '=' || operator === '==') return (labels) => Object.hasOwn(labels, key) && labels[key] === value;
    if (operator === '!=') return (labels) => !Object.hasOwn(labels, key) || labels[key] !== value;
    if (operator === '>' || operator === '<') {
      if (!/^-?\d+$/.test(value))
        fail(
          `unable to parse requirement: values[0][${key}]: Invalid value: "${value}": for 'Gt', 'Lt' operators, the value must be an integer`,
        );
      const bound = BigInt(value);
      return (labels) =>
        /^-?\d+$/.test(labels[key] ?? '') &&
        (operator === '>' ? BigInt(labels[key] as string) > bound : BigInt(labels[key] as string) < bound);
    }
    return fail(`unable to parse requirement: found '${operator}', expected: ${operators}`);
  };

  const all: Matcher[] = [requirement()];
  while (at < parts.length) {
    if (peek() !== ',') fail(`found '${peek()}', expected: ',' or 'end of string'`);
    at++;
    if (at < parts.length) all.push(requirement());
    else fail("found '', expected: identifier after ','");
  }
  return (labels) => all.every((matches) => matches(labels));
}

/** One term of a field selector. */
export interface FieldTerm {
  readonly path: string;
  readonly equals: boolean;
  readonly value: string;
}

/** Parses `metadata.name=a,status.phase!=Running`; a backslash escapes comma, equals sign and itself. */
export function fieldTerms(text: string | undefined): readonly FieldTerm[] {
  if (!text) return [];
  const unescape = (part: string): string => part.replace(/\\([\\,=])/g, '$1');
  return text.split(/(?<!\\),/).flatMap((term): FieldTerm[] => {
    if (term === '') return [];
    const match = /^((?:[^=!\\]|\\.)*)(!=|==|=)(.*)$/.exec(term);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    return [{ path: (match[1] as string).trim(), equals: match[2] !== '!=', value: unescape(match[3] as string) }];
  });
}

const always: readonly string[] = ['metadata.name', 'metadata.namespace'];

/** Compiles a field selector over the indexed fields; undefined when it selects everything. */
export function fieldMatcher(text: string | undefined, selectable: readonly string[]): Matcher | undefined {
  const terms = fieldTerms(text);
  if (terms.length === 0) return undefined;
  const known = [...new Set([...always, ...selectable])];
  for (const { path } of terms) {
    if (!known.includes(path))
      throw badRequest(`"${path}" is not a known field selector: only ${known.map((each) => `"${each}"`).join(', ')}`);
  }
  return (fields) => terms.every(({ path, equals, value }) => ((fields[path] ?? '') === value) === equals);
}
