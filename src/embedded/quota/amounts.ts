/** Amounts of resources, as the server adds and prints them. */
import { canonicalQuantity, parseQuantity } from '../../resources/quantity.ts';

export interface Amount {
  readonly value: number;
  /** Printed in powers of 1024, as the first of what was added. */
  readonly isBinary: boolean;
}

export type Amounts = Readonly<Record<string, Amount>>;
type Quantities = Readonly<Record<string, string | number>>;

export const none: Amount = { value: 0, isBinary: false };
export const one: Amount = { value: 1, isBinary: false };

export const amountOf = (quantity: string | number): Amount => ({
  value: parseQuantity(quantity) ?? 0,
  isBinary: /[KMGTPE]i$/.test(String(quantity)),
});

export const amountsOf = (quantities: Quantities = {}): Amounts =>
  Object.fromEntries(Object.entries(quantities).map(([name, quantity]) => [name, amountOf(quantity)]));

export const plus = (a: Amount, b: Amount): Amount => ({ value: a.value + b.value, isBinary: (a.value === 0 ? b : a).isBinary });

/** By name, with a rule for names that both have. */
export function merged(a: Amounts, b: Amounts, rule: (a: Amount, b: Amount) => Amount): Amounts {
  const shared = Object.entries(b).map(([name, amount]) => [name, a[name] ? rule(a[name], amount) : amount] as const);
  return { ...a, ...Object.fromEntries(shared) };
}

export const sum = (all: readonly Amounts[]): Amounts => all.reduce((a, b) => merged(a, b, plus), {});
export const most = (all: readonly Amounts[]): Amounts => all.reduce((a, b) => merged(a, b, (x, y) => (y.value > x.value ? y : x)), {});

export function amountText({ value, isBinary }: Amount): string {
  const rounded = Math.round(value * 1e9) / 1e9;
  return isBinary && rounded % 1024 === 0 ? canonicalQuantity(`${rounded / 1024}Ki`) : canonicalQuantity(rounded);
}
