/** Who the container of a job is: the platform puts its tokens into files and renews them there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from '../sdk/identity.ts';

/** Undefined where nobody gave it one. */
export function mountedIdentity(): Identity | undefined {
  const { TSUMUGI_IDENTITY: folder, TSUMUGI_SECRETS: secrets, ...env } = process.env;
  if (!folder) return undefined;
  // Without a sandbox nothing can be at its path.
  const file = (name: string): string | undefined => {
    const path = join(existsSync(folder) || !secrets ? folder : join(secrets, 'tsumugi'), name);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
  };
  const listener = (of: 'platform' | 'kubernetes', url = ''): Identity['platform'] => {
    const ca = file(`${of}-ca.crt`);
    return { url, ...(ca !== undefined && { ca }) };
  };
  return {
    namespace: env['TSUMUGI_NAMESPACE'] ?? 'default',
    gateway: env['TSUMUGI_GATEWAY_URL'] ?? '',
    platform: listener('platform', env['TSUMUGI_PLATFORM_URL']),
    kubernetes: listener('kubernetes', env['TSUMUGI_API_URL']),
    // Each time anew: they are renewed.
    token: (of) => file(of),
  };
}
