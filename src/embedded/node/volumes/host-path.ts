/** hostPath volumes: what must be there, in a kubelet's words, and what of the host no pod may have. */
import { chown, mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { MountError } from './mount-error.ts';

/** Answers the path, with links followed. `owner`: whose a folder is that is made for it. */
export async function openHostPath(path: string, type: string, hidden: readonly string[], owner?: number): Promise<string> {
  if (type === 'DirectoryOrCreate') {
    const made = await mkdir(path, { recursive: true, mode: 0o755 });
    if (made !== undefined && owner !== undefined) await chown(path, owner, owner);
  }
  if (type === 'FileOrCreate') await writeFile(path, '', { flag: 'a', mode: 0o644 });
  const real = await realpath(path).catch(() => undefined);
  const info = real === undefined ? undefined : await stat(real);
  const expected = expectedOf[type];
  if (expected && !info?.[expected.test]()) throw new MountError(`hostPath type check failed: ${path} is not a ${expected.says}`);
  if (real === undefined)
    throw new MountError(`hostPath ${path} does not exist: say what it is to be with type, such as DirectoryOrCreate`);
  const unseen = await Promise.all(hidden.map((each) => realpath(each).catch(() => each)));
  const isHidden = unseen.some((each) => contains(each, real) || contains(real, each)) || homes.some((home) => contains(real, home));
  if (isHidden) throw new MountError(`hostPath "${path}" is not for pods: the platform's own files, or all of somebody's, are there`);
  return real;
}

const homes = ['/root', '/home', homedir()];

const contains = (folder: string, path: string): boolean => folder === '/' || path === folder || path.startsWith(`${folder}/`);

const directory = { test: 'isDirectory', says: 'directory' } as const;
const file = { test: 'isFile', says: 'file' } as const;
const expectedOf: Readonly<
  Record<string, { test: 'isDirectory' | 'isFile' | 'isSocket' | 'isCharacterDevice' | 'isBlockDevice'; says: string }>
> = {
  Directory: directory,
  DirectoryOrCreate: directory,
  File: file,
  FileOrCreate: file,
  Socket: { test: 'isSocket', says: 'socket file' },
  CharDevice: { test: 'isCharacterDevice', says: 'character device' },
  BlockDevice: { test: 'isBlockDevice', says: 'block device' },
};
