/** A process that was begun: what its host needs of it, whoever is its parent. */
import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { ProcessExit, ProcessSpec } from '../process-host.ts';
import { deathSignalPrefix } from './death-signal.ts';
import type { StdioPipes } from './pipes.ts';

export type End = Pick<ProcessExit, 'code' | 'signal'>;

export interface Begun {
  /** Leader of a session of its own, so that a terminal's Ctrl-C reaches only the supervisor. */
  readonly pid: number;
  /** Its file descriptor 3. */
  readonly lifeline: Duplex;
  /** Undefined while the pid is surely its own. */
  readonly end: End | undefined;
  /** When it has ended. */
  readonly ended: Promise<End>;
  /** It has been told: the pid may be given to another. */
  release(): void;
}

/** As a child of this process. Rejects when the program cannot be run. */
export async function spawned(argv: readonly string[], spec: ProcessSpec, { stdio }: StdioPipes): Promise<Begun> {
  const [program = '', ...args] = [...(await deathSignalPrefix()), ...argv];
  const child = spawn(program, args, { cwd: spec.cwd, env: spec.env, stdio: [...stdio, 'pipe'], detached: true });
  let end: End | undefined;
  const ended = new Promise<End>((resolve) => child.once('exit', (code, signal) => resolve((end = { code, signal }))));
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  // What comes later is a signal that could not be sent.
  child.on('error', () => undefined);
  return {
    pid: child.pid as number,
    lifeline: child.stdio[3] as Duplex,
    get end() {
      return end;
    },
    ended,
    release() {},
  };
}
