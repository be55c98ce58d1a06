/** The few rules of Web IDL that Request, Headers and Response need: how arguments are converted and when a TypeError is thrown. */

/** A field name of HTTP (RFC 9110 token). */
const TOKEN = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]+$/;
// Bytes that no field value may hold. Only NUL, CR and LF are forbidden inside (Fetch standard).
// eslint-disable-next-line no-control-regex
const FORBIDDEN_IN_VALUE = /[\0\r\n]/;
// eslint-disable-next-line no-control-regex
const BEYOND_BYTES = /[^\0-\xff]/;

export const isToken = (text: string): boolean => TOKEN.test(text);

export const isHeaderValue = (text: string): boolean => !FORBIDDEN_IN_VALUE.test(text);

/** A string of bytes: what HTTP can carry. */
export function byteString(value: unknown, what: string): string {
  if (typeof value === 'symbol') throw new TypeError(`${what} is a symbol, which cannot be converted to a ByteString`);
  const text = String(value);
  if (BEYOND_BYTES.test(text)) throw new TypeError(`${what} has a character greater than 255, which cannot be converted to a ByteString`);
  return text;
}

/** Text without lone surrogates. */
export function usvString(value: unknown, what: string): string {
  if (typeof value === 'symbol') throw new TypeError(`${what} is a symbol, which cannot be converted to a string`);
  return String(value).toWellFormed();
}

export function domString(value: unknown, what: string): string {
  if (typeof value === 'symbol') throw new TypeError(`${what} is a symbol, which cannot be converted to a string`);
  return String(value);
}

/** A text that must be one of `allowed`. */
export function oneOf<T extends string>(value: unknown, allowed: readonly T[], what: string): T {
  const text = domString(value, what);
  if (!allowed.includes(text as T)) throw new TypeError(`${what}: ${text} is not one of ${allowed.map((one) => `"${one}"`).join(', ')}`);
  return text as T;
}

/** Whole numbers 0..65535, wrapped as Web IDL does it. */
export function unsignedShort(value: unknown): number {
  const number = Math.trunc(value as number);
  return Number.isFinite(number) ? ((number % 65_536) + 65_536) % 65_536 : 0;
}

export function requireArguments(count: number, needed: number, where: string): void {
  if (count < needed)
    throw new TypeError(`${where}: ${needed} argument${needed === 1 ? '' : 's'} required, but${count ? ' only' : ''} ${count} found.`);
}

export function requireDictionary(value: unknown, where: string): void {
  if (value !== undefined && value !== null && typeof value !== 'object' && typeof value !== 'function') {
    throw new TypeError(`${where}: a ${typeof value} is not one of: Null, Undefined, Object.`);
  }
}

/** `[object X]` of a value: tells Blob, FormData and streams without loading their classes. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Members of a standard's class are enumerable, those of a JavaScript class are not. */
export function makeEnumerable(target: object, names: readonly string[]): void {
  for (const name of names) Object.defineProperty(target, name, { enumerable: true });
}

export function setTag(prototype: object, tag: string): void {
  Object.defineProperty(prototype, Symbol.toStringTag, { value: tag, configurable: true });
}
