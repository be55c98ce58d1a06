/**
 * What a sandboxed program sees of the host: an fstab, so that one `mount -a` does it all. The new root is a folder of empty
 * mount points; the host's top-level folders come read-only, less those that are nobody's business.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Top-level folders of the host that no pod sees: others' data, sockets, what a pod gets of its own. */
const never = new Set(['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'home', 'boot', 'lost+found', 'work', 'secrets', 'configs', 'tsumugi']);
const devices = ['null', 'zero', 'full', 'random', 'urandom'];

export interface HostView {
  /** Top-level folders, bound read-only. */
  readonly folders: readonly string[];
  /** `/bin` -> `usr/bin`. */
  readonly links: readonly (readonly [string, string])[];
  /** Other file systems mounted below those folders. */
  readonly mounts: readonly string[];
  /** Folders below those that are hidden: nothing is in them. */
  readonly hidden: readonly string[];
  /** Files in hidden folders that programs need: where /etc/resolv.conf leads to. */
  readonly files: readonly string[];
  /** Mounting happens in a user namespace, not as root. */
  readonly inUserNamespace: boolean;
  /** Longest first: mount point -> options that a bind of it must keep. */
  readonly locked: readonly (readonly [string, string])[];
}

/** Looked at once: what there is of this host. `hidden` are absolute paths. */
export function viewHost(hidden: readonly string[], inUserNamespace: boolean): HostView {
  const folders: string[] = [];
  const links: [string, string][] = [];
  for (const entry of readdirSync('/', { withFileTypes: true })) {
    if (never.has(entry.name)) continue;
    if (entry.isDirectory()) folders.push(`/${entry.name}`);
    else if (entry.isSymbolicLink()) links.push([`/${entry.name}`, readlinkSync(`/${entry.name}`)]);
  }
  const isShown = (path: string): boolean => folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
  const table = readFileSync('/proc/self/mountinfo', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '));
  const points = table.map((fields) => [unescape(fields[4] ?? ''), fields[5] ?? ''] as const);
  const mounts = points.map(([point]) => point).filter((point) => isShown(point) && !folders.includes(point) && isFolder(point));
  const really = hidden.map(real).filter((path) => isShown(path) && isFolder(path));
  const resolver = real('/etc/resolv.conf');
  return {
    folders,
    links,
    mounts: [...new Set(mounts)].filter((mount) => !really.some((path) => mount === path || mount.startsWith(`${path}/`))).toSorted(),
    hidden: really,
    inUserNamespace,
    files: isShown(resolver) || resolver === '' ? [] : [resolver],
    locked: points.toSorted(([left], [right]) => right.length - left.length),
  };
}

export interface PlaceMounts {
  readonly folder: string;
  /** Bound read-only at this path of the pod. */
  readonly programs: readonly { readonly source: string; readonly target: string }[];
  readonly binds: readonly { readonly source: string; readonly target: string; readonly readOnly: boolean }[];
}

/** Makes `<folder>/root`, the mount points in it, and `<folder>/fstab`. */
export function writeMounts(host: HostView, { folder, programs, binds }: PlaceMounts): void {
  const root = join(folder, 'root');
  mkdirSync(root, { recursive: true });
  chmodSync(root, 0o755);
  const lines: string[] = [];
  const bind = (source: string, target: string, readOnly: boolean): void => {
    const kept = lockedOptions(host, source);
    // In a user namespace what is mounted below may not be left out: it could have been mounted to hide something.
    const kind = host.inUserNamespace && hasMountsBelow(host, source) ? 'rbind' : 'bind';
    lines.push(`${escape(source)} ${escape(join(root, target))} none ${kind},${readOnly ? 'ro' : 'rw'},${kept} 0 0`);
  };
  const point = (target: string, isFile = false): void => makePoint(folder, root, host, target, isFile);

  bind(root, '/', true);
  for (const path of host.folders) point(path);
  for (const [path, to] of host.links) quietLink(to, join(root, path));
  for (const path of ['/proc', '/sys', '/dev', '/dev/shm', '/run', '/tsumugi', '/tmp', '/work', '/secrets', '/configs', '/s']) point(path);
  for (const [name, to] of [
    ['fd', '/proc/self/fd'],
    ['stdin', '/proc/self/fd/0'],
    ['stdout', '/proc/self/fd/1'],
    ['stderr', '/proc/self/fd/2'],
  ] as const) {
    quietLink(to, join(root, 'dev', name));
  }
  for (const path of [...host.folders, ...host.mounts]) bind(path, path, true);
  mkdirSync(join(folder, 'none'), { recursive: true });
  chmodSync(join(folder, 'none'), 0o755);
  for (const path of host.hidden) bind(join(folder, 'none'), path, true);
  for (const path of host.files) {
    point(path, true);
    bind(path, path, true);
  }
  for (const name of devices) {
    point(`/dev/${name}`, true);
    lines.push(`/dev/${name} ${escape(join(root, 'dev', name))} none bind 0 0`);
  }
  lines.push(`tmpfs ${escape(join(root, 'dev/shm'))} tmpfs nosuid,nodev,size=64m,mode=1777 0 0`);
  lines.push(`proc ${escape(join(root, 'proc'))} proc nosuid,nodev,noexec 0 0`);
  for (const [name, target, readOnly] of [
    ['work', '/work', false],
    ['tmp', '/tmp', false],
    ['tmp', '/var/tmp', false],
    ['s', '/s', false],
    ['secrets', '/secrets', true],
    ['configs', '/configs', true],
  ] as const) {
    if (target !== '/var/tmp' || isFolder(target)) bind(join(folder, name), target, readOnly);
  }
  for (const { source, target } of programs) {
    point(target, true);
    bind(source, target, true);
  }
  for (const { source, target, readOnly } of binds) {
    point(target);
    bind(source, target, readOnly);
  }
  writeFileSync(join(folder, 'fstab'), `${lines.join('\n')}\n`);
}

/** Folders of the place that are bound at these paths: a mount point below them is made there. */
const ownPaths = ['/work', '/tmp', '/secrets', '/configs'];

/** Where something will be mounted there must be something: in the new root, in a folder of the place, or on the host already. */
function makePoint(folder: string, root: string, host: HostView, target: string, isFile: boolean): void {
  if (host.folders.some((path) => target.startsWith(`${path}/`))) return;
  const own = ownPaths.find((path) => target.startsWith(`${path}/`));
  const path = own === undefined ? join(root, target) : join(folder, own, relative(own, target));
  mkdirSync(isFile ? dirname(path) : path, { recursive: true });
  if (isFile) writeFileSync(path, '');
}

/** In a user namespace a bind may not lose what the mount it comes from forbids. */
function lockedOptions(host: HostView, source: string): string {
  const options = host.locked.find(([point]) => point === '/' || source === point || source.startsWith(`${point}/`))?.[1].split(',') ?? [];
  return ['nosuid', 'nodev', ...(options.includes('noexec') ? ['noexec'] : [])].join(',');
}

function hasMountsBelow({ locked }: HostView, source: string): boolean {
  return locked.some(([point]) => point.startsWith(source === '/' ? '/' : `${source}/`));
}

function quietLink(to: string, path: string): void {
  try {
    symlinkSync(to, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return '';
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** As fstab and mountinfo write blanks: `\040`. */
const escape = (path: string): string =>
  path.replaceAll(/[\\ \t\n]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
const unescape = (path: string): string =>
  path.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
