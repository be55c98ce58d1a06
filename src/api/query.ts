/** Values in the query of a request. Each throws Invalid with the field, what it is, and what it may be; undefined: it is not there. */
import { TsumugiError } from '../base/errors.ts';

export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new TsumugiError('Invalid', `${name}: ${JSON.stringify(text)} is no whole number`, { field: name });
  return Number(text);
}

/** Milliseconds since 1970. */
export function moment(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(time))
    throw new TsumugiError('Invalid', `${name}: ${JSON.stringify(text)} is no time`, {
      field: name,
      hint: 'use RFC 3339, or milliseconds since 1970',
    });
  return time;
}

export const isYes = (query: URLSearchParams, name: string): boolean => ['', 'true', '1'].includes(query.get(name) ?? 'no');

/** All that are given, each alone or with commas between. */
export const listed = (query: URLSearchParams, name: string): readonly string[] =>
  query.getAll(name).flatMap((text) => text.split(',').filter(Boolean));
