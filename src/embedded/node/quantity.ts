/** Kubernetes quantities: `512Mi`, `1.5G`, `100m`, `2`. */
const suffixes: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
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

/** The number that a quantity means (bytes, cores); undefined when it is absent or none. */
export function parseQuantity(quantity: string | number | undefined): number | undefined {
  const match = /^([+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(String(quantity ?? ''));
  const factor = suffixes[match?.[2] ?? '-'];
  return match && factor !== undefined ? Number(match[1]) * factor : undefined;
}
