// Named exports are called with JSON arguments:
// npx tsumugi call math.add 2 3

export function add(a: number, b: number): number {
  return a + b;
}

export async function mean(numbers: readonly number[]): Promise<{ count: number; mean: number }> {
  if (numbers.length === 0) throw new RangeError('the mean of no numbers');
  return { count: numbers.length, mean: numbers.reduce(add, 0) / numbers.length };
}
