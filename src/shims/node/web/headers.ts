/* oxlint-disable typescript/no-useless-default-assignment -- a default keeps the parameter out of `length`, as the standard has it */
import { byteString, isHeaderValue, isToken, makeEnumerable, requireArguments, setTag } from './webidl.ts';
import { instanceOf } from './foreign.ts';

/** Who may change the headers (Fetch standard). As undici, we only enforce `immutable`: forbidden names are a browser's matter. */
export type Guard = 'none' | 'request' | 'request-no-cors' | 'response' | 'immutable';

/** A head as it came over the wire: name, value, name, value, … from index `start` on. */
export interface FlatHeaders {
  readonly fields: readonly string[];
  readonly start: number;
}

type Pair = [name: string, value: string];

function normalize(value: string): string {
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  if (first > 0x20 && last > 0x20) return value;
  return value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
}

/** Converts HeadersInit to pairs; all conversions happen before the first header is set, as Web IDL has it. */
function toPairs(init: unknown): Pair[] {
  if ((typeof init !== 'object' && typeof init !== 'function') || init === null) {
    throw new TypeError('Headers constructor: init must be a sequence of pairs or a record of strings');
  }
  const iterate = (init as { [Symbol.iterator]?: unknown })[Symbol.iterator];
  if (typeof iterate === 'function') {
    const pairs: Pair[] = [];
    for (const item of init as Iterable<unknown>) {
      if (typeof item !== 'object' || item === null || typeof (item as { [Symbol.iterator]?: unknown })[Symbol.iterator] !== 'function') {
        throw new TypeError('Headers constructor: each header must be a pair of name and value');
      }
      pairs.push([...(item as Iterable<unknown>)].map((part) => byteString(part, 'Headers constructor')) as Pair);
    }
    for (const { length } of pairs as unknown[][]) {
      if (length !== 2) throw new TypeError(`Headers constructor: expected name/value pair to be length 2, found ${length}.`);
    }
    return pairs;
  }
  const record = init as Record<string | symbol, unknown>;
  const pairs: Pair[] = [];
  for (const key of Reflect.ownKeys(record)) {
    if (Object.prototype.propertyIsEnumerable.call(record, key)) {
      pairs.push([byteString(key, 'Headers constructor'), byteString(record[key as string], 'Headers constructor')]);
    }
  }
  return pairs;
}

let makeFlat: (flat: FlatHeaders) => Headers;
let setGuard: (headers: Headers, guard: Guard) => void;
let getGuard: (headers: Headers) => Guard;
let isOurs: (value: unknown) => value is Headers;
let setQuietly: (headers: Headers, name: string, value: string) => void;
let eachField: (headers: Headers, tell: (name: string, value: string) => void) => void;

/** The standard's Headers. Made from a wire head it costs nothing until the first question. */
export class Headers {
  /** Lower-case name to value; set-cookie joined, as `get` shows it. */
  #map: Map<string, string> | undefined;
  #flat: FlatHeaders | undefined;
  #cookies: string[] | undefined;
  #sorted: Pair[] | undefined;
  #guard: Guard = 'none';

  constructor(init: unknown = undefined) {
    if (init !== undefined) {
      if (isOurs(init)) this.#copy(init);
      else for (const [name, value] of toPairs(init)) this.#append(name, value, 'Headers.append');
    }
  }

  append(name: string, value: string): void {
    requireArguments(arguments.length, 2, 'Headers.append');
    this.#append(byteString(name, 'Headers.append'), byteString(value, 'Headers.append'), 'Headers.append');
  }

  delete(name: string): void {
    requireArguments(arguments.length, 1, 'Headers.delete');
    const key = this.#key(name, 'Headers.delete');
    this.#mutable();
    if (key === 'set-cookie') this.#cookies = undefined;
    this.#fields().delete(key);
    this.#sorted = undefined;
  }

  get(name: string): string | null {
    requireArguments(arguments.length, 1, 'Headers.get');
    return this.#fields().get(this.#key(name, 'Headers.get')) ?? null;
  }

  has(name: string): boolean {
    requireArguments(arguments.length, 1, 'Headers.has');
    return this.#fields().has(this.#key(name, 'Headers.has'));
  }

  set(name: string, value: string): void {
    requireArguments(arguments.length, 2, 'Headers.set');
    const text = byteString(value, 'Headers.set');
    const key = this.#key(name, 'Headers.set');
    const clean = this.#value(text, 'Headers.set');
    this.#mutable();
    if (key === 'set-cookie') this.#cookies = [clean];
    this.#fields().set(key, clean);
    this.#sorted = undefined;
  }

