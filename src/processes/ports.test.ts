import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { choosePorts } from './ports.ts';
import { readSettings } from './settings.ts';

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))));

async function takePort(): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

const free = { port: 0, apiPort: 0, platformPort: 0, metricsPort: 0 };

test('port 0 becomes a free port, a different one for each', async () => {
  const settings = await choosePorts({ ...readSettings({}, {}), ...free }, () => {});
  const ports = [settings.port, settings.apiPort, settings.platformPort, settings.metricsPort];
  expect(new Set(ports).size).toBe(4);
  expect(ports.every((port) => port > 0)).toBe(true);
});

test('a taken gateway or API port is refused with the flag that helps', async () => {
  const taken = await takePort();
  await expect(choosePorts({ ...readSettings({}, {}), ...free, port: taken }, () => {})).rejects.toMatchObject({
    code: 'Conflict',
    hint: expect.stringContaining('--port') as string,
  });
  await expect(choosePorts({ ...readSettings({}, {}), ...free, apiPort: taken }, () => {})).rejects.toMatchObject({
    code: 'Conflict',
    hint: expect.stringContaining('--api-port') as string,
  });
});

test('a taken default metrics or platform port moves on and says so; a chosen one is refused', async () => {
  const taken = await takePort();
  const said: string[] = [];
  const settings = await choosePorts({ ...readSettings({}, {}), ...free, metricsPort: taken }, (message) => said.push(message));
  expect(settings.metricsPort).toBeGreaterThan(taken);
  expect(said).toEqual([`port ${taken} is taken: metrics is on ${settings.metricsPort}`]);
  await expect(
    choosePorts({ ...readSettings({}, {}), ...free, metricsPort: taken, chosen: ['metricsPort'] }, () => {}),
  ).rejects.toMatchObject({ code: 'Conflict' });
});
