/** The folder of a place, the same for every driver. */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Owned by the program's uid where it has one of its own. */
const writable = ['work', 'tmp', 's', 'secrets', 'configs'];

/**
 * The folder itself is the platform's alone; a sandbox sees only what is bound out of it. Synchronous: a dozen calls of
 * microseconds each, on the way of every start.
 */
export function makePlaceFolder(folder: string, owner: number | undefined): void {
  mkdirSync(folder, { mode: 0o700, recursive: true });
  for (const name of writable) {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    chmodSync(path, name === 'tmp' ? 0o1777 : 0o755);
    if (owner !== undefined) chownSync(path, owner, owner);
  }
}

/** Whole files that appear at once are not promised: the program is not running yet, or does not know of them yet. */
export async function putFiles(folder: string, files: ReadonlyMap<string, Buffer>, owner: number | undefined): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const [name, bytes] of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(path, bytes, { mode: 0o400 });
    if (owner !== undefined) await chown(path, owner, owner);
  }
}

/** What the program wrote is gone; shared volumes and logs stay. */
export async function resetPlaceFolder(folder: string, owner: number | undefined): Promise<void> {
  await Promise.all([...writable, 'root'].map((name) => removeTree(join(folder, name))));
  makePlaceFolder(folder, owner);
}

/** All but the logs: they are read until the pod object is gone. */
export async function clearPlaceFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.filter((name) => !/\.log(\.1)?$/.test(name)).map((name) => removeTree(join(folder, name))));
}

/** A program may have left folders that not even their owner may enter. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function openFolders(path: string): Promise<void> {
  await chmod(path, 0o700).catch(() => {});
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await openFolders(join(path, entry.name));
}

/** A folder that the containers of a pod share: each has a uid of its own. */
export async function makeSharedFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o777);
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
