/**
 * What a sandboxed program sees of the host, as a file of mounts for the program that makes the sandbox. The new root is a folder of
 * empty mount points; the host's top-level folders come read-only, less those that are nobody's business.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { nulSeparated } from '../nul-separated.ts';
import { findInside } from './inside.ts';
import type { Bind, Program } from './isolation.ts';
import { lastWords } from './place-folder.ts';
import { canonicalTarget, refusedTarget } from './targets.ts';

/** Top-level folders of the host that no pod sees: others' data, sockets, what a pod gets of its own. */
const never = new Set(['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'home', 'boot', 'lost+found', 'work', 'secrets', 'configs', 'tsumugi']);
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const deviceLinks: readonly (readonly [string, string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/ptmx', 'pts/ptmx'],
];
/** Terminals of the pod's own; the host's are not seen. */
const terminals = 'newinstance,ptmxmode=0666,mode=620';

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
  /** Pods can have terminals. */
  readonly terminals: boolean;
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
    terminals: canMountTerminals(inUserNamespace),
    files: isShown(resolver) || resolver === '' ? [] : [resolver],
    locked: points.toSorted(([left], [right]) => right.length - left.length),
  };
}

function canMountTerminals(inUserNamespace: boolean): boolean {
  const namespaces = inUserNamespace ? ['--user', '--map-root-user', '--mount'] : ['--mount'];
  return (
    spawnSync('unshare', [...namespaces, 'mount', '-n', '-t', 'devpts', '-o', `${terminals},nosuid,noexec`, 'devpts', '/tmp']).status === 0
  );
}

interface Mount {
  readonly source: string;
  /** As the pod sees it. */
  readonly target: string;
  readonly readOnly: boolean;
  /** `DEVICE:INODE` that must be there once all is mounted. */
  readonly identity?: string;
}

/** Of the place itself: its folder's part, where it is seen, and whether only such a program may write there that `writesConfig`. */
const ownMounts = [
  ['work', '/work', false],
  ['tmp', '/tmp', false],
  ['tmp', '/var/tmp', false],
  ['s', '/s', false],
  ['secrets', '/secrets', true],
  ['configs', '/configs', true],
  [lastWords, '/dev/termination-log', false],
] as const;
const ownPaths = ownMounts.map(([, target]) => target);
const ownFiles = ownPaths.filter((path) => path === '/dev/termination-log');
const ownFolders = ownPaths.filter((path) => !(ownFiles as readonly string[]).includes(path));

/** In a place's folder. */
export const mountsFile = 'mounts';

/** As `mount(2)` numbers them. */
const flag = { ro: 1, nosuid: 2, nodev: 4, noexec: 8, bind: 0x1000, rbind: 0x5000 } as const;

/** Makes the mounts of places. The usual root is one for all, as each has a mount namespace of its own. */
export class RootBuilder {
  readonly #host: HostView;
  readonly #programs: readonly Mount[];
  readonly #sharedRoot: string;
  readonly #emptyFolder: string;
  readonly #shared: string;

  /** `folder` is made; `programs` are files of the host and where pods see them. */
  constructor(host: HostView, folder: string, programs: readonly { readonly source: string; readonly target: string }[]) {
    this.#host = host;
    this.#programs = programs.map((program) => ({ ...program, readOnly: true }));
    makeFolder(folder);
    this.#sharedRoot = join(realpathSync(folder), 'root');
    this.#emptyFolder = join(folder, 'none');
    makeFolder(this.#emptyFolder);
    this.#makeRoot(this.#sharedRoot);
    this.#shared = this.#common(this.#sharedRoot);
  }

  /** Writes `<folder>/mounts`; answers the new root's path, valid in the namespace where that was mounted. */
  prepare(folder: string, { binds = [], writesConfig = false }: Pick<Program, 'binds' | 'writesConfig'>): string {
    // A mount point of its own needs a root of its own.
    const root = binds.length === 0 ? this.#sharedRoot : join(realpathSync(folder), 'root');
    const placed = this.#placed(binds);
    if (binds.length > 0) this.#makeRoot(root);
    const points = placed.map((bind, index) => this.#makeBindPoint(root, folder, bind, placed.slice(0, index)));
    const common = binds.length === 0 ? this.#shared : this.#common(root, this.#overlaid(folder, placed));
    const own: Mount[] = ownMounts
      .filter(([, target]) => target !== '/var/tmp' || isFolder(target))
      .map(([name, target, isConfig]) => ({ source: join(folder, name), target, readOnly: isConfig && !writesConfig }));
    writeFileSync(join(folder, mountsFile), [common, ...[...own, ...points].map((mount) => this.#bind(root, mount))].join('\0'));
    return root;
  }

  /** Where they really go, a folder before what is in it. */
  #placed(binds: readonly Bind[]): readonly Bind[] {
    const links = new Map(this.#host.links);
    return binds
      .map((bind) => {
        const target = canonicalTarget(bind.target, links, (path) => this.#isOnHost(path));
        const refusal = refusedTarget(target);
        if (refusal !== undefined) throw new Error(refusal);
        return { ...bind, target };
      })
      .toSorted((a, b) => (`${a.target}/` < `${b.target}/` ? -1 : 1));
  }

  /** Answers it as it is to be mounted: where others may change what is there, with the identity to be found. */
  #makeBindPoint(root: string, folder: string, bind: Bind, before: readonly Bind[]): Mount {
    const { target, source, file = false } = bind;
    const outer = before.findLast((each) => target.startsWith(`${each.target}/`));
    if (outer) findInside(outer.source, relative(outer.target, target), { file });
    else if (!this.#isOnHost(target)) this.#makePoint(root, target, folder, file);
    if (!outer) return bind;
    const { dev, ino } = statSync(source);
    return { ...bind, identity: bind.identity ?? `${dev}:${ino}` };
  }

  /** Folders of the host that lack a mount point: seen together with one of ours that has it. Top folder -> ours. */
  #overlaid(folder: string, binds: readonly Bind[]): ReadonlyMap<string, string> {
    const points = join(folder, 'points');
    rmSync(points, { recursive: true, force: true });
    const overlaid = new Map<string, string>();
    for (const [index, { target, file = false }] of binds.entries()) {
      const isInside = binds.slice(0, index).some((each) => target.startsWith(`${each.target}/`));
      if (isInside || !this.#isOnHost(target) || statSync(target, { throwIfNoEntry: false })) continue;
      const top = `/${target.split('/')[1] as string}`;
      overlaid.set(top, join(points, top));
      makeLike(points, dirname(target));
      if (file) writeFileSync(join(points, target), '');
      else makeFolder(join(points, target));
    }
    return overlaid;
  }

  /** Empty folders and files to mount on. */
  #makeRoot(root: string): void {
    const { folders, links, files } = this.#host;
    makeFolder(root);
    for (const path of [...folders, '/proc', '/sys', '/dev/shm', '/dev/pts', '/run', '/tsumugi', ...ownFolders])
      this.#makePoint(root, path);
    const programs = this.#programs.map(({ target }) => target);
    for (const path of [...files, ...devices.map((name) => `/dev/${name}`), ...programs, ...ownFiles])
      this.#makePoint(root, path, undefined, true);
    for (const [path, to] of [...links, ...deviceLinks]) link(to, join(root, path));
  }

  #common(root: string, overlaid: ReadonlyMap<string, string> = new Map()): string {
    const { folders, mounts, hidden, files } = this.#host;
    const shown = [...folders.filter((path) => !overlaid.has(path)), ...mounts, ...files].map((path) => ({
      source: path,
      target: path,
      readOnly: true,
    }));
    const covered = hidden.map((path) => ({ source: this.#emptyFolder, target: path, readOnly: true }));
    const quiet = flag.nosuid | flag.nodev;
    return [
      this.#bind(root, { source: root, target: '/', readOnly: true }),
      ...[...overlaid].map(([path, ours]) => record('overlay', join(root, path), 'overlay', flag.ro | quiet, `lowerdir=${ours}:${path}`)),
      ...[...shown, ...covered, ...this.#programs].map((mount) => this.#bind(root, mount)),
      ...devices.map((name) => record(`/dev/${name}`, join(root, 'dev', name), 'none', flag.bind)),
      ...(this.#host.terminals ? [record('devpts', join(root, 'dev/pts'), 'devpts', flag.nosuid | flag.noexec, terminals)] : []),
      record('tmpfs', join(root, 'dev/shm'), 'tmpfs', quiet, 'size=64m,mode=1777'),
      record('proc', join(root, 'proc'), 'proc', quiet | flag.noexec),
    ].join('\0');
  }

  #bind(root: string, { source, target, readOnly, identity }: Mount): string {
    // In a user namespace what is mounted below may not be left out: it could have been mounted to hide something.
    const kind = this.#host.inUserNamespace && hasMountsBelow(this.#host, source) ? flag.rbind : flag.bind;
    return record(
      source,
      target === '/' ? root : join(root, target),
      'none',
      kind | (readOnly ? flag.ro : 0) | lockedFlags(this.#host, source),
      '',
      identity,
    );
  }

  /** Where something will be mounted there must be something: in the new root, in a folder of the place, or on the host already. */
  #makePoint(root: string, target: string, folder?: string, file = false): void {
    if (this.#isOnHost(target)) return;
    const own = folder === undefined ? undefined : ownMounts.find(([, path]) => target.startsWith(`${path}/`));
    const point = own === undefined ? join(root, target) : join(folder as string, own[0], relative(own[1], target));
    makeFolder(file ? dirname(point) : point);
    if (file) writeFileSync(point, '');
  }

  #isOnHost(path: string): boolean {
    return this.#host.folders.some((folder) => path.startsWith(`${folder}/`));
  }
}

/** Folders of the host made again below `points`, with the same rights. */
function makeLike(points: string, path: string): void {
  const parts = path.split('/').slice(1);
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = `/${parts.slice(0, depth).join('/')}`;
    makeFolder(join(points, folder));
    const there = statSync(folder, { throwIfNoEntry: false });
    if (!there) continue;
    chmodSync(join(points, folder), there.mode & 0o7777);
    if (process.getuid?.() === 0) chownSync(join(points, folder), there.uid, there.gid);
  }
}

/** Passable for the program's uid, whatever this process's umask. */
function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
}

/** In a user namespace a bind may not lose what the mount it comes from forbids. */
function lockedFlags(host: HostView, source: string): number {
  const options = host.locked.find(([point]) => point === '/' || source === point || source.startsWith(`${point}/`))?.[1].split(',') ?? [];
  return flag.nosuid | flag.nodev | (options.includes('noexec') ? flag.noexec : 0);
}

function hasMountsBelow({ locked }: HostView, source: string): boolean {
  return locked.some(([point]) => point.startsWith(source === '/' ? '/' : `${source}/`));
}

function link(to: string, path: string): void {
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

/** As the program that mounts reads it: six fields. `identity`: `DEVICE:INODE` of what must be found there then. */
const record = (source: string, target: string, type: string, flags: number, data = '', identity = '-'): string =>
  nulSeparated([source, target, type, String(flags), data, identity]);

/** Mountinfo writes blanks as `\040`. */
const unescape = (path: string): string =>
  path.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
