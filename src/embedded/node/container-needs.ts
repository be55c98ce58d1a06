/** What a container needs before it starts: limits, and its volumes in its place. */
import { join } from 'node:path';
import type { Container } from '../../resources/builtin/pod-types.ts';
import type { Bind, Limits, Place } from './isolation/isolation.ts';
import { makeSharedFolder } from './isolation/place-folder.ts';
import { parseQuantity } from '../../resources/quantity.ts';
import type { ResolvedMount } from './volumes.ts';

export function limitsOf({ resources }: Container): Limits {
  const memoryBytes = parseQuantity(resources?.limits?.['memory']);
  const cpus = parseQuantity(resources?.limits?.['cpu']);
  return { ...(memoryBytes === undefined ? {} : { memoryBytes }), ...(cpus === undefined ? {} : { cpus }) };
}

/** Writes what the mounts bring; answers what is to be bound. Empty folders are in `sharedFolder`, where all containers of the pod find them. */
export async function fillPlace(place: Place, mounts: readonly ResolvedMount[], sharedFolder: string): Promise<readonly Bind[]> {
  const binds: Bind[] = [];
  for (const { volume, mountPath, readOnly, files, given, subPath } of mounts) {
    const folder = given ?? join('volumes', volume);
    if (files && folder !== '') await place.put(folder, files);
    if (given !== undefined) continue;
    const source = join(files ? place.folder : sharedFolder, 'volumes', volume, subPath);
    if (!files) await makeSharedFolder(source);
    binds.push({ source, target: mountPath, readOnly });
  }
  return binds;
}
