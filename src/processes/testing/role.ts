/** A role for the keeper's tests: settings say how it behaves. */
import { TsumugiError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import { runRole } from '../role.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as { refuses?: boolean; dies?: boolean; hangs?: boolean; waitFor?: readonly string[] };
let waitFor = settings.waitFor ?? [];

await runRole(silentLog, async () => {
  if (settings.refuses) throw new TsumugiError('Conflict', 'the port is taken', { hint: 'choose another' });
  if (settings.dies) process.exit(3);
  // What keeps a role alive is its servers; here, nothing else does.
  const alive = setInterval(() => {}, 60_000);
  return {
    warnings: ['take care'],
    metrics: () => `waits ${waitFor.join(',')}`,
    waitFor: (names) => {
      waitFor = names;
    },
    stop: async () => {
      if (settings.hangs) await new Promise(() => {});
      clearInterval(alive);
    },
  };
});
