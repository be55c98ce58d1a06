/** Which isolation works here: found out by running something in it, once. */
import { TsumugiError, toError } from '../../../base/errors.ts';
import type { Isolation } from './isolation.ts';
import { processIsolation } from './process.ts';
import { openSandbox } from './sandbox.ts';
import type { SandboxOptions } from './sandbox.ts';

/** `auto`: a sandbox where one works, else none, with a warning; `required`: a sandbox or no start; `process`: none. */
export type IsolationMode = 'auto' | 'required' | 'process';

/** @throws TsumugiError Unavailable when `required` and no sandbox works; the hint says what to install or allow. */
export async function chooseIsolation(options: SandboxOptions & { readonly mode: IsolationMode }): Promise<Isolation> {
  if (options.mode === 'process') return processIsolation(options.runFolder);
  try {
    return await openSandbox(options);
  } catch (error) {
    const reason = toError(error).message;
    if (options.mode === 'required') {
      throw new TsumugiError('Unavailable', `no sandbox works on this machine: ${reason}`, {
        hint: 'install perl (Debian: perl-base), run as root or allow unprivileged user namespaces, or accept pods without isolation: --isolation=process',
        cause: error,
      });
    }
    const plain = processIsolation(options.runFolder);
    return { ...plain, warnings: [...plain.warnings, `why: no sandbox works on this machine: ${reason}`] };
  }
}