  getSetCookie(): string[] {
    this.#fields();
    return [...(this.#cookies ?? [])];
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, thisArg: unknown = undefined): void {
    this.#fields();
    requireArguments(arguments.length, 1, "Failed to execute 'forEach' on 'Headers'");
    if (typeof callback !== 'function')
      throw new TypeError("Failed to execute 'forEach' on 'Headers': parameter 1 is not of type 'Function'.");
    for (const [name, value] of this.entries()) callback.call(thisArg, value, name, this);
  }

  keys(): IterableIterator<string> {
    return this.#iterate(0) as IterableIterator<string>;
  }

  values(): IterableIterator<string> {
    return this.#iterate(1) as IterableIterator<string>;
  }

  entries(): IterableIterator<Pair> {
    return this.#iterate(2) as IterableIterator<Pair>;
  }

  declare [Symbol.iterator]: () => IterableIterator<Pair>;

  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string {
    return `Headers ${inspect(Object.fromEntries(this.#fields()), options)}`;
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return instanceOf(this, Headers, 'Headers', value);
  }

  static {
    isOurs = (value): value is Headers => typeof value === 'object' && value !== null && #map in value;
    makeFlat = (flat) => {
      const headers = new Headers();
      headers.#flat = flat;
      headers.#guard = 'request';
      return headers;
    };
    setGuard = (headers, guard) => {
      headers.#guard = guard;
    };
    getGuard = (headers) => headers.#guard;
    setQuietly = (headers, name, value) => {
      headers.#fields().set(name, value);
      headers.#sorted = undefined;
    };
    eachField = (headers, tell) => {
      for (const [name, value] of headers.#fields()) {
        if (name === 'set-cookie') for (const cookie of headers.#cookies ?? []) tell(name, cookie);
        else tell(name, value);
      }
    };
  }

  #fields(): Map<string, string> {
    if (this.#map) return this.#map;
    const map = (this.#map = new Map<string, string>());
    if (this.#flat) {
      const { fields, start } = this.#flat;
      for (let at = start; at + 1 < fields.length; at += 2) this.#join(map, fields[at]!.toLowerCase(), fields[at + 1]!);
      this.#flat = undefined;
    }
    return map;
  }

  #join(map: Map<string, string>, key: string, value: string): void {
    const old = map.get(key);
    map.set(key, old === undefined ? value : old + (key === 'cookie' ? '; ' : ', ') + value);
    if (key === 'set-cookie') (this.#cookies ??= []).push(value);
  }

  #append(name: string, value: string, where: string): void {
    const clean = normalize(value);
    if (!isToken(name)) throw new TypeError(`${where}: ${name} is an invalid header name.`);
    if (!isHeaderValue(clean)) throw new TypeError(`${where}: ${clean} is an invalid header value.`);
    this.#mutable();
    this.#join(this.#fields(), name.toLowerCase(), clean);
    this.#sorted = undefined;
  }

  #copy(other: Headers): void {
    this.#map = new Map(other.#fields());
    this.#cookies = other.#cookies && [...other.#cookies];
  }

  #key(name: unknown, where: string): string {
    const text = byteString(name, where);
    if (!isToken(text)) throw new TypeError(`${where}: ${text} is an invalid header name.`);
    return text.toLowerCase();
  }

  #value(text: string, where: string): string {
    const clean = normalize(text);
    if (!isHeaderValue(clean)) throw new TypeError(`${where}: ${clean} is an invalid header value.`);
    return clean;
  }

  #mutable(): void {
    if (this.#guard === 'immutable') throw new TypeError('immutable');
  }

  #iterate(part: number): unknown {
    this.#fields();
    return new HeadersIterator(() => this.#list(), part);
  }

  /** Sorted by name, each set-cookie on its own. */
  #list(): readonly Pair[] {
    if (this.#sorted) return this.#sorted;
    const names = [...this.#fields().keys()].sort();
    const list: Pair[] = [];
    for (const name of names) {
      if (name === 'set-cookie') for (const cookie of this.#cookies ?? []) list.push([name, cookie]);
      else list.push([name, this.#map!.get(name)!]);
    }
    return (this.#sorted = list);
  }
}

const ArrayIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;

/** Live, as the standard's are: each step looks at the list as it is then. */
class HeadersIterator {
  #list: () => readonly Pair[];
  #part: number;
  #index = 0;
  constructor(list: () => readonly Pair[], part: number) {
    this.#list = list;
    this.#part = part;
  }
  next(): IteratorResult<string | Pair> {
    const pair = this.#list()[this.#index];
    if (!pair) return { value: undefined, done: true };
    this.#index++;
    return { value: this.#part === 2 ? [pair[0], pair[1]] : pair[this.#part]!, done: false };
  }
}
Object.setPrototypeOf(HeadersIterator.prototype, ArrayIteratorPrototype);
makeEnumerable(HeadersIterator.prototype, ['next']);
setTag(HeadersIterator.prototype, 'Headers Iterator');

// oxlint-disable-next-line typescript/unbound-method -- that they are one function is what the standard says
Object.defineProperty(Headers.prototype, Symbol.iterator, { value: Headers.prototype.entries, writable: true, configurable: true });
makeEnumerable(Headers.prototype, ['append', 'delete', 'get', 'has', 'set', 'getSetCookie', 'keys', 'values', 'entries', 'forEach']);
setTag(Headers.prototype, 'Headers');

/** Headers over a wire head; nothing is parsed yet. */
export const headersFromFlat = (flat: FlatHeaders): Headers => makeFlat(flat);
export const guardHeaders = (headers: Headers, guard: Guard): void => setGuard(headers, guard);
export const guardOf = (headers: Headers): Guard => getGuard(headers);
/** Sets without any check: for values that are known to be good, as a body's content-type. `name` in lower case. */
export const setHeader = (headers: Headers, name: string, value: string): void => setQuietly(headers, name, value);
/** Tells every field in order of insertion, each set-cookie on its own. */
export const forEachField = (headers: Headers, tell: (name: string, value: string) => void): void => eachField(headers, tell);
