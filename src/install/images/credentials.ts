/** Who we are for a registry: from what `docker login` wrote, or from a Secret of the same form. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../resources/object.ts';
import { secrets } from '../../resources/resources.ts';

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

interface AuthEntry {
  /** `username:password`, base64. */
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
}

const secretType = 'kubernetes.io/dockerconfigjson';

/** The text of a Secret of type kubernetes.io/dockerconfigjson. Throws Invalid where it is another one. */
export async function readRegistrySecret(client: KubeClient, namespace: string, name: string): Promise<string> {
  const secret = await client.get<KubeObject & { type?: string; data?: Record<string, string> }>(secrets, { namespace, name });
  const data = secret.data?.['.dockerconfigjson'];
  if (secret.type !== secretType || data === undefined)
    throw new TsumugiError('Invalid', `the Secret ${namespace}/${name} is of type ${secret.type ?? 'Opaque'}, not ${secretType}`, {
      hint: `kubectl create secret docker-registry ${name} -n ${namespace} --docker-server=REGISTRY --docker-username=USER --docker-password=PASSWORD`,
    });
  return Buffer.from(data, 'base64').toString('utf8');
}

/**
 * The entry for `repository` (`HOST/PATH`): the one whose address says most of it. Undefined where there is none. Throws Invalid where
 * there is one without a password.
 *
 * @param config text of a Docker config.json
 * @param from where it comes from, for messages
 */
export function findCredentials(config: string, repository: string, from: string): RegistryCredentials | undefined {
  let auths: Readonly<Record<string, AuthEntry>>;
  try {
    auths = (JSON.parse(config) as { auths?: Record<string, AuthEntry> }).auths ?? {};
  } catch (error) {
    throw new TsumugiError('Invalid', `${from} is no JSON`, { cause: error });
  }
  const fitting = Object.entries(auths)
    .map(([address, entry]) => ({ address: plain(address), entry }))
    .filter(({ address }) => address === repository || repository.startsWith(`${address}/`))
    .sort((a, b) => b.address.length - a.address.length);
  const [best] = fitting;
  if (best === undefined) return undefined;
  const credentials = credentialsOf(best.entry);
  // Docker leaves an empty entry where it gave the password to a helper (credsStore).
  if (!credentials)
    throw new TsumugiError('Invalid', `${from} does not have the password for ${best.address} itself`, {
      hint: 'a credential helper may; name a Secret that has it with --registry-secret',
    });
  return credentials;
}

/** Docker writes `https://index.docker.io/v1/` for its own registry, and a scheme where the user did. */
function plain(address: string): string {
  const bare = address.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
  return bare === 'index.docker.io' || bare === 'registry-1.docker.io' ? 'docker.io' : bare;
}

function credentialsOf({ auth, username, password }: AuthEntry): RegistryCredentials | undefined {
  if (username !== undefined && password !== undefined) return { username, password };
  const text = Buffer.from(auth ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon > 0 ? { username: text.slice(0, colon), password: text.slice(colon + 1) } : undefined;
}

/** What `docker login` wrote (DOCKER_CONFIG, else ~/.docker); no entries where there is no such file. */
export async function readDockerConfig(env: Readonly<Record<string, string | undefined>>): Promise<{ text: string; path: string }> {
  const path = join(env['DOCKER_CONFIG'] || join(env['HOME'] ?? homedir(), '.docker'), 'config.json');
  return { text: existsSync(path) ? await readFile(path, 'utf8') : '{}', path };
}
