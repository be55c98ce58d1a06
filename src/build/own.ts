/** What a function may import from us, wherever its file lies: the modules of this install. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TsumugiError } from '../base/errors.ts';

const stems: Record<string, string> = { 'tsumugi/sdk': '../sdk/index', 'tsumugi/client': '../client/index' };

export const ownModules: readonly string[] = Object.keys(stems);

/** Path of one of `ownModules`: its source in a checkout, compiled in a published package. */
export function ownFile(name: string): string {
  const found = ['.ts', '.js']
    .map((extension) => fileURLToPath(new URL(`${stems[name]}${extension}`, import.meta.url)))
    .find((path) => existsSync(path));
  if (found === undefined) throw new TsumugiError('Internal', `${name} is missing in this install`);
  return found;
}
