import { expect, it } from 'vitest';
import { parseQuantity } from './quantity.ts';

it.each([
  ['512Mi', 512 * 2 ** 20],
  ['1.5G', 1.5e9],
  ['100m', 0.1],
  ['2', 2],
  ['1e3', 1000],
  [3, 3],
  ['many', undefined],
  [undefined, undefined],
])('quantity %s', (quantity, number) => {
  expect(parseQuantity(quantity)).toBe(number);
});
