import { expect, test } from 'vitest';
import { mergeMetrics, serveMetrics } from './metrics.ts';

const gateway = '# HELP requests_total Requests.\n# TYPE requests_total counter\nrequests_total{code="200"} 3\n# TYPE up gauge\nup 1\n';

test('a family of several processes has one head and a sample of each, told apart by the process', () => {
  const text = mergeMetrics([
    { process: 'gateway-0', text: gateway },
    { process: 'gateway-1', text: gateway.replace('3', '4') },
  ]);
  expect(text.split('\n').filter((line) => line !== '')).toEqual([
    '# HELP requests_total Requests.',
    '# TYPE requests_total counter',
    'requests_total{process="gateway-0",code="200"} 3',
    'requests_total{process="gateway-1",code="200"} 4',
    '# TYPE up gauge',
    'up{process="gateway-0"} 1',
    'up{process="gateway-1"} 1',
  ]);
});

test('samples of a histogram stay under its head', () => {
  const histogram = '# TYPE seconds histogram\nseconds_bucket{le="1"} 1\nseconds_bucket{le="+Inf"} 1\nseconds_sum 0.5\nseconds_count 1\n';
  const text = mergeMetrics([
    { process: 'a', text: histogram },
    { process: 'b', text: `${histogram}# TYPE other gauge\nother 1\n` },
  ]);
  expect(text.match(/# TYPE seconds histogram/g)).toHaveLength(1);
  expect(text.indexOf('seconds_count{process="b"} 1')).toBeLessThan(text.indexOf('# TYPE other gauge'));
});

test('a scrape asks the processes each time; other paths do not exist', async () => {
  let scrapes = 0;
  const server = await serveMetrics(0, async () => [{ process: 'p', text: `scrapes ${(scrapes += 1)}\n` }]);
  const options = { headers: { connection: 'close' } };
  expect(await (await fetch(server.url, options)).text()).toContain('scrapes{process="p"} 1');
  expect(await (await fetch(server.url, options)).text()).toContain('scrapes{process="p"} 2');
  expect((await fetch(server.url.replace('/metrics', '/'), options)).status).toBe(404);
  await server.close();
});
