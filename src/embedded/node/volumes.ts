/** A container's volume mounts, resolved: what is written where before it starts. */
import { posix } from 'node:path';
import { ContainerConfigError } from './container-env.ts';
import type { ConfigReader } from './container-env.ts';
import type { Container, Pod, Volume, VolumeMount } from '../../resources/builtin/pod-types.ts';

interface KeyToPath {
  readonly key: string;
  readonly path: string;
}

export interface ResolvedMount {
  readonly volume: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  readonly subPath: string;
  /** File name -> bytes of a Secret or ConfigMap; absent: an empty folder that the pod's containers share. */
  readonly files?: ReadonlyMap<string, Buffer>;
  /** Where every place has a folder already, so that nothing is to be mounted: '' for the folder itself, else the path below `secrets` or `configs`. */
  readonly given?: string;
}

/** Folders that every place has at these paths from the start, so that a blank process has them too. */
const everyPlace = new Set(['/work', '/tmp', '/secrets', '/configs']);

/** The way into a sandbox leads through the programs and libraries that are seen in it: what a pod brings may not be in their place. */
const system = /^\/(?:(?:usr|s?bin|lib[^/]*|etc|proc|sys|dev|tsumugi|s)(?:\/|$)|$)/;

export async function resolveMounts(pod: Pod, container: Container, reader: ConfigReader): Promise<readonly ResolvedMount[]> {
  return Promise.all(
    (container.volumeMounts ?? []).map(async (mount) => {
      const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
      if (!volume) throw new ContainerConfigError(`volume "${mount.name}" is not in spec.volumes`);
      return resolveMount(volume, mount, reader);
    }),
  );
}

async function resolveMount(volume: Volume, mount: VolumeMount, reader: ConfigReader): Promise<ResolvedMount> {
  const mountPath = posix.normalize(mount.mountPath).replace(/(?<=.)\/$/, '');
  const subPath = safeRelative(mount.subPath ?? '');
  const resolved = { volume: volume.name, mountPath, subPath, readOnly: mount.readOnly === true };
  if (!mountPath.startsWith('/')) throw new ContainerConfigError(`mountPath "${mount.mountPath}" is not absolute`);
  if (system.test(mountPath))
    throw new ContainerConfigError(
      `volume "${volume.name}": nothing can be mounted at "${mountPath}", where the machine's own files are: choose another mountPath`,
    );
  // A container could have put a link to anywhere at that path.
  if (volume.emptyDir && subPath !== '') throw new ContainerConfigError(`volume "${volume.name}": this node has no subPath of an emptyDir`);
  if (volume.emptyDir) return everyPlace.has(mountPath) && subPath === '' ? { ...resolved, given: '' } : resolved;
  const files = await filesOf(volume, reader);
  const below = /^\/((?:secrets|configs)\/.+)$/.exec(mountPath)?.[1];
  return { ...resolved, files, readOnly: true, ...(below !== undefined && subPath === '' ? { given: below } : {}) };
}

async function filesOf(volume: Volume, reader: ConfigReader): Promise<ReadonlyMap<string, Buffer>> {
  const source = volume.secret ?? volume.configMap;
  if (!source) throw new ContainerConfigError(`volume "${volume.name}": this node knows emptyDir, secret and configMap`);
  const name = (volume.secret?.secretName ?? volume.configMap?.name) as string;
  const data = volume.secret ? await reader.secret(name) : await reader.configMap(name);
  const what = volume.secret ? 'secret' : 'configmap';
  if (!data && !source.optional) throw new ContainerConfigError(`${what} "${name}" not found`);
  if (!source.items) return new Map(Object.entries(data ?? {}).map(([key, bytes]) => [safeRelative(key), bytes]));
  const files = new Map<string, Buffer>();
  for (const { key, path } of source.items as readonly KeyToPath[]) {
    const bytes = data && Object.hasOwn(data, key) ? data[key] : undefined;
    if (bytes) files.set(safeRelative(path), bytes);
    else if (!source.optional) throw new ContainerConfigError(`couldn't find key ${key} in ${what} "${name}"`);
  }
  return files;
}

/** The node writes as root: no path may lead out of the volume. */
function safeRelative(path: string): string {
  if (path.startsWith('/') || path.split('/').includes('..'))
    throw new ContainerConfigError(`path "${path}" must be relative and without ".."`);
  return path;
}
