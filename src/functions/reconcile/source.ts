/** From a function's source to a package in the blob store. */
import { bundleFunction } from '../../build/bundle.ts';
import { readManifest } from '../../build/package.ts';
import { TsumugiError } from '../../base/errors.ts';
import type { BlobStore } from '../../records/blobs.ts';
import { shortHash } from '../model/names.ts';
import type { FunctionResource } from '../../resources/function.ts';

/** Changes when the same inline source would be bundled into something else. */
const bundleVersion = 1;

/** Identifies inline source; undefined for a package, which identifies itself. */
export function sourceHash({ spec, metadata }: FunctionResource): string | undefined {
  return spec.source.inline === undefined ? undefined : shortHash(`${bundleVersion}\0${metadata.name}\0${spec.source.inline}`);
}

/** The id of the function's package. Rejects with Invalid (the code cannot be bundled) or NotFound (the package was never uploaded). */
export async function packageOf(blobs: BlobStore, { spec, metadata }: FunctionResource): Promise<string> {
  const { inline, package: id } = spec.source;
  if (inline !== undefined) {
    const bundled = await bundleFunction({ source: inline, name: metadata.name, noFiles: true });
    await blobs.put([bundled.package]);
    return bundled.id;
  }
  if (id === undefined) throw new TsumugiError('Invalid', 'spec.source has neither inline nor package');
  const [isThere] = await blobs.has([id]);
  if (!isThere)
    throw new TsumugiError('NotFound', `the package ${id} is not here`, { hint: 'deploy with `tsumugi deploy`, which uploads it' });
  return id;
}

/** The named exports of a package, which can be called; sorted. */
export async function exportsOf(blobs: BlobStore, id: string): Promise<readonly string[]> {
  const [bytes] = await blobs.get([id]);
  if (!bytes) throw new TsumugiError('NotFound', `the package ${id} is not here`, { hint: 'deploy the function again' });
  return readManifest(bytes).exports.filter((name) => name !== 'default');
}
