/** A script: a module that is run once, from its first line to its last, with top-level `await`. */
import { bundleModule, fileEntry } from './module.ts';

export interface Script {
  /** Imports of `tsumugi/client` are of `clientFile`, which whoever runs it puts beside it. */
  readonly code: string;
  /** Its source map, which it names as `script.mjs.map`. */
  readonly map: string;
}

/** Bundles a script. Throws Invalid with file:line:column, NotFound. */
export async function bundleScript(file: string): Promise<Script> {
  const entry = fileEntry(file);
  // Stacks name the user's own file, wherever the bundle lies.
  const { outputFiles } = await bundleModule({ ...entry, outfile: 'script.mjs', sourceRoot: `${entry.absWorkingDir}/` });
  const text = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  return { code: text('.mjs'), map: text('.map') };
}
