/**
 * The sandbox driver: what the kernel offers, asked for by one small program (`sandbox-program.ts`) that any Debian can run.
 *
 * As root each place gets a uid of its own from a range that nobody has; as a plain user a user namespace stands between. In it:
 * own processes, own mounts (`mounts.ts`), no privileges, no way to new ones. The network is the host's.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { podsFolder } from '../paths.ts';
import { shellQuote } from '../shell-quote.ts';
import { openCgroups } from './cgroups.ts';
import type { Cgroup, Cgroups } from './cgroups.ts';
import type { Isolation, Launch, Place } from './isolation.ts';
import { RootBuilder, viewHost } from './mounts.ts';
import type { HostView } from './mounts.ts';
import { clearPlaceFolder, makePlaceFolder, removePlaceFolder, resetPlaceFolder, takeSocket } from './place-folder.ts';
import { sandboxEntry } from './sandbox-entry.ts';
import { sandboxLaunch } from './sandbox-launch.ts';

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
/** As pods see them. */
const nodePath = '/tsumugi/node';
const bundlePath = (path: string): string => `/tsumugi/${basename(path)}`;

/** Throws when a trial run shows that it does not work here. */
export async function openSandbox(options: SandboxOptions): Promise<Isolation> {
  if (process.platform !== 'linux') throw new Error('it needs Linux');
  const isRoot = process.getuid?.() === 0;
  const home = homedir();
  const host = viewHost([...options.hidden, home, '/root', '/home'], !isRoot);
  const cgroups = openCgroups(`tsumugi-${createHash('sha256').update(options.runFolder).digest('hex').slice(0, 12)}`);
  // Groups that can be made may still be closed to a pod's first process: then a sandbox without is better than none.
  const sandbox = await workingSandbox(options, host, cgroups, isRoot);
  const used = sandbox.cgroups;
  const limitsMemory = used?.controllers.has('memory') ?? false;
  const warnings = [
    ...(limitsMemory ? [] : ['no memory cgroup can be made here: memory limits are watched twice a second instead']),
    ...(used?.controllers.has('pids') ? [] : ['no pids cgroup can be made here: the number of processes in a pod is not limited']),
  ];
  const who = isRoot ? `a uid of its own (${firstUid}-${firstUid + uidCount - 1})` : 'a user namespace';
  return {
    name: 'sandbox',
    description: `sandbox: ${who}, own pids, own /tmp, read-only host; limits: ${used?.description ?? 'none by cgroup'}`,
    warnings,
    canMount: true,
    limitsMemory,
    open: (id, limits, owner) => sandbox.open(id, limits ?? {}, owner),
    reserveOwner: (id) => sandbox.reserveOwner(id),
    releaseOwner: (id) => sandbox.releaseOwner(id),
    adopt: (id) => sandbox.adopt(id),
    sweep: () => used?.sweep(),
    close: () => used?.close(),
  };
}

async function workingSandbox(options: SandboxOptions, host: HostView, cgroups: Cgroups | undefined, isRoot: boolean): Promise<Sandbox> {
  const sandbox = new Sandbox(options, host, cgroups, isRoot);
  try {
    await sandbox.tryOut();
    return sandbox;
  } catch (error) {
    cgroups?.close();
    if (!cgroups) throw error;
    return workingSandbox(options, host, undefined, isRoot);
  }
}

class Sandbox {
  readonly cgroups: Cgroups | undefined;
  readonly #options: SandboxOptions;
  readonly #host: HostView;
  readonly #isRoot: boolean;
  readonly #roots: RootBuilder;
  /** uid -> who has it: places, and pods for theirs. */
  readonly #uids = new Map<number, Set<string>>();
  #nextUid = 0;

  constructor(options: SandboxOptions, host: HostView, cgroups: Cgroups | undefined, isRoot: boolean) {
    this.#options = options;
    this.#host = host;
    this.cgroups = cgroups;
    this.#isRoot = isRoot;
    const programs = options.shims.map((path) => ({ source: path, target: bundlePath(path) }));
    this.#roots = new RootBuilder(host, join(options.runFolder, 'sandbox'), [{ source: process.execPath, target: nodePath }, ...programs]);
  }

