/** Each example answers as its comment says, on a platform started with its folder. */
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, startPlatform } from '../test/e2e/platform.ts';

afterAll(cleanUp);

test('hello greets', async () => {
  const platform = await startPlatform({ dir: 'examples/hello' });
  expect(await (await platform.fetch('/function/hello?name=Ada')).text()).toBe('hello Ada\n');
  expect(await platform.stop()).toBe(0);
});

test('math is called with JSON', async () => {
  const platform = await startPlatform({ dir: 'examples/math' });
  expect(await platform.tsumugi('call', 'math.add', '2', '3')).toMatchObject({ code: 0, stdout: '5\n' });
  expect(await platform.tsumugi('call', 'math.mean', '[1,2,6]')).toMatchObject({ code: 0, stdout: '{"count":3,"mean":3}\n' });
  const empty = await platform.tsumugi('call', 'math.mean', '[]');
  expect(empty).toMatchObject({ code: 1, stdout: '' });
  expect(empty.stderr).toContain('the mean of no numbers');
  expect(await platform.stop()).toBe(0);
});

test('ticks sends a line of JSON for each tick', async () => {
  const platform = await startPlatform({ dir: 'examples/ticks' });
  const response = await platform.fetch('/function/ticks?count=2');
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  expect(await response.text()).toBe('{"tick":1,"of":2}\n{"tick":2,"of":2}\n');
  expect(await platform.stop()).toBe(0);
});

test('upper answers in capitals', async () => {
  const platform = await startPlatform({ dir: 'examples/upper' });
  expect(await (await platform.fetch('/function/upper', { method: 'PUT', body: 'hello' })).text()).toBe('HELLO');
  expect(await (await platform.fetch('/function/upper')).text()).toBe('');
  expect(await platform.stop()).toBe(0);
});

test('settings come from manifests', async () => {
  const platform = await startPlatform({ dir: 'examples/settings' });
  expect(await (await platform.fetch('/function/settings')).json()).toEqual({ passwordLength: 0 });
  expect(await (await platform.fetch('/function/settings-inline')).json()).toEqual({
    greeting: 'good morning',
    passwordLength: 13,
    place: 'here',
  });
  expect(await platform.stop()).toBe(0);
});

test('orders have URLs of their own', async () => {
  const platform = await startPlatform({ dir: 'examples/orders' });
  await eventually('the routes are loaded', async () => (await platform.fetch('/orders')).status === 200);
  expect(await (await platform.fetch('/orders')).json()).toEqual([{ id: 7 }, { id: 8 }]);
  expect(await (await platform.fetch('/orders/7')).json()).toEqual({ id: 7 });
  const created = await platform.fetch('/orders', { method: 'POST', body: '{"item":"tea"}' });
  expect(created.status).toBe(201);
  expect(await created.json()).toEqual({ created: { item: 'tea' } });
  expect((await platform.fetch('/orders/7', { method: 'POST', body: '{}' })).status).toBe(405);
  expect(await platform.stop()).toBe(0);
});

test('counter counts its calls', async () => {
  const platform = await startPlatform();
  expect((await platform.tsumugi('deploy', 'examples/counter/counter.sh')).stdout).toMatch(/^counter .* ready in/);
  for (const count of [1, 2]) expect((await (await platform.fetch('/function/counter')).text()).trim()).toBe(String(count));
  expect(await platform.stop()).toBe(0);
});
