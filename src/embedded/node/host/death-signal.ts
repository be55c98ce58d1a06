/** What goes before a command so that the kernel kills it with its parent. */
import { execFile } from 'node:child_process';

let known: Promise<readonly string[]> | undefined;

/** Empty where util-linux has no such `setpriv`. */
export const deathSignalPrefix = (): Promise<readonly string[]> => (known ??= probe());

/** Tried by running it: BusyBox has a setpriv without this option. */
async function probe(): Promise<readonly string[]> {
  for (const setpriv of ['/usr/bin/setpriv', '/bin/setpriv']) {
    const prefix = [setpriv, '--pdeathsig', 'KILL', '--'];
    const works = await new Promise((resolve) => {
      execFile(setpriv, [...prefix.slice(1), setpriv, '--version'], (error) => resolve(error === null));
    });
    if (works) return prefix;
  }
  return [];
}
