/**
 * The sandbox driver: util-linux alone (`unshare`, `mount`, `setpriv`), which any Debian has.
 *
 * As root each place gets a uid of its own from a range that nobody has; as a plain user a user namespace stands between. In it:
 * own processes, own mounts (`mounts.ts`), no privileges, no way to new ones. The network is the host's.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chownSync, rmSync, writeFileSync } from 'node:fs';
import { chown, lstat, mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { podsFolder } from '../paths.ts';
import { openCgroups } from './cgroups.ts';
import type { Cgroup, Cgroups } from './cgroups.ts';
import { basePath } from './isolation.ts';
import type { Isolation, Launch, Place, Program } from './isolation.ts';
import { viewHost, writeMounts } from './mounts.ts';
import type { HostView } from './mounts.ts';
import { clearPlaceFolder, makePlaceFolder, putFiles, removeTree, resetPlaceFolder } from './place-folder.ts';

export interface SandboxOptions {
  readonly runFolder: string;
  /** Absolute paths that no pod may see. */
  readonly hidden: readonly string[];
  /** Bundles that pods start, wherever they are on the host. */
  readonly shims: readonly string[];
}

const firstUid = 200_000;
const uidCount = 10_000;
const defaultPids = 1024;
const trialTimeoutMs = 10_000;

/**
 * Joins the cgroups, mounts, then becomes the program in the new root. `$1` folder; `$2` how to drop privileges; `$3` the cwd;
 * `$4…` cgroup.procs files, `--`, the program. Runs as the first process of the pid namespace.
 */
const script = `set -e
folder=$1 identity=$2 cwd=$3
shift 3
while [ "$1" != -- ]; do echo 0 >"$1"; shift; done
shift
mount -n -a -T "$folder/fstab"
case $identity in
user) exec unshare --user --map-user=1000 --map-group=1000 --keep-caps --root="$folder/root" --wd="$cwd" \\
  setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all --pdeathsig KILL -- "$@" ;;
*) exec unshare --root="$folder/root" --wd="$cwd" \\
  setpriv --reuid "$identity" --regid "$identity" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all --pdeathsig KILL -- "$@" ;;
esac`;

/**
 * Stays outside of the pid namespace, waits for its first process and ends as it did, 128 + n for a signal. (`unshare --fork` would
 * do, but that of util-linux 2.38 answers 1 when its child was killed.) What the shell itself would say of a signal is not the pod's.
 */
const waiter = `exec 4>&2 2>/dev/null
inner=$1
shift
setpriv --pdeathsig KILL -- sh -c "$inner" tsumugi "$@" 2>&4 4>&-
exit $?`;

const namespaces = ['unshare', '--mount', '--pid', '--ipc', '--', 'sh', '-c', waiter, 'tsumugi'];
/** Entering a user namespace clears the parent-death signal, so it is asked for again. */
const asPlainUser = ['unshare', '--user', '--map-root-user', '--', 'setpriv', '--pdeathsig', 'KILL', '--'];

/** Throws when a trial run shows that it does not work here. */
export async function openSandbox(options: SandboxOptions): Promise<Isolation> {
  if (process.platform !== 'linux') throw new Error('it needs Linux');
  const isRoot = process.getuid?.() === 0;
  const home = homedir();
  const host = viewHost([...options.hidden, home, '/root', '/home'], !isRoot);
  const cgroups = openCgroups(`tsumugi-${createHash('sha256').update(options.runFolder).digest('hex').slice(0, 12)}`);
  const sandbox = new Sandbox(options, host, cgroups, isRoot);
  await sandbox.tryOut();
  const limitsMemory = cgroups?.controllers.has('memory') ?? false;
  const warnings = [
    ...(limitsMemory ? [] : ['no memory cgroup can be made here: memory limits are watched twice a second instead']),
    ...(cgroups?.controllers.has('pids') ? [] : ['no pids cgroup can be made here: the number of processes in a pod is not limited']),
  ];
  const who = isRoot ? `a uid of its own (${firstUid}-${firstUid + uidCount - 1})` : 'a user namespace';
  return {
    name: 'sandbox',
    description: `sandbox: ${who}, own pids, own /tmp, read-only host; limits: ${cgroups?.description ?? 'none by cgroup'}`,
    warnings,
    canMount: true,
    limitsMemory,
    open: (id, limits) => sandbox.open(id, limits ?? {}),
    adopt: (id) => sandbox.adopt(id),
    close: () => cgroups?.close(),
  };
}

class Sandbox {
  readonly #options: SandboxOptions;
  readonly #host: HostView;
  readonly #cgroups: Cgroups | undefined;
  readonly #isRoot: boolean;
  readonly #uids = new Set<number>();
  #nextUid = 0;

  constructor(options: SandboxOptions, host: HostView, cgroups: Cgroups | undefined, isRoot: boolean) {
    this.#options = options;
    this.#host = host;
    this.#cgroups = cgroups;
    this.#isRoot = isRoot;
  }

