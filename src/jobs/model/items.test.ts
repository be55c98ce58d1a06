import { expect, test } from 'vitest';
import { checkItems, itemText } from './items.ts';

test('a text is itself, all else is JSON', () => {
  expect(['a "b"', 1, null, { a: [true] }].map(itemText)).toEqual(['a "b"', '1', 'null', '{"a":[true]}']);
});

test('there is room for a mebibyte', () => {
  const half = 'é'.repeat(256 * 1024);
  expect(() => checkItems([half, half])).not.toThrow();
  expect(() => checkItems([half, half, 1])).toThrow(expect.objectContaining({ code: 'Invalid', field: 'spec.template.spec.items' }));
});
