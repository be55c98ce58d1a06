/** Where volumes may be in a pod: the way into a sandbox leads through the host's programs and libraries, and through its `/etc`. */
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';

/** What a pod brings may not be in their place. */
const system = /^\/(?:(?:usr|s?bin|lib[^/]*|proc|sys|dev|tsumugi|s|etc\/alternatives)(?:\/|$)|etc$|etc\/ld\.|$)/;

/** Why nothing can be mounted there; undefined: something can. */
export function refusedTarget(target: string): string | undefined {
  if (!target.startsWith('/')) return `mountPath "${target}" is not absolute`;
  if (system.test(target) || (target.startsWith('/etc/') && existsSync(target)))
    return `nothing can be mounted at "${target}", where the machine's own files are: choose another mountPath`;
  return undefined;
}

const longestChain = 40;

/** The path where a mount really goes, when links of the host (`/var/run` -> `/run`) are on the way. `isShown`: the pod sees the host's. */
export function canonicalTarget(target: string, links: ReadonlyMap<string, string>, isShown: (path: string) => boolean): string {
  let path = target;
  for (let followed = 0; followed < longestChain; followed++) {
    const next = firstLink(path, links, isShown);
    if (!next) return path;
    path = posix.join(posix.resolve(posix.dirname(next.link), next.to), path.slice(next.link.length));
  }
  throw new Error(`mountPath "${target}": too many links`);
}

function firstLink(
  path: string,
  links: ReadonlyMap<string, string>,
  isShown: (path: string) => boolean,
): { readonly link: string; readonly to: string } | undefined {
  const parts = path.split('/').slice(1);
  for (let depth = 1; depth <= parts.length; depth++) {
    const link = `/${parts.slice(0, depth).join('/')}`;
    const to = links.get(link) ?? (isShown(link) ? linkOf(link) : undefined);
    if (to !== undefined) return { link, to };
  }
  return undefined;
}

function linkOf(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}
