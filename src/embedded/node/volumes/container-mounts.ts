/** Where a container wants its pod's volumes: checked, with paths as a mount takes them. */
import { posix } from 'node:path';
import type { Container, Pod, Volume, VolumeMount } from '../../../resources/builtin/pod-types.ts';
import { ContainerConfigError, expand } from '../container/env.ts';
import { refusedTarget } from '../isolation/targets.ts';
import { isFilled } from './content.ts';

export interface ContainerMount {
  /** Whose it is. */
  readonly container: string;
  readonly volume: Volume;
  readonly target: string;
  /** '' for all of the volume. */
  readonly subPath: string;
  readonly readOnly: boolean;
  /** Where every place has a folder already, so that nothing is to be mounted: '' for the folder itself, else the path below `secrets` or `configs`. */
  readonly given?: string;
}

/** Folders that every place has at these paths from the start, so that a blank process has them too. */
const everyPlace = new Set(['/work', '/tmp', '/secrets', '/configs']);

/** @throws ContainerConfigError */
export function containerMounts(pod: Pod, container: Container, env: Readonly<Record<string, string>>): readonly ContainerMount[] {
  const isAlone = pod.spec.containers.length + (pod.spec.initContainers?.length ?? 0) === 1;
  return (container.volumeMounts ?? []).map((mount) => {
    const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
    if (!volume) throw new ContainerConfigError(`volume "${mount.name}" is not in spec.volumes`);
    const target = posix.normalize(mount.mountPath).replace(/(?<=.)\/$/, '');
    const refusal = refusedTarget(target);
    if (refusal !== undefined) throw new ContainerConfigError(`volume "${volume.name}": ${refusal}`);
    const subPath = subPathOf(mount, env);
    const readOnly = mount.readOnly === true || isFilled(volume) || volume.persistentVolumeClaim?.readOnly === true;
    const given = subPath === '' ? givenAt(volume, target, isAlone) : undefined;
    return { container: container.name, volume, target, subPath, readOnly, ...(given !== undefined && { given }) };
  });
}

/** Of a container that has started once, so that its paths are right; without its variables a `subPathExpr` is not, and needs not be. */
export function mountsOnceStarted(pod: Pod, container: Container): readonly ContainerMount[] {
  try {
    return containerMounts(pod, container, {});
  } catch {
    return [];
  }
}

function subPathOf({ subPath = '', subPathExpr }: VolumeMount, env: Readonly<Record<string, string>>): string {
  const path = subPathExpr === undefined ? subPath : expand(subPathExpr, env);
  if (path.startsWith('/') || path.split('/').includes('..'))
    throw new ContainerConfigError(`subPath "${path}" must be relative and without ".."`);
  return path;
}

function givenAt(volume: Volume, target: string, isAlone: boolean): string | undefined {
  if (volume.emptyDir) return isAlone && everyPlace.has(target) ? '' : undefined;
  return isFilled(volume) ? /^\/((?:secrets|configs)\/.+)$/.exec(target)?.[1] : undefined;
}
