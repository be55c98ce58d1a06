/** `tsumugi gateway`: HTTP in, frames to pods out. It speaks to controllers, never to the API server, and goes on without them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPart } from '../../base/host.ts';
import { createLog } from '../../base/log.ts';
import { startGateway } from '../../gateway/server.ts';
import type { PlatformCredentials } from '../../invoke/replicas.ts';
import type { ClusterGatewaySettings } from './settings.ts';
import { runStandalone } from './standalone.ts';

/** Runs until SIGTERM. Throws what keeps it from listening. */
export async function clusterGateway(settings: ClusterGatewaySettings): Promise<number> {
  const { host, port, domain, platform, credentials: folder, metricsPort } = settings;
  const log = createLog('gateway');
  // Read again now and then: the kubelet renews what is mounted.
  const credentials = async (): Promise<PlatformCredentials> => {
    const [token, ca] = await Promise.all([readFile(join(folder, 'token'), 'utf8'), readFile(join(folder, 'ca.crt'), 'utf8')]);
    return { token: token.trim(), ca };
  };
  const start = async (): Promise<Awaited<ReturnType<typeof startGateway>>> => {
    const gateway = await startGateway({ host, port, domain, platform, credentials, log });
    log.info({ gateway: `http://${hostPart(host)}:${gateway.port}`, platform }, 'listening');
    void gateway.loaded.then(() => log.info({}, 'routes and functions are loaded'));
    return gateway;
  };
  return runStandalone({ name: 'gateway', host, metricsPort, log, start });
}
