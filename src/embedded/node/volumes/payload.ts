/**
 * Writes a volume's files so that a reader sees all of the old ones or all of the new: they stand in a folder of their own, to which
 * the link `..data` leads; what readers open (`key` -> `..data/key`) never changes. As a kubelet does it.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VolumeFiles } from './content.ts';

const current = '..data';

/** `owner`: the uid of who reads them; undefined: this process's own. Nothing is done where all is as wanted. */
export async function writePayload(folder: string, files: VolumeFiles, owner: number | undefined): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  const before = await readlink(join(folder, current)).catch(() => undefined);
  if (before !== undefined && (await isSame(join(folder, before), files, owner))) return;
  const next = `..${randomBytes(6).toString('hex')}`;
  for (const [path, { bytes, mode }] of files) {
    const file = join(folder, next, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, bytes, { mode: 0o600 });
    if (owner !== undefined) await chown(file, owner, owner);
    await chmod(file, mode);
  }
  await mkdir(join(folder, next), { recursive: true, mode: 0o755 });
  await symlink(next, join(folder, `${next}.link`));
  await rename(join(folder, `${next}.link`), join(folder, current));
  await linkTops(folder, new Set([...files.keys()].map((path) => path.split('/')[0] as string)));
  if (before !== undefined) await rm(join(folder, before), { recursive: true, force: true });
}

/** One link for each first part of a path. */
async function linkTops(folder: string, wanted: ReadonlySet<string>): Promise<void> {
  const there = (await readdir(folder)).filter((name) => !name.startsWith('..'));
  for (const name of there) if (!wanted.has(name)) await rm(join(folder, name), { recursive: true, force: true });
  for (const name of wanted) if (!there.includes(name)) await symlink(join(current, name), join(folder, name));
}

async function isSame(folder: string, files: VolumeFiles, owner: number | undefined): Promise<boolean> {
  try {
    const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    if (names.length !== files.size) return false;
    for (const [path, { bytes, mode }] of files) {
      const file = join(folder, path);
      const info = await lstat(file);
      if ((info.mode & 0o777) !== mode || (owner !== undefined && info.uid !== owner) || info.size !== bytes.length) return false;
      if (!(await readFile(file)).equals(bytes)) return false;
    }
    return true;
  } catch {
    return false;
  }
}
