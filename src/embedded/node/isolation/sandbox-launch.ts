/** The command that puts a program into its sandbox: util-linux and two lines of shell. */
import { chownSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { basePath } from './isolation.ts';
import type { Launch } from './isolation.ts';
import { starterPath } from './mounts.ts';
import { shellEnv } from './shell-env.ts';

/** For setpriv, after which there are no privileges and no way to new ones. */
export const lastStep = '--no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all --pdeathsig KILL';

/**
 * The outer shell stays outside of the pid namespace, waits for its first process and ends as that did, 128 + n for a signal.
 * (`unshare --fork` would do, but that of util-linux 2.38 answers 1 when its child was killed.) What the shell itself would say of
 * a signal is not the pod's.
 *
 * The inner one is that first process: it joins the cgroups, names the host, mounts, and becomes the program in the new root. The parent-death
 * signal comes last, as changing the uid clears it; should the host be killed in the moment before, the life-line's end or the next
 * start's sweep of the cgroups ends what is left.
 */
const script = `exec 4>&2 2>/dev/null
(
exec 2>&4 4>&-
set -e
fstab=$1 root=$2 identity=$3 cwd=$4 host=$5
shift 5
while [ "$1" != -- ]; do echo 0 >"$1"; shift; done
shift
[ -z "$host" ] || echo "$host" 2>/dev/null >/proc/sys/kernel/hostname || hostname "$host" || :
mount -n -a -T "$fstab"
if [ -f "\${fstab%fstab}checks" ]; then . "\${fstab%fstab}checks"; fi
case $identity in
user) exec unshare --user --map-user=1000 --map-group=1000 --keep-caps --root="$root" --wd="$cwd" setpriv ${lastStep} -- "$@" ;;
*) exec unshare --root="$root" --wd="$cwd" setpriv --reuid "$identity" --regid "$identity" --clear-groups ${lastStep} -- "$@" ;;
esac
)
exit $?`;

const namespaces = ['unshare', '--mount', '--uts', '--pid', '--ipc', '--', 'sh', '-c', script, 'tsumugi'];
/** Entering a user namespace clears the parent-death signal, so it is asked for again. */
const asPlainUser = ['unshare', '--user', '--map-root-user', '--', 'setpriv', '--pdeathsig', 'KILL', '--'];

export interface SandboxedProgram {
  readonly folder: string;
  readonly root: string;
  /** Absent: this user, in a user namespace. */
  readonly uid: number | undefined;
  readonly cwd: string;
  readonly hostname: string | undefined;
  /** cgroup.procs files. */
  readonly joins: readonly string[];
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly hasStarter: boolean;
}

export function sandboxLaunch({ folder, root, uid, cwd, hostname, joins, argv, env, hasStarter }: SandboxedProgram): Launch {
  const prefix = uid === undefined ? asPlainUser : [];
  const program = hasStarter ? ['/bin/sh', starterPath, ...argv] : argv;
  return {
    argv: [
      ...prefix,
      ...namespaces,
      join(folder, 'fstab'),
      root,
      uid === undefined ? 'user' : String(uid),
      cwd,
      hostname ?? '',
      ...joins,
      '--',
      ...program,
    ],
    env: { PATH: basePath, HOME: '/tmp', ...(hostname && { HOSTNAME: hostname }), ...(hasStarter ? {} : env) },
    cwd: '/',
    nested: true,
    ...(uid === undefined ? {} : { owner: uid }),
  };
}

/** Variables that mean nothing to the programs on the way may be there from the start. */
export function needsStarter(env: Readonly<Record<string, string>>): boolean {
  return !Object.keys(env).every((name) => name.startsWith('TSUMUGI_'));
}

/**
 * The pod's own variables are set by the last step alone, inside: `LD_PRELOAD` or `PATH` would otherwise steer what runs before it
 * with the platform's rights, and an argument could be read by every user of the host.
 */
export function writeStarter(folder: string, uid: number | undefined, env: Readonly<Record<string, string>>): string {
  const { exports, exec } = shellEnv(env);
  const path = join(folder, 'start');
  rmSync(path, { force: true });
  writeFileSync(path, `${exports}\n${exec} "$@"\n`, { mode: 0o400 });
  if (uid !== undefined) chownSync(path, uid, uid);
  return path;
}
