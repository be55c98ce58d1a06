/** The production dependencies of an install, and where each must lie so that Node finds in the image what it finds here. */
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { TsumugiError } from '../../base/errors.ts';

export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly files?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
}

/**
 * Target folder -> folder here. Each package lies at the top of `root`'s node_modules, or below the one that needs it where the name
 * is taken by another version.
 *
 * @throws TsumugiError NotFound where a dependency is not installed
 */
export async function findDependencies(folder: string, root: string): Promise<ReadonlyMap<string, string>> {
  const placed = new Map<string, string>();
  const queue: [folder: string, target: string][] = [[await realpath(folder), root]];
  for (const [here, target] of queue) {
    const { dependencies = {}, optionalDependencies = {} } = await readManifest(here);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies }).sort()) {
      const found = await findPackage(here, name);
      if (found === undefined) {
        if (Object.hasOwn(optionalDependencies, name)) continue;
        throw new TsumugiError('NotFound', `the package ${name}, which ${here} needs, is not installed`, {
          hint: 'run `npm ci` or `npm install`',
        });
      }
      if (!(await isForThisMachine(found))) continue;
      const seen = visible(placed, target, root, name);
      if (seen === found) continue;
      const place = join(seen === undefined ? root : target, 'node_modules', name);
      placed.set(place, found);
      queue.push([found, place]);
    }
  }
  return placed;
}

export async function readManifest(folder: string): Promise<PackageManifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageManifest;
}

/** As Node looks for it: here, then in every folder above. */
async function findPackage(from: string, name: string): Promise<string | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpath(candidate);
    if (dirname(folder) === folder) return undefined;
  }
}

/** What a package at `target` would get for `name` in the image so far. */
function visible(placed: ReadonlyMap<string, string>, target: string, root: string, name: string): string | undefined {
  for (let folder = target; ; folder = dirname(folder)) {
    const found = placed.get(join(folder, 'node_modules', name));
    if (found !== undefined || folder === root) return found;
  }
}

async function isForThisMachine(folder: string): Promise<boolean> {
  const { os, cpu } = await readManifest(folder);
  const fits = (list: readonly string[] | undefined, mine: string): boolean =>
    list === undefined || (!list.includes(`!${mine}`) && (list.includes(mine) || list.every((each) => each.startsWith('!'))));
  return fits(os, process.platform) && fits(cpu, process.arch);
}