  async open(id: string, limits: Parameters<Isolation['open']>[1] & object): Promise<Place> {
    const uid = this.#isRoot ? this.#takeUid() : undefined;
    const folder = join(podsFolder(this.#options.runFolder), id);
    await makePlaceFolder(folder, uid);
    const place = this.#place(id, folder, uid, this.#cgroups?.create(id));
    place.limit({ pids: defaultPids, ...limits });
    return place;
  }

  async adopt(id: string): Promise<Place | undefined> {
    const folder = join(podsFolder(this.#options.runFolder), id);
    const info = await stat(join(folder, 'work')).catch(() => undefined);
    if (!info && !(await stat(folder).catch(() => undefined))) return undefined;
    const uid = this.#isRoot && info ? info.uid : undefined;
    if (uid !== undefined) this.#uids.add(uid);
    return this.#place(id, folder, uid, this.#cgroups?.adopt(id));
  }

  /** Runs a program as a pod would: it must be able to work and must not see what is hidden. */
  async tryOut(): Promise<void> {
    await mkdir(podsFolder(this.#options.runFolder), { recursive: true, mode: 0o700 });
    const place = await this.open(`trial-${randomBytes(4).toString('hex')}`, {});
    try {
      const unseen = [...this.#host.hidden, this.#options.runFolder]
        .map((path) => `[ -z "$(ls -A '${path.replaceAll("'", `'\\''`)}' 2>/dev/null)" ]`)
        .join(' && ');
      const check = `cd /work && echo ok >/work/trial && [ "$$" = 1 ] && "${place.inside.node}" --version >/dev/null && ! touch /usr/trial 2>/dev/null && ${unseen} && echo works`;
      const launch = await place.launch({ argv: ['/bin/sh', '-c', check], env: {} });
      const said = await output(launch);
      if (said !== 'works\n') throw new Error('the trial run saw what it must not see, or could not write its work folder');
    } finally {
      await place.clear();
      await place.remove();
    }
  }

  #takeUid(): number {
    for (let tried = 0; tried < uidCount; tried += 1) {
      const uid = firstUid + ((this.#nextUid + tried) % uidCount);
      if (this.#uids.has(uid)) continue;
      // The next one begins behind: a uid that was just given up is the last to come again.
      this.#nextUid = (this.#nextUid + tried + 1) % uidCount;
      this.#uids.add(uid);
      return uid;
    }
    throw new Error(`all ${uidCount} uids for pods are in use`);
  }

  #place(id: string, folder: string, uid: number | undefined, cgroup: Cgroup | undefined): Place {
    const bundleAt = (path: string): string => `/tsumugi/${basename(path)}`;
    const programs = [
      { source: process.execPath, target: '/tsumugi/node' },
      ...this.#options.shims.map((path) => ({ source: path, target: bundleAt(path) })),
    ];
    const clear = async (): Promise<void> => {
      cgroup?.remove();
      if (uid !== undefined) this.#uids.delete(uid);
      await clearPlaceFolder(folder);
    };
    return {
      id,
      folder,
      inside: { work: '/work', tmp: '/tmp', socket: '/s/s', node: '/tsumugi/node', bundle: bundleAt },
      launch: ({ argv, env, cwd = '/work', binds = [] }: Program): Promise<Launch> => {
        const direct = Object.keys(env).every((name) => name.startsWith('TSUMUGI_'));
        const starter = direct ? [] : [{ source: writeStarter(folder, uid, env), target: '/tsumugi/start' }];
        writeMounts(this.#host, { folder, programs: [...programs, ...starter], binds });
        const identity = uid === undefined ? 'user' : String(uid);
        const prefix = uid === undefined ? asPlainUser : [];
        return Promise.resolve({
          argv: [
            ...prefix,
            ...namespaces,
            script,
            folder,
            identity,
            cwd,
            ...(cgroup?.joins ?? []),
            '--',
            ...(direct ? [] : ['/bin/sh', '/tsumugi/start']),
            ...argv,
          ],
          env: { PATH: basePath, HOME: '/tmp', ...(direct ? env : {}) },
          cwd: '/',
          nested: true,
        });
      },
      limit: (limits) => cgroup?.limit(limits),
      weight: (weight) => cgroup?.weight(weight),
      async sealSocket() {
        if (uid === undefined) return;
        await chown(join(folder, 's'), 0, 0);
        const info = await lstat(join(folder, 's', 's'));
        if (!info.isSocket()) throw new Error('what listens is no socket');
      },
      oomKills: () => cgroup?.oomKills() ?? 0,
      put: (target, files) => putFiles(join(folder, target), files, uid),
      reset: () => resetPlaceFolder(folder, uid),
      clear,
      async remove() {
        await clear();
        await removeTree(folder);
      },
    };
  }
}

/**
 * The pod's own variables are set by the last step alone, inside: `LD_PRELOAD` or `PATH` would otherwise steer what runs before it
 * with the platform's rights, and an argument could be read by every user of the host.
 */
function writeStarter(folder: string, uid: number | undefined, env: Readonly<Record<string, string>>): string {
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const isShellName = ([name]: readonly [string, string]): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
  const entries = Object.entries(env);
  const exports = entries.filter(isShellName).map(([name, value]) => `export ${name}=${quote(value)}`);
  const odd = entries.filter((entry) => !isShellName(entry)).map(([name, value]) => quote(`${name}=${value}`));
  const path = join(folder, 'start');
  rmSync(path, { force: true });
  writeFileSync(path, [...exports, `exec ${odd.length > 0 ? ['env', ...odd, ''].join(' ') : ''}"$@"`, ''].join('\n'), { mode: 0o400 });
  if (uid !== undefined) chownSync(path, uid, uid);
  return path;
}

function output({ argv, env, cwd }: Launch): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(argv[0] as string, argv.slice(1), { env, cwd, timeout: trialTimeoutMs, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim().split('\n')[0] || `a trial run ended with ${String(error.code ?? error.signal)}`));
      else resolve(stdout);
    });
  });
}
