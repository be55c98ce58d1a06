/** The command that puts a program into its sandbox. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nulSeparated } from '../nul-separated.ts';
import { basePath } from './isolation.ts';
import type { Launch } from './isolation.ts';
import { mountsFile } from './mounts.ts';
import { identityOf, sandboxProgram } from './sandbox-program.ts';

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
}

export function sandboxLaunch({ folder, root, uid, cwd, hostname, joins, argv, env }: SandboxedProgram): Launch {
  const variables = writeVariables(folder, env);
  return {
    launcher: sandboxProgram(),
    argv: ['launch', identityOf(uid), variables ?? '', ...joins, '--', join(folder, mountsFile), root, cwd, hostname ?? '', ...argv],
    env: { PATH: basePath, HOME: '/tmp', ...(hostname && { HOSTNAME: hostname }), ...(variables === undefined && env) },
    cwd: '/',
    nested: true,
    ...(uid === undefined ? {} : { owner: uid }),
  };
}

const variablesFile = 'variables';

/** Where the variables of a place are that runs already; undefined: it has none of its own. */
export const variablesOf = (folder: string): string => join(folder, variablesFile);

/**
 * The pod's own variables are set by the last step alone, inside: `PERL5OPT` or `LD_PRELOAD` would otherwise steer what runs before it
 * with the platform's rights, and an argument could be read by every user of the host. Those that mean nothing to it may be there from
 * the start.
 */
function writeVariables(folder: string, env: Readonly<Record<string, string>>): string | undefined {
  const path = variablesOf(folder);
  rmSync(path, { force: true });
  if (Object.keys(env).every((name) => name.startsWith('TSUMUGI_'))) return undefined;
  const text = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  writeFileSync(path, nulSeparated(text), { mode: 0o400 });
  return path;
}
