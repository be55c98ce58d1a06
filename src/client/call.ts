import { TsumugiError } from '../base/errors.ts';
import { codedError, logsCommand, readText } from './http.ts';
import { ownPlatform } from './platform.ts';

/**
 * Calls an exported function: `NAME`, `NAME.EXPORT`, or `NAME.NAMESPACE/EXPORT` for another namespace than the program's own.
 * Arguments and result travel as JSON; without an export it is the one named like the function, else the only one.
 *
 * @throws TsumugiError with the code of what went wrong: `HandlerError`, `Timeout`, `Busy`, `NotFound`, …
 * @example const sum = await call<number>('math.add', 2, 3);
 */
export async function call<T = unknown>(name: string, ...args: readonly unknown[]): Promise<T> {
  const target = parseTarget(name);
  const platform = await ownPlatform();
  const { function: called, namespace = platform.namespace, path } = target;
  const response = await platform.call(`/call/${called}.${namespace}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(args),
  });
  const text = await readText(response);
  const status = response.statusCode ?? 500;
  if (status >= 400)
    throw (
      codedError(text, logsCommand(called, namespace)) ?? new TsumugiError('Internal', `${name} answered ${status}: ${text.slice(0, 500)}`)
    );
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

function parseTarget(name: string): { function: string; namespace?: string; path: string } {
  const [, called, exported, namespace, there] = /^([a-z0-9-]+)(?:\.([\w$]+)|\.([a-z0-9-]+)\/([\w$]+))?$/.exec(name) ?? [];
  if (called === undefined)
    throw new TsumugiError('Invalid', `"${name}" names no exported function`, { hint: 'use NAME, NAME.EXPORT or NAME.NAMESPACE/EXPORT' });
  const last = exported ?? there;
  return { function: called, ...(namespace !== undefined && { namespace }), path: last === undefined ? '' : `/${last}` };
}
