/** Where the node keeps its pods, in the platform's short run folder (a unix socket's path has at most 107 characters). */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** Enough of a uid to name one of some thousands of pods. */
const uidLength = 13;

export function podsFolder(runFolder: string): string {
  return join(runFolder, 'p');
}

/** The container whose place is the pod's folder; those of the others (`1`, `2`, of init containers `i0`, `i1`) stand beside it. */
export const firstSlot = '0';

export const initSlot = (index: number): string => `i${index}`;
export const isInitSlot = (slot: string): boolean => slot.startsWith('i');

/** A folder, or a link to the folder of the blank process that became this pod. */
export function podFolder(runFolder: string, uid: string): string {
  return join(podsFolder(runFolder), uid.slice(0, uidLength));
}

/**
 * Where a pod of a built-in image listens, seen from outside of it.
 *
 * @example podSocketPath('/run/user/1000/tsumugi/1f0c', pod.metadata.uid) // …/p/5a0f2a94-61f7/socket
 */
export function podSocketPath(runFolder: string, uid: string): string {
  return join(podFolder(runFolder, uid), 'socket');
}

/** The volumes of a pod's own, of all its containers: empty folders, and files of the API. */
export function volumesFolder(runFolder: string, uid = ''): string {
  return join(runFolder, 'v', uid.slice(0, uidLength));
}

/** Those that are in memory; the folder is one of this install alone. */
export function memoryFolder(runFolder: string, uid = ''): string {
  const install = createHash('sha256').update(runFolder).digest('hex').slice(0, 12);
  return join('/dev/shm', `tsumugi-${install}`, uid.slice(0, uidLength));
}
