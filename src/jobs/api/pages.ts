/** Pages of lists, and their tokens. */
import { TsumugiError } from '../../base/errors.ts';

const fewest = 100;
const most = 1000;

/** Items of a page. Throws Invalid. */
export function pageSize(size = 0): number {
  if (size < 0) throw new TsumugiError('Invalid', `page_size is ${size}: it must not be negative`, { field: 'page_size' });
  return Math.min(size || fewest, most);
}

/** Where the page begins: what `pageToken` was made of. Throws Invalid. */
export function pageStart(token = ''): number | undefined {
  if (token === '') return undefined;
  const text = Buffer.from(token, 'base64url').toString();
  if (!/^\d{1,15}$/.test(text)) throw new TsumugiError('Invalid', 'page_token is none that was given out', { field: 'page_token' });
  return Number(text);
}

export const pageToken = (start: number): string => Buffer.from(String(start)).toString('base64url');

/** A page and the token of the next one, of one item more than fits. */
export function page<T>(
  found: readonly T[],
  size: number,
  start: (last: T) => number,
): { readonly items: readonly T[]; readonly next?: string } {
  const items = found.slice(0, size);
  const last = items.at(-1);
  return found.length > size && last !== undefined ? { items, next: pageToken(start(last)) } : { items };
}

/** `a=b,c=d`. Throws Invalid: records know no other selectors. */
export function labelsOf(selector = ''): Readonly<Record<string, string>> | undefined {
  if (selector === '') return undefined;
  const pairs = selector.split(',').map((each) => each.split(/==?/).map((part) => part.trim()));
  if (pairs.every((pair) => pair.length === 2 && pair[0] && !pair[0].endsWith('!')))
    return Object.fromEntries(pairs) as Record<string, string>;
  throw new TsumugiError('Invalid', `label_selector is "${selector}": allowed are equalities, as app=shop,tier=db`, {
    field: 'label_selector',
  });
}
