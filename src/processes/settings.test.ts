import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { isLoopback, readSettings, settingTable } from './settings.ts';

test('without flags and variables all is as the table says', () => {
  expect(readSettings({}, {})).toEqual({
    data: resolve('.tsumugi'),
    host: '127.0.0.1',
    port: 8080,
    apiHost: '127.0.0.1',
    apiPort: 6440,
    platformPort: 6441,
    metricsPort: 9464,
    domain: 'localhost',
    gateways: 1,
    isolation: 'auto',
    runs: { historyDays: 30, maxRunners: 3, startTimeoutSeconds: 600, logLines: 500 },
    chosen: [],
  });
});

test('each flag has its variable, and the flag wins', () => {
  expect(settingTable.map((setting) => setting.variable)).toEqual(
    settingTable.map((setting) => `TSUMUGI_${setting.name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`),
  );
  const settings = readSettings({ port: '1000' }, { TSUMUGI_PORT: '2000', TSUMUGI_API_PORT: '3000' });
  expect(settings).toMatchObject({ port: 1000, apiPort: 3000 });
  expect(settings.chosen.toSorted()).toEqual(['apiPort', 'port']);
});

test.each([
  [{ port: 'x' }, '--port (or TSUMUGI_PORT) is "x"'],
  [{ port: '70000' }, '--port (or TSUMUGI_PORT) is "70000"'],
  [{ gateways: '0' }, '--gateways (or TSUMUGI_GATEWAYS) is "0"'],
  [{ historyDays: '0' }, '--history-days (or TSUMUGI_HISTORY_DAYS) is "0"'],
  [{ isolation: 'none' }, '--isolation (or TSUMUGI_ISOLATION) is "none"'],
])('%o is refused as wrong usage', (flags, message) => {
  expect(() => readSettings(flags, {})).toThrow(expect.objectContaining({ code: 'Usage', message }) as Error);
});

test('what only this machine can reach is loopback', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) expect(isLoopback(host)).toBe(true);
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org']) expect(isLoopback(host)).toBe(false);
});
