/**
 * What a sandboxed program sees of the host: an fstab, so that one `mount -a` does it all. The new root is a folder of empty
 * mount points; the host's top-level folders come read-only, less those that are nobody's business.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Program } from './isolation.ts';

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
const terminals = 'newinstance,ptmxmode=0666,mode=620,nosuid,noexec';

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
  return spawnSync('unshare', [...namespaces, 'mount', '-n', '-t', 'devpts', '-o', terminals, 'devpts', '/tmp']).status === 0;
}

interface Mount {
  readonly source: string;
  /** As the pod sees it. */
  readonly target: string;
  readonly readOnly: boolean;
}

/** Of the place itself: its folder's part, where it is seen, and whether only such a program may write there that `writesConfig`. */
const ownMounts = [
  ['work', '/work', false],
  ['tmp', '/tmp', false],
  ['tmp', '/var/tmp', false],
  ['s', '/s', false],
  ['secrets', '/secrets', true],
  ['configs', '/configs', true],
] as const;

/** The last step's script, where a pod has variables of its own. */
export const starterPath = '/tsumugi/start';

/** Makes the fstabs of places. The usual root is one for all, as each has a mount namespace of its own. */
export class RootBuilder {
  readonly #host: HostView;
  readonly #programs: readonly Mount[];
  readonly #sharedRoot: string;
  readonly #emptyFolder: string;
  readonly #sharedLines: string;

  /** `folder` is made; `programs` are files of the host and where pods see them. */
  constructor(host: HostView, folder: string, programs: readonly { readonly source: string; readonly target: string }[]) {
    this.#host = host;
    this.#programs = programs.map((program) => ({ ...program, readOnly: true }));
    this.#sharedRoot = join(folder, 'root');
    this.#emptyFolder = join(folder, 'none');
    makeFolder(folder);
    makeFolder(this.#emptyFolder);
    this.#makeRoot(this.#sharedRoot);
    this.#sharedLines = this.#commonLines(this.#sharedRoot);
  }

  /** Writes `<folder>/fstab`; answers the new root's path, valid in the namespace where that was mounted. */
  prepare(
    folder: string,
    { binds = [], writesConfig = false }: Pick<Program, 'binds' | 'writesConfig'>,
    starter: string | undefined,
  ): string {
    // A mount point of its own needs a root of its own.
    const root = binds.length === 0 ? this.#sharedRoot : join(folder, 'root');
    if (binds.length > 0) this.#makeRoot(root);
    const lines = binds.length === 0 ? this.#sharedLines : this.#commonLines(root);
    const own: Mount[] = ownMounts
      .filter(([, target]) => target !== '/var/tmp' || isFolder(target))
      .map(([name, target, isConfig]) => ({ source: join(folder, name), target, readOnly: isConfig && !writesConfig }));
    for (const { target } of binds) this.#makePoint(root, target, folder);
    if (starter !== undefined) own.push({ source: starter, target: starterPath, readOnly: true });
    writeFileSync(join(folder, 'fstab'), [lines, ...[...own, ...binds].map((mount) => this.#bind(root, mount)), ''].join('\n'));
    return root;
  }

  /** Empty folders and files to mount on. */
  #makeRoot(root: string): void {
    const { folders, links, files } = this.#host;
    makeFolder(root);
    for (const path of [...folders, '/proc', '/sys', '/dev/shm', '/dev/pts', '/run', '/tsumugi', ...ownMounts.map(([, target]) => target)])
      this.#makePoint(root, path);
    for (const path of [...files, ...devices.map((name) => `/dev/${name}`), ...this.#programs.map(({ target }) => target), starterPath]) {
      this.#makePoint(root, dirname(path));
      if (!this.#isOnHost(path)) writeFileSync(join(root, path), '');
    }
    for (const [path, to] of [...links, ...deviceLinks]) link(to, join(root, path));
  }

  #commonLines(root: string): string {
    const { folders, mounts, hidden, files } = this.#host;
    const shown = [...folders, ...mounts, ...files].map((path) => ({ source: path, target: path, readOnly: true }));
    const covered = hidden.map((path) => ({ source: this.#emptyFolder, target: path, readOnly: true }));
    return [
      this.#bind(root, { source: root, target: '/', readOnly: true }),
      ...[...shown, ...covered, ...this.#programs].map((mount) => this.#bind(root, mount)),
      ...devices.map((name) => `/dev/${name} ${escape(join(root, 'dev', name))} none bind 0 0`),
      ...(this.#host.terminals ? [`devpts ${escape(join(root, 'dev/pts'))} devpts ${terminals} 0 0`] : []),
      `tmpfs ${escape(join(root, 'dev/shm'))} tmpfs nosuid,nodev,size=64m,mode=1777 0 0`,
      `proc ${escape(join(root, 'proc'))} proc nosuid,nodev,noexec 0 0`,
    ].join('\n');
  }

  #bind(root: string, { source, target, readOnly }: Mount): string {
    // In a user namespace what is mounted below may not be left out: it could have been mounted to hide something.
    const kind = this.#host.inUserNamespace && hasMountsBelow(this.#host, source) ? 'rbind' : 'bind';
    const kept = lockedOptions(this.#host, source);
    return `${escape(source)} ${escape(join(root, target))} none ${kind},${readOnly ? 'ro' : 'rw'},${kept} 0 0`;
  }

  /** Where something will be mounted there must be something: in the new root, in a folder of the place, or on the host already. */
  #makePoint(root: string, target: string, folder?: string): void {
    if (this.#isOnHost(target)) return;
    const own = folder === undefined ? undefined : ownMounts.find(([, path]) => target.startsWith(`${path}/`));
    makeFolder(own === undefined ? join(root, target) : join(folder as string, own[0], relative(own[1], target)));
  }

  #isOnHost(path: string): boolean {
    return this.#host.folders.some((folder) => path.startsWith(`${folder}/`));
  }
}

/** Passable for the program's uid, whatever this process's umask. */
function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
}

/** In a user namespace a bind may not lose what the mount it comes from forbids. */
function lockedOptions(host: HostView, source: string): string {
  const options = host.locked.find(([point]) => point === '/' || source === point || source.startsWith(`${point}/`))?.[1].split(',') ?? [];
  return ['nosuid', 'nodev', ...(options.includes('noexec') ? ['noexec'] : [])].join(',');
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

/** As fstab and mountinfo write blanks: `\040`. */
const escape = (path: string): string =>
  path.replaceAll(/[\\ \t\n]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
const unescape = (path: string): string =>
  path.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
