/** Label selectors (`app=web,tier in (a,b),!canary`): parsed once, then asked for each row of the index. */
import { labelValueSyntax, qualifiedName } from '../../resources/names.ts';
import { badRequest } from './status.ts';

export type Matcher = (values: Readonly<Record<string, string>>) => boolean;

const operators = 'in, notin, =, ==, !=, gt, lt';
const tokens = /\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)/gy;

const isWord = (token: string): boolean => token !== '' && !/^[=!(),<>]/.test(token);

/** What cannot be parsed within a requirement; what stands between requirements is told without this. */
class Unreadable extends Error {}

/** Undefined when it selects everything. Throws BadRequest in the server's words. */
export function labelMatcher(text: string | undefined): Matcher | undefined {
  if (!text) return undefined;
  const parser = new Parser([...text.matchAll(tokens)].map((match) => match[1] as string));
  const all = parser.selector();
  return all.length === 0 ? undefined : (labels) => all.every((matches) => matches(labels));
}

class Parser {
  readonly #parts: readonly string[];
  #at = 0;

  constructor(parts: readonly string[]) {
    this.#parts = parts;
  }

  /** '' at the end. */
  #peek(): string {
    return this.#parts[this.#at] ?? '';
  }

  #take(): string {
    return this.#parts[this.#at++] ?? '';
  }

  selector(): readonly Matcher[] {
    const all: Matcher[] = [];
    const startsOne = (): boolean => isWord(this.#peek()) || this.#peek() === '!';
    while (this.#peek() !== '') {
      if (!startsOne()) throw badRequest(`found '${this.#peek()}', expected: !, identifier, or 'end of string'`);
      try {
        all.push(this.#requirement());
      } catch (error) {
        throw error instanceof Unreadable ? badRequest(`unable to parse requirement: ${error.message}`) : error;
      }
      const next = this.#take();
      if (next !== '' && next !== ',') throw badRequest(`found '${next}', expected: ',' or 'end of string'`);
      if (next === ',' && !startsOne()) throw badRequest(`found '${this.#peek()}', expected: identifier after ','`);
    }
    return all;
  }

  #requirement(): Matcher {
    const isAbsence = this.#peek() === '!';
    if (isAbsence) this.#take();
    const key = this.#take();
    if (!isWord(key)) throw new Unreadable(`found '${key}', expected: identifier`);
    const wrong = qualifiedName(key);
    if (wrong.length > 0) throw new Unreadable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${wrong.join('; ')}`);
    const has = (labels: Readonly<Record<string, string>>): boolean => Object.hasOwn(labels, key);
    if (isAbsence) return (labels) => !has(labels);
    if (this.#peek() === '' || this.#peek() === ',') return has;
    const operator = this.#take();
    if (!['in', 'notin', '=', '==', '!=', '>', '<'].includes(operator)) throw new Unreadable(`found '${operator}', expected: ${operators}`);
    const values = operator === 'in' || operator === 'notin' ? this.#set() : new Set([this.#exact()]);
    checkValues(key, operator, values);
    const within = (labels: Readonly<Record<string, string>>): boolean => has(labels) && values.has(labels[key] as string);
    if (operator === 'notin' || operator === '!=') return (labels) => !within(labels);
    if (operator !== '>' && operator !== '<') return within;
    const bound = BigInt([...values][0] as string);
    return (labels) => {
      const value = labels[key];
      if (!has(labels) || value === undefined || !/^[+-]?\d+$/.test(value)) return false;
      return operator === '>' ? BigInt(value) > bound : BigInt(value) < bound;
    };
  }

  /** The one value of `key=value`; nothing is the empty text. */
  #exact(): string {
    if (this.#peek() === '' || this.#peek() === ',') return '';
    const value = this.#take();
    if (!isWord(value)) throw new Unreadable(`found '${value}', expected: identifier`);
    return value;
  }

  /** `(a,b)`; an empty place is the empty text. */
  #set(): Set<string> {
    const open = this.#take();
    if (open !== '(') throw new Unreadable(`found '${open}' expected: '('`);
    if (this.#peek() === ')') {
      this.#take();
      return new Set(['']);
    }
    if (!isWord(this.#peek()) && this.#peek() !== ',') throw new Unreadable(`found '${this.#peek()}', expected: ',', ')' or identifier`);
    const found = new Set<string>();
    for (;;) {
      const part = this.#take();
      if (isWord(part)) {
        found.add(part);
        if (this.#peek() === ')') break;
        if (this.#peek() !== ',') throw new Unreadable(`found '${this.#peek()}', expected: ',' or ')'`);
      } else if (part === ',') {
        if (found.size === 0 || this.#peek() === ',' || this.#peek() === ')') found.add('');
        if (this.#peek() === ')') break;
      } else throw new Unreadable(`found '${part}', expected: ',', or identifier`);
    }
    this.#take();
    return found;
  }
}

/** As 64 bits hold it. */
const isInteger = (text: string): boolean =>
  /^[+-]?\d{1,40}$/.test(text) && BigInt.asIntN(64, BigInt(text.replace('+', ''))) === BigInt(text.replace('+', ''));

function checkValues(key: string, operator: string, values: ReadonlySet<string>): void {
  const sorted = [...values].sort();
  const errors: string[] = [];
  if (operator === '>' || operator === '<')
    for (const [index, value] of sorted.entries())
      if (!isInteger(value))
        errors.push(`values[${index}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`);
  for (const [index, value] of sorted.entries()) {
    const wrong = labelValueSyntax(value);
    if (wrong.length > 0) errors.push(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong.join('; ')}`);
  }
  if (errors.length > 0) throw new Unreadable(errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`);
}
