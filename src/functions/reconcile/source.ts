/** From a function's source to a package in the blob store. */
import { bundleFunction } from '../../build/bundle.ts';
import { readManifest } from '../../build/package.ts';
import { isProgramText, packageProgram, runsPrograms } from '../../build/program.ts';
import { TsumugiError } from '../../base/errors.ts';
import type { BlobStore } from '../../records/blobs.ts';
import { shortHash } from '../model/names.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';

/** Changes when the same inline source would be bundled into something else. */
const bundleVersion = 1;

/** Identifies inline source and what is made of it; undefined for a package, which identifies itself. */
export function sourceHash({ spec, metadata }: FunctionResource, runtime: RuntimeResource): string | undefined {
  const { inline } = spec.source;
  if (inline === undefined) return undefined;
  return shortHash(`${bundleVersion}\0${metadata.name}\0${inline}${isScript(inline, runtime) ? '\0program' : ''}`);
}

/** Not to be bundled. */
const isScript = (inline: string, { spec }: RuntimeResource): boolean => runsPrograms(spec.image) || isProgramText(inline);

/** The id of the function's package. Rejects with Invalid (the code cannot be bundled) or NotFound (the package was never uploaded). */
export async function packageOf(blobs: BlobStore, { spec, metadata }: FunctionResource, runtime: RuntimeResource): Promise<string> {
  const { inline, package: id } = spec.source;
  if (inline !== undefined) {
    const made = isScript(inline, runtime)
      ? packageProgram(Buffer.from(inline))
      : await bundleFunction({ source: inline, name: metadata.name, noFiles: true });
    await blobs.put([made.bytes]);
    return made.id;
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
