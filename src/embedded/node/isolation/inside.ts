/**
 * A path inside a folder in which a program may write: it could put a link to anywhere in its place, at any time. Each step is taken
 * from an open folder, and what is found is told by its identity, so that whoever mounts it can see that it is still the same.
 */
import { chmodSync, closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface Inside {
  readonly path: string;
  /** `DEVICE:INODE` */
  readonly identity: string;
  readonly isFile: boolean;
}

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const shared = 0o777;

/**
 * Finds `path` below `root`; folders that are missing are made, and the last as an empty file where `file` says so. Links are
 * followed only as long as they stay inside.
 *
 * @throws Error when it leads out of the folder, or something else than a folder is on the way.
 */
export function findInside(root: string, path: string, { file = false }: { readonly file?: boolean } = {}): Inside {
  const real = realpathSync(root);
  const parts = relative(real, resolvedInside(real, path))
    .split('/')
    .filter((part) => part !== '');
  let at = openSync(real, O_RDONLY | O_DIRECTORY);
  try {
    for (const [index, part] of parts.entries()) {
      const step = `/proc/self/fd/${at}/${part}`;
      const isLast = index === parts.length - 1;
      if (!lstatSync(step, { throwIfNoEntry: false })) make(step, isLast && file);
      const next = openSync(step, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | (isLast ? 0 : O_DIRECTORY));
      closeSync(at);
      at = next;
    }
    const info = fstatSync(at);
    return { path: join(real, ...parts), identity: `${info.dev}:${info.ino}`, isFile: !info.isDirectory() };
  } finally {
    closeSync(at);
  }
}

/** With the links on the way followed, as far as it is there. */
function resolvedInside(root: string, path: string): string {
  let at = root;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  for (const [index, part] of parts.entries()) {
    if (part === '..') throw new Error(`path "${path}" must not contain ".."`);
    const next = join(at, part);
    if (!lstatSync(next, { throwIfNoEntry: false })) return join(next, ...parts.slice(index + 1));
    at = realpathSync(next);
    if (at !== root && !at.startsWith(`${root}/`)) throw new Error(`path "${path}" leads out of its volume`);
  }
  return at;
}

function make(path: string, file: boolean): void {
  if (file) writeFileSync(path, '', { flag: 'wx' });
  else mkdirSync(path);
  // Whatever this process's umask; of what was made just now, not of a link that took its place.
  if (!lstatSync(path).isSymbolicLink()) chmodSync(path, shared);
}
