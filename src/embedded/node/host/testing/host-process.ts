/** A process host in a process of its own, for tests that kill it: starts a program that never ends and tells its pid. */
import { join } from 'node:path';
import { serveProcessHost } from '../ipc.ts';
import { localProcessHost } from '../local.ts';

const folder = process.argv[2] as string;
const host = localProcessHost();
if (process.argv[3] === 'serve') {
  serveProcessHost(host, process);
  process.on('disconnect', () => void host.close().then(() => process.exit()));
} else {
  const { pid } = await host.start({
    id: 'sleeper',
    argv: ['/bin/sleep', '1000'],
    env: {},
    cwd: '/',
    logFile: join(folder, 'log'),
    maxLogBytes: 1000,
  });
  process.send?.(pid);
}
