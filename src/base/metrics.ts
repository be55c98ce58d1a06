/**
 * Counters, gauges and histograms in Prometheus' text format. On the hot path it is an addition: a caller gets the child for its
 * labels once and keeps it.
 *
 * @example
 * const requests = registry.counter('tsumugi_gateway_requests_total', 'Requests answered.').child({ function: 'default/hello', code: '200' });
 * requests.inc();
 */
export type Labels = Readonly<Record<string, string>>;

export class Counter {
  value = 0;
  inc(by = 1): void {
    this.value += by;
  }
}

export class Gauge {
  value = 0;
  set(value: number): void {
    this.value = value;
  }
}

/** Seconds: from half a millisecond to a minute. */
export const DURATION_BUCKETS: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class Histogram {
  readonly buckets: readonly number[];
  /** Per bucket, not cumulated; the last is above all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(buckets: readonly number[]) {
    this.buckets = buckets;
    this.counts = Array.from({ length: buckets.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { buckets } = this;
    let i = 0;
    while (i < buckets.length && value > buckets[i]!) i++;
    this.counts[i]!++;
    this.sum += value;
  }
}

/** All children of one metric, by their labels. */
class Family<T> {
  readonly #children = new Map<string, T>();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** The metric for these labels, made at first use. Values may hold anything; names are Prometheus'. */
  child(labels: Labels = {}): T {
    const key = labelText(labels);
    let child = this.#children.get(key);
    if (!child) this.#children.set(key, (child = this.#make()));
    return child;
  }

  /** Forgets it: what the labels named does not exist any more. */
  remove(labels: Labels): void {
    this.#children.delete(labelText(labels));
  }

  /** Forgets all: for a collector that tells only what is there now. */
  clear(): void {
    this.#children.clear();
  }

  entries(): Iterable<[string, T]> {
    return this.#children;
  }
}

export type CounterFamily = Family<Counter>;
export type GaugeFamily = Family<Gauge>;
export type HistogramFamily = Family<Histogram>;

/** The metrics of one process. */
export class Registry {
  readonly #writers: (() => string)[] = [];

  counter(name: string, help: string): CounterFamily {
    const family = new Family(() => new Counter());
    this.#add(name, help, 'counter', () => lines(name, family.entries()));
    return family;
  }

  /** `collect` is called before each reading, to set what is cheaper to ask than to keep. */
  gauge(name: string, help: string, collect?: (family: GaugeFamily) => void): GaugeFamily {
    const family = new Family(() => new Gauge());
    this.#add(name, help, 'gauge', () => {
      collect?.(family);
      return lines(name, family.entries());
    });
    return family;
  }

  histogram(name: string, help: string, buckets: readonly number[] = DURATION_BUCKETS): HistogramFamily {
    const family = new Family(() => new Histogram(buckets));
    this.#add(name, help, 'histogram', () => histogramLines(name, family.entries()));
    return family;
  }

  /** The text exposition (`text/plain; version=0.0.4`). */
  text(): string {
    return this.#writers.map((write) => write()).join('');
  }

  #add(name: string, help: string, type: string, write: () => string): void {
    this.#writers.push(() => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${write()}`);
  }
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`)
    .join(',');
}

function lines(name: string, children: Iterable<[string, { readonly value: number }]>): string {
  let text = '';
  for (const [labels, { value }] of children) text += `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`;
  return text;
}

function histogramLines(name: string, children: Iterable<[string, Histogram]>): string {
  let text = '';
  for (const [labels, { buckets, counts, sum }] of children) {
    const before = labels === '' ? '' : `${labels},`;
    const own = labels === '' ? '' : `{${labels}}`;
    let count = 0;
    for (const [i, bound] of buckets.entries()) text += `${name}_bucket{${before}le="${bound}"} ${(count += counts[i]!)}\n`;
    count += counts[buckets.length]!;
    text += `${name}_bucket{${before}le="+Inf"} ${count}\n${name}_sum${own} ${sum}\n${name}_count${own} ${count}\n`;
  }
  return text;
}

/**
 * The expositions of several processes as one: each sample gets a label `process`, each metric's help and type stand once.
 *
 * @example mergeMetrics(new Map([['gateway-0', textOfGateway], ['control-plane', textOfControlPlane]]))
 */
export function mergeMetrics(parts: ReadonlyMap<string, string>): string {
  const families = new Map<string, { head: string; samples: string }>();
  for (const [process, text] of parts) {
    const label = labelText({ process });
    let family = { head: '', samples: '' };
    for (const line of text.split('\n')) {
      if (line === '') continue;
      if (line.startsWith('#')) {
        const name = line.split(' ')[2]!;
        family = families.get(name) ?? { head: '', samples: '' };
        families.set(name, family);
        if (!family.head.includes(line)) family.head += `${line}\n`;
        continue;
      }
      const brace = line.indexOf('{');
      const space = line.indexOf(' ');
      const named = brace !== -1 && brace < space;
      family.samples += named
        ? `${line.slice(0, brace + 1)}${label},${line.slice(brace + 1)}\n`
        : `${line.slice(0, space)}{${label}}${line.slice(space)}\n`;
    }
  }
  return [...families.values()].map(({ head, samples }) => head + samples).join('');
}
