/**
 * Limits by cgroup, version 2 or the split hierarchies of version 1, whichever this process may write. Found out by making one.
 * Every place has one below a parent that is this platform's.
 */
import { mkdirSync, readFileSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Limits } from './isolation.ts';

export interface Cgroup {
  /** Writing `0` to each makes the writer a member. */
  readonly joins: readonly string[];
  limit(limits: Limits): void;
  weight(weight: 'low' | 'normal'): void;
  oomKills(): number;
  /** Kills what is left in it. */
  remove(): void;
}

export interface Cgroups {
  /** As `memory, pids, cpu (cgroup v1)`. */
  readonly description: string;
  readonly controllers: ReadonlySet<string>;
  create(id: string): Cgroup;
  /** Of an earlier control plane. */
  adopt(id: string): Cgroup;
  /** Those that an earlier one left and nobody has adopted go, once all are adopted: a program may be on its way into an empty one. */
  sweep(): void;
  /** The parent goes too, if nothing is left in it. */
  close(): void;
}

const wanted = ['memory', 'pids', 'cpu'] as const;
const abandonedMs = 600_000;
type Controller = (typeof wanted)[number];

/** `name` is this platform's own. Undefined where no hierarchy can be written. */
export function openCgroups(name: string): Cgroups | undefined {
  const mounts = cgroupMounts();
  const own = ownPaths();
  const roots = new Map<Controller, string>();
  for (const controller of wanted) {
    const mount = mounts.v1.get(controller);
    const root = mount === undefined ? undefined : makeParent([join(mount, own.v1.get(controller) ?? '/', name)], 1);
    if (root !== undefined) roots.set(controller, root);
  }
  if (roots.size > 0) return cgroups(roots, 1);
  if (mounts.v2 === undefined || own.v2 === undefined) return undefined;
  // A group with processes in it may have no groups below with controllers: then one beside it.
  const here = join(mounts.v2, own.v2);
  const root = makeParent([join(here, name), join(dirname(here), name)], 2);
  if (root === undefined) return undefined;
  const has = readFileSync(join(root, 'cgroup.controllers'), 'utf8').trim().split(' ');
  for (const controller of wanted) if (has.includes(controller)) roots.set(controller, root);
  return cgroups(roots, 2);
}

function cgroups(roots: ReadonlyMap<Controller, string>, version: 1 | 2): Cgroups {
  const folders = (id: string): Map<Controller, string> => new Map([...roots].map(([controller, root]) => [controller, join(root, id)]));
  const parents = [...new Set(roots.values())];
  /** Until the sweep. */
  let known: Set<string> | undefined = new Set();
  for (const root of parents) removeAbandoned(dirname(root));
  const controllers = new Set<string>(roots.keys());
  return {
    description: `${[...controllers].join(', ')} (cgroup v${version})`,
    controllers,
    create(id) {
      const own = folders(id);
      known?.add(id);
      for (const folder of new Set(own.values())) mkdirSync(folder, { recursive: true });
      return version === 1 ? splitGroup(own) : unifiedGroup(own);
    },
    adopt(id) {
      known?.add(id);
      return version === 1 ? splitGroup(folders(id)) : unifiedGroup(folders(id));
    },
    sweep() {
      for (const root of parents) for (const id of childrenOf(root)) if (!known?.has(id)) quietly(() => rmdirSync(join(root, id)));
      known = undefined;
    },
    close: () => parents.forEach((root) => quietly(() => rmdirSync(root))),
  };
}

/** What platforms left that were killed and never started again: empty, and nobody's for long. */
function removeAbandoned(folder: string): void {
  const isOld = (path: string): boolean => Date.now() - statSync(path).mtimeMs > abandonedMs;
  for (const name of childrenOf(folder)) {
    const parent = join(folder, name);
    if (!/^tsumugi-[0-9a-f]{12}$/.test(name)) continue;
    quietly(() => {
      if (!isOld(parent)) return;
      for (const id of childrenOf(parent)) if (isOld(join(parent, id))) rmdirSync(join(parent, id));
      rmdirSync(parent);
    });
  }
}

/** Writes a controller's file, where that controller can be used. */
function setterOf(folders: ReadonlyMap<Controller, string>) {
  return (controller: Controller, file: string, value: string | number): void => {
    const folder = folders.get(controller);
    if (folder !== undefined) quietly(() => writeFileSync(join(folder, file), String(value)));
  };
}

