import { tmpdir } from 'node:os';
import type { Specialize } from '../../wire/protocol.ts';
import { configFolders } from './config-files.ts';

/** Makes process.env what a specialised pod has: the user's variables, the platform's own, and what programs need to work at all. */
export function setEnvironment(claim: Specialize): void {
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  const { secrets, configs } = configFolders();
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, {
    PATH: PATH ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: HOME ?? tmpdir(),
    TMPDIR: TMPDIR ?? tmpdir(),
    LANG: LANG ?? 'C.UTF-8',
    ...claim.env,
    TSUMUGI_NAMESPACE: claim.namespace,
    TSUMUGI_FUNCTION: claim.function,
    TSUMUGI_REVISION: claim.revision,
    TSUMUGI_GATEWAY_URL: claim.gatewayUrl,
    TSUMUGI_IMAGE: claim.image,
    TSUMUGI_SECRETS: secrets,
    TSUMUGI_CONFIGS: configs,
    ...(claim.run && { TSUMUGI_RUNNER_ID: claim.run.id }),
  });
}
