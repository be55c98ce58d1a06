/**
 * What a sandboxed program sees of the host: an fstab, so that one `mount -a` does it all. The new root is a folder of empty
 * mount points; the host's top-level folders come read-only, less those that are nobody's business.
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
import { findInside } from './inside.ts';
import type { Bind, Program } from './isolation.ts';
import { lastWords } from './place-folder.ts';
import { shellQuote } from './shell-env.ts';
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
  [lastWords, '/dev/termination-log', false],
] as const;
const ownPaths = ownMounts.map(([, target]) => target);
const ownFiles = ownPaths.filter((path) => path === '/dev/termination-log');
const ownFolders = ownPaths.filter((path) => !(ownFiles as readonly string[]).includes(path));

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
    const placed = this.#placed(binds);
    if (binds.length > 0) this.#makeRoot(root);
    const checks = placed.flatMap((bind, index) => this.#makeBindPoint(root, folder, bind, placed.slice(0, index)));
    const lines = binds.length === 0 ? this.#sharedLines : this.#commonLines(root, this.#overlaid(folder, placed));
    const own: Mount[] = ownMounts
      .filter(([, target]) => target !== '/var/tmp' || isFolder(target))
      .map(([name, target, isConfig]) => ({ source: join(folder, name), target, readOnly: isConfig && !writesConfig }));
    if (starter !== undefined) own.push({ source: starter, target: starterPath, readOnly: true });
    writeFileSync(join(folder, 'fstab'), [lines, ...[...own, ...placed].map((mount) => this.#bind(root, mount)), ''].join('\n'));
    writeChecks(folder, checks);
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

  /** Answers what is to be checked once all is mounted, as lines of shell. */
  #makeBindPoint(root: string, folder: string, bind: Bind, before: readonly Bind[]): readonly string[] {
    const { target, source, file = false } = bind;
    const outer = before.findLast((each) => target.startsWith(`${each.target}/`));
    if (outer) findInside(outer.source, relative(outer.target, target), { file });
    else if (!this.#isOnHost(target)) this.#makePoint(root, target, folder, file);
    if (!outer && bind.identity === undefined) return [];
    const { dev, ino } = statSync(source);
    return [`at ${bind.identity ?? `${dev}:${ino}`} ${shellQuote(join(real(root), target))}`];
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
    for (const path of [...files, ...devices.map((name) => `/dev/${name}`), ...programs, starterPath, ...ownFiles])
      this.#makePoint(root, path, undefined, true);
    for (const [path, to] of [...links, ...deviceLinks]) link(to, join(root, path));
  }

  #commonLines(root: string, overlaid: ReadonlyMap<string, string> = new Map()): string {
    const { folders, mounts, hidden, files } = this.#host;
    const shown = [...folders.filter((path) => !overlaid.has(path)), ...mounts, ...files].map((path) => ({
      source: path,
      target: path,
      readOnly: true,
    }));
    const together = [...overlaid].map(
      ([path, ours]) => `overlay ${escape(join(root, path))} overlay ro,nosuid,nodev,lowerdir=${escape(`${ours}:${path}`)} 0 0`,
    );
    const covered = hidden.map((path) => ({ source: this.#emptyFolder, target: path, readOnly: true }));
    return [
      this.#bind(root, { source: root, target: '/', readOnly: true }),
      ...together,
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

/** Run before the program begins: what a program may change must be mounted as it was found, and where it was to be. */
const checkFunction = `at() {
  [ "$(stat -c %d:%i "$2")" = "$1" ] && [ "$(readlink -f "$2")" = "$2" ] && return
  echo "what is to be mounted at $2 has changed meanwhile" >&2
  exit 128
}`;

function writeChecks(folder: string, checks: readonly string[]): void {
  const path = join(folder, 'checks');
  if (checks.length === 0) rmSync(path, { force: true });
  else writeFileSync(path, [checkFunction, ...checks, ''].join('\n'), { mode: 0o600 });
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