function splitGroup(folders: ReadonlyMap<Controller, string>): Cgroup {
  const set = setterOf(folders);
  return {
    ...common(folders),
    limit({ memoryBytes, pids, cpus }) {
      if (memoryBytes !== undefined) {
        set('memory', 'memory.limit_in_bytes', Math.floor(memoryBytes));
        // Memory and swap together: no way out to the swap.
        set('memory', 'memory.memsw.limit_in_bytes', Math.floor(memoryBytes));
      }
      if (pids !== undefined) set('pids', 'pids.max', pids);
      if (cpus !== undefined) set('cpu', 'cpu.cfs_quota_us', Math.max(1000, Math.round(cpus * 100_000)));
    },
    weight: (weight) => set('cpu', 'cpu.shares', weight === 'low' ? 64 : 1024),
    oomKills: () => counter(folders.get('memory'), 'memory.oom_control'),
  };
}

function unifiedGroup(folders: ReadonlyMap<Controller, string>): Cgroup {
  const set = setterOf(folders);
  return {
    ...common(folders),
    limit({ memoryBytes, pids, cpus }) {
      if (memoryBytes !== undefined) {
        set('memory', 'memory.max', Math.floor(memoryBytes));
        set('memory', 'memory.swap.max', 0);
      }
      if (pids !== undefined) set('pids', 'pids.max', pids);
      if (cpus !== undefined) set('cpu', 'cpu.max', `${Math.max(1000, Math.round(cpus * 100_000))} 100000`);
    },
    weight: (weight) => set('cpu', 'cpu.weight', weight === 'low' ? 6 : 100),
    oomKills: () => counter(folders.get('memory'), 'memory.events'),
  };
}

function common(folders: ReadonlyMap<Controller, string>): Pick<Cgroup, 'joins' | 'remove'> {
  const own = [...new Set(folders.values())];
  return {
    joins: own.map((folder) => join(folder, 'cgroup.procs')),
    remove() {
      for (const folder of own) {
        for (const pid of read(join(folder, 'cgroup.procs')).split('\n').filter(Boolean))
          quietly(() => process.kill(Number(pid), 'SIGKILL'));
        quietly(() => rmdirSync(folder));
      }
    },
  };
}

/** `oom_kill N` in a file of counters. */
function counter(folder: string | undefined, file: string): number {
  if (folder === undefined) return 0;
  return Number(/^oom_kill (\d+)$/m.exec(read(join(folder, file)))?.[1] ?? 0);
}

/** The first of these that can be made, and groups in it. */
function makeParent(candidates: readonly string[], version: 1 | 2): string | undefined {
  return candidates.find((path) =>
    quietly(() => {
      // Where nobody has yet passed the controllers down (a bare root): a group with processes in it refuses.
      if (version === 2)
        for (const controller of wanted) quietly(() => writeFileSync(join(dirname(path), 'cgroup.subtree_control'), `+${controller}`));
      mkdirSync(path, { recursive: true });
      if (version === 2) passDown(path);
      const trial = join(path, 'trial');
      mkdirSync(trial, { recursive: true });
      rmdirSync(trial);
    }),
  );
}

/** Version 2: the groups below may use what this one may. Throws where memory is not among it. */
function passDown(path: string): void {
  const has = read(join(path, 'cgroup.controllers')).trim().split(/\s/);
  if (!has.includes('memory')) {
    rmdirSync(path);
    throw new Error('the memory controller is not there');
  }
  const mine = wanted.filter((controller) => has.includes(controller));
  writeFileSync(join(path, 'cgroup.subtree_control'), mine.map((controller) => `+${controller}`).join(' '));
}

function cgroupMounts(): { readonly v1: ReadonlyMap<string, string>; readonly v2: string | undefined } {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of read('/proc/self/mounts').split('\n')) {
    const [, target = '', kind, options = ''] = line.split(' ');
    if (kind === 'cgroup2') v2 = target;
    if (kind === 'cgroup') for (const option of options.split(',')) v1.set(option, target);
  }
  return { v1, v2 };
}

/** Where this process is: `8:pids:/a` of version 1, `0::/b` of version 2. */
function ownPaths(): { readonly v1: ReadonlyMap<string, string>; readonly v2: string | undefined } {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of read('/proc/self/cgroup').split('\n')) {
    const [number, controllers = '', path] = line.split(':');
    if (path === undefined) continue;
    if (number === '0') v2 = path;
    for (const controller of controllers.split(',')) v1.set(controller, path);
  }
  return { v1, v2 };
}

function childrenOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A limit that this kernel does not know is no reason not to run. */
function quietly(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
