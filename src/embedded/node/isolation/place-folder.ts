/** The folder of a place, the same for every driver. */
import { chmodSync, chownSync, mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { chmod, lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Owned by the program's uid where it has one of its own. */
const writable = ['work', 'tmp', 's', 'secrets', 'configs'];
/** What the program wants to be told of its end: the file at `terminationMessagePath`. */
export const lastWords = 'message';

/**
 * The folder itself is the platform's alone; a sandbox sees only what is bound out of it. Synchronous: a dozen calls of
 * microseconds each, on the way of every start.
 */
export function makePlaceFolder(folder: string, owner: number | undefined): void {
  makeFolder(folder, 0o700);
  for (const name of writable) {
    const path = join(folder, name);
    makeFolder(path, 0o755);
    // Whatever this process's umask.
    chmodSync(path, name === 'tmp' ? 0o1777 : 0o755);
    if (owner !== undefined) chownSync(path, owner, owner);
  }
  const message = join(folder, lastWords);
  writeFileSync(message, '');
  chmodSync(message, 0o666);
}

function makeFolder(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** What the program wrote is gone; logs stay. */
export async function resetPlaceFolder(folder: string, owner: number | undefined): Promise<void> {
  await Promise.all([...writable, 'root'].map((name) => removeTree(join(folder, name))));
  makePlaceFolder(folder, owner);
}

/** All but the logs: they are read until the pod object is gone. */
export async function clearPlaceFolder(folder: string): Promise<void> {
  for (const name of namesIn(folder)) if (!/\.log(\.1)?$/.test(name)) await removeTree(join(folder, name));
}

/** The logs too. */
export async function removePlaceFolder(folder: string): Promise<void> {
  for (const name of namesIn(folder)) await removeTree(join(folder, name));
  await removeTree(folder);
}

/** A program may have left folders that not even their owner may enter. */
export async function removeTree(path: string): Promise<void> {
  if (isRemovedAtOnce(path)) return;
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** Most are files, empty folders, or not there: a call of microseconds, where the thread pool's takes many times that. */
function isRemovedAtOnce(path: string): boolean {
  const attempt = (remove: (path: string) => void): string => {
    try {
      remove(path);
      return '';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'unknown';
    }
  };
  const asFolder = attempt(rmdirSync);
  const result = asFolder === 'ENOTDIR' ? attempt(unlinkSync) : asFolder;
  return result === '' || result === 'ENOENT';
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function openFolders(path: string): Promise<void> {
  await chmod(path, 0o700).catch(() => {});
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await openFolders(join(path, entry.name));
}

/**
 * The program listens at `s/s`, in a folder where it may write: there it could put a link to any other socket of the host in its
 * place. Where it is moved to, gateways find it and the program does not.
 */
export async function takeSocket(folder: string): Promise<void> {
  const path = join(folder, 'socket');
  await rename(join(folder, 's', 's'), path);
  if ((await lstat(path)).isSocket()) return;
  await rm(path, { force: true });
  throw new Error('what listens is no socket');
}
