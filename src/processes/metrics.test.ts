import { expect, test } from 'vitest';
import { serveMetrics } from './metrics.ts';

test('a scrape asks the processes each time and tells them apart; other paths do not exist', async () => {
  let scrapes = 0;
  const server = await serveMetrics(0, async () => new Map([['p', `# TYPE scrapes counter\nscrapes ${(scrapes += 1)}\n`]]));
  const options = { headers: { connection: 'close' } };
  expect(await (await fetch(server.url, options)).text()).toContain('scrapes{process="p"} 1');
  expect(await (await fetch(server.url, options)).text()).toContain('scrapes{process="p"} 2');
  expect((await fetch(server.url.replace('/metrics', '/'), options)).status).toBe(404);
  await server.close();
});
