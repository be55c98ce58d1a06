/**
 * What the platform keeps in Secrets of its own namespace: keys, certificates, and the tokens of gateways and of the command line.
 * Made at the first start by whichever replica comes first; what one of them left half made is completed by the next.
 */
import { getIfThere } from '../../kube/get.ts';
import { certifies, makeAuthority, makeServerCertificate } from '../../base/authority.ts';
import { newToken } from '../../base/ids.ts';
import { keysFrom, newInstancesKey, newSigningKey, type PlatformKeys } from '../../functions/model/keys.ts';
import { labelsOf, names, secretNames } from '../../install/parts.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isAlreadyExists, isConflict, isNotFound, type KubeObject } from '../../resources/object.ts';
import { secrets } from '../../resources/resources.ts';

export interface PlatformSecrets {
  readonly keys: PlatformKeys;
  /** PEM of the platform API's server. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** PEM: who certifies it. */
  readonly ca: string;
  /** Who shows it is a gateway. */
  readonly gatewayToken: string;
  /** Who shows it is a user. */
  readonly userToken: string;
}

interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

type Values = Readonly<Record<string, string>>;

/** How often to begin again when another replica writes at the same time: each time, one of them gets ahead. */
const attempts = 10;

/** The names by which the platform API is reached; `localhost` is for `kubectl port-forward`. */
export function serverNames(namespace: string): readonly string[] {
  const inCluster = [names.api, names.controllers].flatMap((name) =>
    ['', `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`].map((suffix) => name + suffix),
  );
  return [...inCluster, 'localhost'];
}

/** Reads what is there and makes what is missing; safe to run again and by several at once. Throws what the API server answers. */
export async function openPlatformSecrets(client: KubeClient, namespace: string): Promise<PlatformSecrets> {
  const served = serverNames(namespace);
  const platform = await complete(client, namespace, secretNames.platform, (known) => {
    const ca = known['ca.crt'] && known['ca.key'] ? { cert: known['ca.crt'], key: known['ca.key'] } : makeAuthority();
    const former = { cert: known['tls.crt'] ?? '', key: known['tls.key'] ?? '' };
    const tls = former.cert && former.key && certifies(former, ca.cert, served) ? former : makeServerCertificate(ca.key, served);
    return {
      'signing.pem': known['signing.pem'] || newSigningKey(),
      'instances.key': known['instances.key'] || newInstancesKey(),
      'ca.crt': ca.cert,
      'ca.key': ca.key,
      'tls.crt': tls.cert,
      'tls.key': tls.key,
    };
  });
  const [gateway, cli] = await Promise.all([
    complete(client, namespace, secretNames.gateway, (known) => ({
      token: known['token'] || newToken(),
      'ca.crt': platform['ca.crt'] ?? '',
    })),
    complete(client, namespace, secretNames.cli, (known) => ({ token: known['token'] || newToken() })),
  ]);
  return {
    keys: keysFrom({ signing: platform['signing.pem'] ?? '', instances: platform['instances.key'] ?? '' }),
    tls: { cert: platform['tls.crt'] ?? '', key: platform['tls.key'] ?? '' },
    ca: platform['ca.crt'] ?? '',
    gatewayToken: gateway['token'] ?? '',
    userToken: cli['token'] ?? '',
  };
}

/** The Secret with all of `want(what it has)`. */
async function complete(client: KubeClient, namespace: string, name: string, want: (known: Values) => Values): Promise<Values> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await getIfThere<Secret>(client, secrets, { namespace, name });
    const known = decoded(found?.data ?? {});
    const wanted = { ...known, ...want(known) };
    if (found && Object.entries(wanted).every(([key, value]) => known[key] === value)) return known;
    const data = Object.fromEntries(Object.entries(wanted).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
    try {
      if (found) await client.update<Secret>(secrets, { ...found, data });
      else
        await client.create<Secret>(secrets, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: metadataOf(namespace, name),
          type: 'Opaque',
          data,
        });
      return wanted;
    } catch (error) {
      // Another was first: what it wrote counts.
      if (!(isAlreadyExists(error) || isConflict(error) || isNotFound(error)) || attempt === attempts) throw error;
    }
  }
}

const metadataOf = (namespace: string, name: string): KubeObject['metadata'] => ({
  namespace,
  name,
  labels: { ...labelsOf('controller') },
});

const decoded = (data: Values): Values =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
