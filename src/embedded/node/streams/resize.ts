import { spawn } from 'node:child_process';
import type { TerminalSize } from '../../api/pod-access.ts';
import type { Entry } from '../isolation/isolation.ts';
import { sizeCommand } from './launcher.ts';

/** Tells a terminal inside its new size; with the pod's own rights. What fails changes nothing. */
export function resize(entry: Entry, terminal: string, size: TerminalSize): Promise<void> {
  const [program, ...args] = [...entry.argv, '/bin/sh', '-c', `${sizeCommand(size)} <"$1"`, 'resize', terminal];
  const child = spawn(program, args, { cwd: '/', env: entry.env, stdio: 'ignore' });
  return new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}
