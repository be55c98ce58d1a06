/** Ports are decided by the supervisor before anything starts, so that a restarted gateway comes back where it was. */
import { createServer } from 'node:net';
import { TsumugiError, toError } from '../base/errors.ts';
import type { UpSettings } from './settings.ts';

/** The port if it is free (0: any free one), or undefined when somebody has it. */
async function probe(host: string, port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    return await new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
      server.listen({ host, port, exclusive: true }, () => resolve((server.address() as { port: number }).port));
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Answers the settings with real ports. A taken gateway or API port is an error; a taken default metrics or platform port moves on. */
export async function choosePorts(settings: UpSettings, say: (message: string) => void): Promise<UpSettings> {
  const used = new Set<number>();
  const choose = async (what: string, flag: string, host: string, port: number, mayMove: boolean): Promise<number> => {
    // Any free one may be one that was just chosen for another.
    const more = mayMove || port === 0 ? 50 : 0;
    for (let tried = 0; tried <= more; tried += 1) {
      const candidate = port === 0 ? 0 : port + tried;
      const free = await probe(host, candidate).catch((error: unknown) => {
        throw new TsumugiError('Invalid', `cannot listen on ${host}:${candidate}: ${toError(error).message}`, {
          hint: `choose another with ${flag}`,
        });
      });
      if (free === undefined || used.has(free)) continue;
      if (candidate !== port) say(`port ${port} is taken: ${what} is on ${free}`);
      used.add(free);
      return free;
    }
    throw new TsumugiError('Conflict', `port ${port} of ${host} is taken, ${what} cannot start`, {
      hint: `stop what listens there or choose another with ${flag}`,
    });
  };
  const moves = (name: string): boolean => !settings.chosen.includes(name);
  return {
    ...settings,
    port: await choose('the gateway', '--port', settings.host, settings.port, false),
    apiPort: await choose('the Kubernetes API', '--api-port', settings.apiHost, settings.apiPort, false),
    platformPort: await choose('the platform API', '--platform-port', settings.apiHost, settings.platformPort, moves('platformPort')),
    metricsPort: await choose('metrics', '--metrics-port', '127.0.0.1', settings.metricsPort, moves('metricsPort')),
  };
}
