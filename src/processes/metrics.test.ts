import { expect, test } from 'vitest';
import { serveMetrics } from './metrics.ts';

test.each([
  ['0.0.0.0', /^http:\/\/0\.0\.0\.0:\d+\/metrics$/],
  ['::', /^http:\/\/\[::\]:\d+\/metrics$/],
])('the URL has the address that it listens on, %s', async (host, url) => {
  const server = await serveMetrics(0, async () => new Map(), { host });
  expect(server.url).toMatch(url);
  expect((await fetch(server.url, { headers: { connection: 'close' } })).status).toBe(200);
  await server.close();
});

test('a scrape asks the processes each time and tells them apart; other paths do not exist', async () => {
  let scrapes = 0;
  const server = await serveMetrics(0, async () => new Map([['p', `# TYPE scrapes counter\nscrapes ${(scrapes += 1)}\n`]]));
  const options = { headers: { connection: 'close' } };
  expect(await (await fetch(server.url, options)).text()).toContain('scrapes{process="p"} 1');
  expect(await (await fetch(server.url, options)).text()).toContain('scrapes{process="p"} 2');
  expect((await fetch(server.url.replace('/metrics', '/'), options)).status).toBe(404);
  await server.close();
});
