/** The files of a volume that the API fills: ConfigMap, Secret, downward API, and what is projected of them. */
import type { KubeClient } from '../../../kube/client.ts';
import type { DownwardFile, KeysSource, Pod, Volume, VolumeProjection } from '../../../resources/builtin/pod-types.ts';
import { ConfigReader } from '../container/env.ts';
import { podField, resourceField } from '../fields.ts';
import { MountError } from './mount-error.ts';
import type { TokenSource } from './tokens.ts';

/** Path below the volume -> what is there. */
export type VolumeFiles = ReadonlyMap<string, { readonly bytes: Buffer; readonly mode: number }>;

const fileMode = 0o644;

/** True of volumes that have files of the API. */
export const isFilled = ({ secret, configMap, downwardAPI, projected }: Volume): boolean =>
  Boolean(secret ?? configMap ?? downwardAPI ?? projected);

/** @throws MountError when something that the volume names is not there. */
export async function volumeFiles(pod: Pod, volume: Volume, client: KubeClient, tokens: TokenSource): Promise<VolumeFiles> {
  const reader = new ConfigReader(client, pod.metadata.namespace ?? 'default');
  const files = new Map<string, { bytes: Buffer; mode: number }>();
  const { secret, configMap, downwardAPI, projected } = volume;
  const defaultMode = (secret ?? configMap ?? downwardAPI ?? projected)?.defaultMode ?? fileMode;
  const sources: readonly VolumeProjection[] = projected?.sources ?? [
    {
      ...(secret && { secret: { ...secret, name: secret.secretName ?? '' } }),
      ...(configMap && { configMap }),
      ...(downwardAPI && { downwardAPI }),
    },
  ];
  for (const source of sources) {
    const found = await filesOf(pod, source, reader, tokens);
    for (const { path, bytes, mode } of found) files.set(safeRelative(path), { bytes, mode: mode ?? defaultMode });
  }
  return files;
}

interface FoundFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly mode?: number | undefined;
}

async function filesOf(pod: Pod, source: VolumeProjection, reader: ConfigReader, tokens: TokenSource): Promise<readonly FoundFile[]> {
  const { secret, configMap, downwardAPI, serviceAccountToken } = source;
  if (secret) return ofKeys('secret', secret, secret.name ?? '', await reader.secret(secret.name ?? ''));
  if (configMap) return ofKeys('configmap', configMap, configMap.name ?? '', await reader.configMap(configMap.name ?? ''));
  if (downwardAPI) return (downwardAPI.items ?? []).map((item) => downward(pod, item));
  if (serviceAccountToken) {
    const { path, audience, expirationSeconds } = serviceAccountToken;
    return [{ path, bytes: Buffer.from(await tokens.token(pod, audience, expirationSeconds)) }];
  }
  throw new MountError(`this node cannot project ${Object.keys(source).join(', ')}`);
}

function ofKeys(
  what: 'secret' | 'configmap',
  { optional, items }: KeysSource,
  name: string,
  data: Readonly<Record<string, Buffer>> | undefined,
): readonly FoundFile[] {
  if (!data && !optional) throw new MountError(`${what} "${name}" not found`);
  if (!items) return Object.entries(data ?? {}).map(([key, bytes]) => ({ path: key, bytes }));
  return items.flatMap(({ key, path, mode }) => {
    const bytes = data && Object.hasOwn(data, key) ? data[key] : undefined;
    if (bytes) return [{ path, bytes, mode }];
    if (optional) return [];
    throw new MountError(
      what === 'secret' ? `references non-existent secret key: ${key}` : `configmap references non-existent config key: ${key}`,
    );
  });
}

function downward(pod: Pod, { path, mode, fieldRef, resourceFieldRef }: DownwardFile): FoundFile {
  const container = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find(
    ({ name }) => name === resourceFieldRef?.containerName,
  );
  const value = fieldRef ? podField(pod, fieldRef.fieldPath) : resourceFieldRef && container && resourceField(container, resourceFieldRef);
  if (value === undefined) throw new MountError(`file "${path}": no such field or container`);
  return { path, bytes: Buffer.from(value), mode };
}

/** The node writes as root: no path may lead out of the volume. */
function safeRelative(path: string): string {
  if (path.startsWith('/') || path.split('/').includes('..')) throw new MountError(`path "${path}" must be relative and without ".."`);
  return path;
}
