import { expect, test } from 'vitest';
import { mergeMetrics, Registry } from './metrics.ts';

test('counters, gauges and histograms are written as Prometheus reads them', () => {
  const registry = new Registry();
  const requests = registry.counter('requests_total', 'Requests.');
  requests.child({ function: 'a"b\\c\n', code: '200' }).inc();
  requests.child({ function: 'a"b\\c\n', code: '200' }).inc(2);
  requests.child().inc();
  registry.gauge('waiting', 'Waiting.', (family) => family.child().set(7));
  const seconds = registry.histogram('seconds', 'Duration.', [0.1, 1]).child({ function: 'f' });
  for (const value of [0.05, 0.1, 0.5, 3]) seconds.observe(value);
  expect(registry.text()).toBe(`# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{function="a\\"b\\\\c\\n",code="200"} 3
requests_total 1
# HELP waiting Waiting.
# TYPE waiting gauge
waiting 7
# HELP seconds Duration.
# TYPE seconds histogram
seconds_bucket{function="f",le="0.1"} 2
seconds_bucket{function="f",le="1"} 3
seconds_bucket{function="f",le="+Inf"} 4
seconds_sum{function="f"} 3.65
seconds_count{function="f"} 4
`);
});

test('what is removed is not written any more', () => {
  const registry = new Registry();
  const family = registry.counter('x', 'X.');
  family.child({ f: 'a' }).inc();
  family.child({ f: 'b' }).inc();
  family.remove({ f: 'a' });
  expect(registry.text()).toContain('x{f="b"} 1');
  expect(registry.text()).not.toContain('f="a"');
});

test('processes are merged by label: each metric once, each sample with its process', () => {
  const text = (value: number): string => `# HELP x X.\n# TYPE x counter\nx ${value}\nx{f="{a b}"} ${value}\n`;
  expect(
    mergeMetrics(
      new Map([
        ['one', text(1)],
        ['two', `${text(2)}# HELP y Y.\n# TYPE y gauge\ny 3\n`],
      ]),
    ),
  ).toBe(`# HELP x X.
# TYPE x counter
x{process="one"} 1
x{process="one",f="{a b}"} 1
x{process="two"} 2
x{process="two",f="{a b}"} 2
# HELP y Y.
# TYPE y gauge
y{process="two"} 3
`);
});