  async open(id: string, limits: Parameters<Isolation['open']>[1] & object, owner?: number): Promise<Place> {
    const uid = this.#isRoot ? (owner ?? this.#takeUid(id)) : undefined;
    if (uid !== undefined) this.#hold(uid, id);
    const folder = join(podsFolder(this.#options.runFolder), id);
    makePlaceFolder(folder, uid);
    const place = this.#place(id, folder, uid, this.cgroups?.create(id));
    place.limit({ pids: defaultPids, ...limits });
    return place;
  }

  async adopt(id: string): Promise<Place | undefined> {
    const folder = join(podsFolder(this.#options.runFolder), id);
    const info = await stat(join(folder, 'work')).catch(() => undefined);
    if (!info && !(await stat(folder).catch(() => undefined))) return undefined;
    const uid = this.#isRoot && info ? info.uid : undefined;
    // Whoever made it was killed before he had given it away.
    if (uid !== undefined && uid < firstUid) return undefined;
    if (uid !== undefined) this.#hold(uid, id);
    return this.#place(id, folder, uid, this.cgroups?.adopt(id));
  }

  /** Runs a program as a pod would: it must be able to work and must not see what is hidden. */
  async tryOut(): Promise<void> {
    await mkdir(podsFolder(this.#options.runFolder), { recursive: true, mode: 0o700 });
    const place = await this.open(`trial-${randomBytes(4).toString('hex')}`, {});
    try {
      const unseen = [...this.#host.hidden, this.#options.runFolder]
        .map((path) => `[ -z "$(ls -A ${shellQuote(path)} 2>/dev/null)" ]`)
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

  #takeUid(id: string): number {
    for (let tried = 0; tried < uidCount; tried += 1) {
      const uid = firstUid + ((this.#nextUid + tried) % uidCount);
      if (this.#uids.has(uid)) continue;
      // The next one begins behind: a uid that was just given up is the last to come again.
      this.#nextUid = (this.#nextUid + tried + 1) % uidCount;
      this.#hold(uid, id);
      return uid;
    }
    throw new Error(`all ${uidCount} uids for pods are in use`);
  }

  reserveOwner(id: string): number | undefined {
    return this.#isRoot ? this.#takeUid(id) : undefined;
  }

  releaseOwner(id: string): void {
    for (const uid of this.#uids.keys()) this.#release(uid, id);
  }

  #hold(uid: number, id: string): void {
    this.#uids.set(uid, (this.#uids.get(uid) ?? new Set()).add(id));
  }

  #release(uid: number, id: string): void {
    const holders = this.#uids.get(uid);
    if (holders?.delete(id) && holders.size === 0) this.#uids.delete(uid);
  }

  #place(id: string, folder: string, uid: number | undefined, cgroup: Cgroup | undefined): Place {
    const clear = async (): Promise<void> => {
      cgroup?.remove();
      if (uid !== undefined) this.#release(uid, id);
      await clearPlaceFolder(folder);
    };
    return {
      id,
      folder,
      owner: uid,
      inside: { work: '/work', tmp: '/tmp', socket: '/s/s', node: nodePath, bundle: bundlePath },
      launch: ({ argv, env, cwd = '/work', hostname, ...program }) => {
        if (this.#isRoot && uid === undefined) throw new Error(`place ${id} has no uid`);
        const root = this.#roots.prepare(folder, program);
        return Promise.resolve(sandboxLaunch({ folder, root, uid, cwd, hostname, joins: cgroup?.joins ?? [], argv, env }));
      },
      enter: (pid) => sandboxEntry({ folder, pid, uid, joins: cgroup?.joins ?? [] }),
      limit: (limits) => cgroup?.limit(limits),
      weight: (weight) => cgroup?.weight(weight),
      sealSocket: () => takeSocket(folder),
      oomKills: () => cgroup?.oomKills() ?? 0,
      reset: () => resetPlaceFolder(folder, uid),
      clear,
      async remove() {
        await clear();
        await removePlaceFolder(folder);
      },
    };
  }
}

function output({ launcher = [], argv, env, cwd }: Launch): Promise<string> {
  const [program = '', ...args] = [...launcher, ...argv];
  return new Promise((resolve, reject) => {
    execFile(program, args, { env, cwd, timeout: trialTimeoutMs, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim().split('\n')[0] || `a trial run ended with ${String(error.code ?? error.signal)}`));
      else resolve(stdout);
    });
  });
}
