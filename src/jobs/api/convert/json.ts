/** What the conversions share. They go between objects and the JSON form of messages, which Connect reads and writes. */
import { TsumugiError } from '../../../base/errors.ts';

/** Without the fields that are undefined: in messages, what is not known is not there. */
export function defined<T extends object>(fields: T): { [Field in keyof T]?: Exclude<T[Field], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as ReturnType<typeof defined<T>>;
}

/** Milliseconds since 1970 as a Timestamp. */
export const timestamp = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

export const duration = (seconds: number | undefined): string | undefined => (seconds === undefined ? undefined : `${seconds}s`);

/** A Duration as whole seconds. Throws Invalid. */
export function seconds(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.slice(0, -1));
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TsumugiError('Invalid', `${field} is ${text}: whole seconds are allowed, from 1 on`, { field });
}

/** In messages 0 and '' mean that nothing is said. */
export const given = <T>(value: T | undefined): T | undefined => (value === 0 || value === '' ? undefined : value);

/** The same of lists. */
export const some = <T>(list: readonly T[] | undefined): T[] | undefined => (list && list.length > 0 ? [...list] : undefined);
