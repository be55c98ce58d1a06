/** From a RemoteCluster to a connection: its kubeconfig is in a Secret beside it. */
import { TsumugiError } from '../base/errors.ts';
import type { KubeClient } from './client.ts';
import type { Connection } from './connection.ts';
import { connectionOfText } from './kubeconfig.ts';
import type { Secret } from '../resources/builtin/secret.ts';
import { isNotFound } from '../resources/object.ts';
import type { RemoteClusterResource } from '../resources/remote-cluster.ts';
import { remoteClusters, secrets } from '../resources/resources.ts';

/** The RemoteCluster of that name. Throws NotFound with the names that there are. */
export async function findRemoteCluster(client: KubeClient, namespace: string, name: string): Promise<RemoteClusterResource> {
  try {
    return await client.get<RemoteClusterResource>(remoteClusters, { namespace, name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const { items } = await client.list<RemoteClusterResource>(remoteClusters, { namespace }).catch(() => ({ items: [] }));
    throw new TsumugiError('NotFound', `there is no RemoteCluster "${name}" in namespace ${namespace}`, {
      hint: `there are: ${items.map(({ metadata }) => metadata.name).join(', ') || 'none'}`,
      cause: error,
    });
  }
}

/** How to reach it. Throws NotFound where Secret or key are missing, Invalid where the kubeconfig cannot be used. */
export async function remoteConnection(client: KubeClient, { metadata, spec }: RemoteClusterResource): Promise<Connection> {
  const { namespace = '' } = metadata;
  const { name, key } = spec.secretRef;
  const missing = (what: string, cause?: unknown): TsumugiError =>
    new TsumugiError('NotFound', `RemoteCluster "${metadata.name}" needs ${what}`, {
      hint: `make it: kubectl create secret generic ${name} -n ${namespace} --from-file=${key}=KUBECONFIG`,
      cause,
    });
  const secret = await client.get<Secret>(secrets, { namespace, name }).catch((error: unknown) => {
    throw isNotFound(error) ? missing(`the Secret "${name}", which is not there`, error) : error;
  });
  const data = secret.data?.[key];
  if (data === undefined)
    throw missing(`the key "${key}" of the Secret "${name}", which has ${Object.keys(secret.data ?? {}).join(', ') || 'none'}`);
  try {
    return await connectionOfText(Buffer.from(data, 'base64').toString('utf8'), `Secret ${namespace}/${name}`, spec.context);
  } catch (error) {
    // What the kubeconfig does not have is not missing here.
    if (!(error instanceof TsumugiError)) throw error;
    throw new TsumugiError('Invalid', error.message, { ...(error.hint !== undefined && { hint: error.hint }), cause: error });
  }
}
