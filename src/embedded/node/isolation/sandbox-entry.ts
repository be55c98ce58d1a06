/** The way into a sandbox that runs already: its namespaces, its cgroups, its uid, no way to new privileges. */
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { basePath } from './isolation.ts';
import type { Entry } from './isolation.ts';
import { starterPath } from './mounts.ts';
import { lastStep } from './sandbox-launch.ts';

/**
 * `nsenter` opens all that it needs before it goes, and begins in the pod's own folder: what it had open of the host would be a way
 * out. A plain user is root only in the user namespace that stands around the pod, and enters that first; a new user namespace, as the
 * pod has one, can only be made outside of the pod's root.
 */
const script = `set -e
identity=$1 target=$2 root=$3
shift 3
while [ "$1" != -- ]; do echo 0 >"$1"; shift; done
shift
enter="nsenter --target $target --mount --uts --pid --ipc"
case $identity in
user) exec $enter -- unshare --user --map-user=1000 --map-group=1000 --keep-caps --root="$root" --wd=/ setpriv ${lastStep} -- "$@" ;;
*) exec $enter --root --wd -- setpriv --reuid "$identity" --regid "$identity" --clear-groups ${lastStep} -- "$@" ;;
esac`;

export interface RunningSandbox {
  /** Of the shell outside, whose only child is the pod's first process. */
  readonly pid: number;
  readonly uid: number | undefined;
  /** cgroup.procs files. */
  readonly joins: readonly string[];
  /** The pod has variables of its own: a script inside sets them. */
  readonly hasStarter: boolean;
}

const lookAgainMs = 5;
const readyWithinMs = 5000;

/** @throws Error when the program has ended, or does not get as far as its own root. */
export async function sandboxEntry({ pid, uid, joins, hasStarter }: RunningSandbox): Promise<Entry> {
  const { first, root } = await insideOf(pid);
  const mounts = readlinkSync(`/proc/${first}/ns/mnt`);
  // Read again: a pid that was given up meanwhile may be anybody's.
  if (mounts === readlinkSync('/proc/self/ns/mnt') || firstChild(pid) !== first) throw ended();
  const outside = uid === undefined ? ['nsenter', '--target', String(pid), '--user', '--preserve-credentials', '--'] : [];
  const starter = hasStarter ? ['/bin/sh', starterPath] : [];
  return {
    pid: Number(first),
    argv: [...outside, 'sh', '-c', script, 'tsumugi', uid === undefined ? 'user' : String(uid), first, root, ...joins, '--', ...starter],
    env: { PATH: basePath, HOME: '/tmp' },
    cwd: '/work',
    check: `[ "$(readlink /proc/self/ns/mnt)" = '${mounts}' ]`,
    ...(uid === undefined ? {} : { owner: uid }),
  };
}

/** The first process inside, once it has its own root: before, the way in would lead to the host's. */
async function insideOf(pid: number): Promise<{ readonly first: string; readonly root: string }> {
  for (const until = Date.now() + readyWithinMs; Date.now() < until; await sleep(lookAgainMs)) {
    const first = firstChild(pid);
    try {
      const root = first === undefined ? '/' : readlinkSync(`/proc/${first}/root`);
      if (first !== undefined && root !== '/') return { first, root };
    } catch {
      // Gone between the two.
    }
  }
  throw ended();
}

/** Undefined while there is none. Throws when the shell has ended. */
function firstChild(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() || undefined;
  } catch {
    throw ended();
  }
}

const ended = (): Error => new Error('the program has ended');
