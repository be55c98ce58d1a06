import { expect, test } from 'vitest';
import { labelsOf, page, pageSize, pageStart } from './pages.ts';

test('a list is read page by page, each item once', () => {
  const all = Array.from({ length: 7 }, (_, index) => index + 10);
  const read: number[] = [];
  let token: string | undefined = '';
  let count = 0;
  do {
    const start: number = pageStart(token) ?? -1;
    const { items, next }: { readonly items: readonly number[]; readonly next?: string } = page(
      all.filter((each) => each > start).slice(0, 4),
      3,
      (last) => last,
    );
    read.push(...items);
    token = next;
    count += 1;
  } while (token !== undefined);
  expect(read).toEqual(all);
  expect(count).toBe(3);
});

test('a page has 100 items, and at most 1000', () => {
  expect([undefined, 0, 5, 100_000].map((size) => pageSize(size))).toEqual([100, 100, 5, 1000]);
  expect(() => pageSize(-1)).toThrow(/page_size is -1/);
});

test.each(['x', Buffer.from('-1').toString('base64url'), Buffer.from('1; drop').toString('base64url')])('%j is no token', (token) => {
  expect(() => pageStart(token)).toThrow(/page_token/);
});

test('label selectors are equalities', () => {
  expect(labelsOf('')).toBeUndefined();
  expect(labelsOf('app=shop, tier==db,empty=')).toEqual({ app: 'shop', tier: 'db', empty: '' });
  for (const wrong of ['app', 'app!=shop', 'app in (a,b)', '=x', 'a=b=c']) expect(() => labelsOf(wrong), wrong).toThrow(/label_selector/);
});
