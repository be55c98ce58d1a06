/** The way into a sandbox that runs already: its namespaces, its cgroups, its uid, no way to new privileges. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { basePath } from './isolation.ts';
import type { Entry } from './isolation.ts';
import { variablesOf } from './sandbox-launch.ts';
import { identityOf, sandboxProgram } from './sandbox-program.ts';

export interface RunningSandbox {
  readonly folder: string;
  /** Of the process outside, whose only child is the pod's first. */
  readonly pid: number;
  readonly uid: number | undefined;
  /** cgroup.procs files. */
  readonly joins: readonly string[];
}

const lookAgainMs = 5;
const readyWithinMs = 5000;

/** @throws Error when the program has ended, or does not get as far as its own root. */
export async function sandboxEntry({ folder, pid, uid, joins }: RunningSandbox): Promise<Entry> {
  const first = await firstInside(pid);
  const mounts = readlinkSync(`/proc/${first}/ns/mnt`);
  // Read again: a pid that was given up meanwhile may be anybody's.
  if (mounts === readlinkSync('/proc/self/ns/mnt') || firstChild(pid) !== first) throw ended();
  const variables = variablesOf(folder);
  return {
    pid: Number(first),
    argv: [...sandboxProgram(), 'enter', identityOf(uid), existsSync(variables) ? variables : '', ...joins, '--', String(pid), first],
    env: { PATH: basePath, HOME: '/tmp' },
    cwd: '/work',
    check: `[ "$(readlink /proc/self/ns/mnt)" = '${mounts}' ]`,
    ...(uid === undefined ? {} : { owner: uid }),
  };
}

/** The first process inside, once it has its own root: before, the way in would lead to the host's. */
async function firstInside(pid: number): Promise<string> {
  for (const until = Date.now() + readyWithinMs; Date.now() < until; await sleep(lookAgainMs)) {
    const first = firstChild(pid);
    try {
      if (first !== undefined && readlinkSync(`/proc/${first}/root`) !== '/') return first;
    } catch {
      // Gone between the two.
    }
  }
  throw ended();
}

/** Undefined while there is none. Throws when the process outside has ended. */
function firstChild(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() || undefined;
  } catch {
    throw ended();
  }
}

const ended = (): Error => new Error('the program has ended');
