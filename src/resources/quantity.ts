/** Kubernetes quantities: `500m`, `1.5`, `64Mi`, `1e3`. */

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const syntax = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?$/;

/** What the server says of a text that is none. */
export const quantitySays = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/**
 * The number a quantity stands for: cores for CPU, bytes for memory. undefined: absent, or not a quantity.
 *
 * @example parseQuantity('64Mi') // 67108864
 */
export function parseQuantity(quantity: string | number | undefined): number | undefined {
  const [, digits, exponent, suffix] = syntax.exec(String(quantity ?? '')) ?? [];
  if (digits === undefined) return undefined;
  return exponent === undefined ? Number(digits) * (suffixes[suffix ?? ''] as number) : Number(digits + exponent);
}

const decimal = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** The form in which the server answers it: the largest suffix without a fraction (`1.5` -> `1500m`, `1024Mi` -> `1Gi`). */
export function canonicalQuantity(quantity: string | number): string {
  const [, digits, exponent, suffix = ''] = syntax.exec(String(quantity)) ?? [];
  const value = parseQuantity(quantity);
  if (digits === undefined || value === undefined || exponent !== undefined) return String(quantity);
  const isBinary = suffix.endsWith('i');
  if (!Number.isInteger(value)) {
    const small = (['m', 'u', 'n'] as const).find((each) => isWhole(value / (suffixes[each] as number)));
    return isBinary || !small ? String(quantity) : `${Math.round(value / (suffixes[small] as number))}${small}`;
  }
  if (value === 0) return '0';
  const [units, step] = isBinary ? [binary, 1024] : [decimal, 1000];
  let [rest, unit] = [value, 0];
  while (rest % step === 0 && unit < units.length - 1) [rest, unit] = [rest / step, unit + 1];
  return `${rest}${units[unit] as string}`;
}

/** Whole but for what floating point adds: 0.0015 / 1e-6. */
const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) < 1e-6;
