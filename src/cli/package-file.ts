/** A file as a package: a module is bundled, a program goes as it is. */
import { readFileSync } from 'node:fs';
import { bundleFunction } from '../build/bundle.ts';
import { isModuleFile, isProgram, packageProgram, programRuntime, runsPrograms } from '../build/program.ts';
import type { FunctionResource } from '../resources/function.ts';
import { isNotFound, type KubeObject, type Resource } from '../resources/object.ts';
import { functions, runtimes } from '../resources/resources.ts';
import type { RuntimeResource } from '../resources/runtime.ts';
import type { Platform } from './platform.ts';

const moduleRuntime = 'node';

export interface PackagedFile {
  readonly bytes: Uint8Array;
  /** What the spec says of the runtime; empty where what is there (`current`) is to stay. */
  readonly runtimeOf: (current: string | undefined) => { readonly runtime?: string };
}

/** Throws what is wrong with the file. `warn` hears the bundler's warnings, with file and line. */
export async function packageFile(
  platform: Platform,
  name: string,
  file: string,
  wished: string | undefined,
  warn: (text: string) => void,
): Promise<PackagedFile> {
  if (await goesAsItIs(platform, name, file, wished)) {
    const isOther = (current = moduleRuntime): boolean => current === moduleRuntime;
    return {
      ...packageProgram(readFileSync(file)),
      runtimeOf: (current) => chosen(wished ?? (isOther(current) ? programRuntime : undefined)),
    };
  }
  const bundle = await bundleFunction({ file });
  for (const warning of bundle.warnings) warn(warning);
  return { bytes: bundle.bytes, runtimeOf: (current) => chosen(wished ?? (current === programRuntime ? moduleRuntime : undefined)) };
}

const chosen = (runtime: string | undefined): { readonly runtime?: string } => (runtime === undefined ? {} : { runtime });

/** What looks like a program, and whatever it looks like where the runtime has nothing else. */
async function goesAsItIs(platform: Platform, name: string, file: string, wished: string | undefined): Promise<boolean> {
  const looksSo = isProgram(file);
  if (looksSo || (wished === undefined && isModuleFile(file))) return looksSo;
  const runtime = wished ?? (await find<FunctionResource>(platform, functions, name))?.spec.runtime ?? moduleRuntime;
  const image = (await find<RuntimeResource>(platform, runtimes, runtime))?.spec.image;
  return image !== undefined && runsPrograms(image);
}

async function find<T extends KubeObject>({ kube, namespace }: Platform, resource: Resource, name: string): Promise<T | undefined> {
  return kube.get<T>(resource, { name, ...(resource.namespaced && { namespace }) }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
}
