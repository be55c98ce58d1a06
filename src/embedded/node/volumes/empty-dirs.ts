/** How much is in the empty folders of a pod that may hold only so much. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Volume } from '../../../resources/builtin/pod-types.ts';
import { parseQuantity } from '../../../resources/quantity.ts';

const bytesOfBlock = 512;

/** The sentence about the first one with more than its limit, in a kubelet's words. */
export async function overLimit({ spec }: Pod, folderOf: (volume: Volume) => string): Promise<string | undefined> {
  for (const volume of spec.volumes ?? []) {
    const { sizeLimit } = volume.emptyDir ?? {};
    const limit = parseQuantity(sizeLimit);
    if (limit === undefined || limit <= 0) continue;
    if ((await sizeOf(folderOf(volume))) > limit)
      return `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${String(sizeLimit)}". `;
  }
  return undefined;
}

/** True of pods that have such folders. */
export const hasLimit = ({ spec }: Pod): boolean => spec.volumes?.some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined) === true;

/** What it takes on the disk. What comes and goes meanwhile counts or not. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    const info = await lstat(path).catch(() => undefined);
    bytes += (info?.blocks ?? 0) * bytesOfBlock;
    if (entry.isDirectory()) bytes += await sizeOf(path);
  }
  return bytes;
}
