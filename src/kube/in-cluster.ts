import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPart } from '../base/host.ts';
import type { Connection } from './connection.ts';

/** Where Kubernetes mounts a pod's service account. */
export const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The API server of the pod we run in, by its service account; undefined when we run in none. */
export async function inCluster(env: Readonly<Record<string, string | undefined>>, folder: string): Promise<Connection | undefined> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (!host) return undefined;
  const read = (name: string): Promise<string | undefined> => readFile(join(folder, name), 'utf8').catch(() => undefined);
  const [ca, token, namespace] = await Promise.all([read('ca.crt'), read('token'), read('namespace')]);
  if (token === undefined) return undefined;
  return {
    server: `https://${hostPart(host)}:${port}`,
    ...(ca !== undefined && { ca }),
    namespace: namespace?.trim() || 'default',
    from: 'the service account of this pod',
    // The kubelet renews the file; reading it costs less than knowing when.
    credentials: async () => ({ token: (await readFile(join(folder, 'token'), 'utf8')).trim() }),
  };
}
