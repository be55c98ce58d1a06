/** A gateway: HTTP in, frames to instances out. It opens no database and knows only what the control plane's projection tells. */
import { createLog } from '../base/log.ts';
import { startGateway } from '../gateway/server.ts';
import { platformFile } from './folders.ts';
import { runRole } from './role.ts';

const log = createLog('gateway');

await runRole(log, async (settings) => {
  const gateway = await startGateway({
    port: settings.port,
    host: settings.host,
    domain: settings.domain,
    platform: `unix:${platformFile(settings).socket}`,
    reusePort: settings.gateways > 1,
    ...(settings.listenFd !== undefined && { fd: settings.listenFd }),
    log,
  });
  // It listens already; ready is one that knows where requests go.
  await gateway.loaded;
  return gateway;
});
