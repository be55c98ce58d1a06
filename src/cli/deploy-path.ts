/** What lies at a path, deployed: one file as a function, or a folder's manifests and then its functions. */
import { basename, join } from 'node:path';
import { discover } from '../build/discover.ts';
import { functionName } from '../build/names.ts';
import type { FunctionResource } from '../resources/function.ts';
import type { DeployedFunction, DeployLine } from '../processes/deploy-folder.ts';
import type { KubeObject } from '../resources/object.ts';
import { functions } from '../resources/resources.ts';
import { applyObject, readManifests } from './apply.ts';
import { type DeployOptions, deployFunction, outcome } from './deploy.ts';
import { describe } from './errors.ts';
import { discoverKinds, kindOfObject } from './kinds.ts';
import { progress } from './output.ts';
import type { Platform } from './platform.ts';

export interface DeployPathOptions extends DeployOptions {
  readonly isFolder: boolean;
  /** Of the one function; default: the file's. */
  readonly name?: string;
  readonly tell: (line: DeployLine) => void;
}

/** Answers how many failed. What is wrong with one of a folder is told and does not keep the others; of a single file it is thrown. */
export async function deployPath(platform: Platform, path: string, options: DeployPathOptions): Promise<number> {
  const { isFolder, tell } = options;
  const found = isFolder
    ? await discover(path)
    : { functions: [{ name: options.name ?? functionName(nameBase(path)), file: path }], manifests: [] };
  const objects = (await readManifests(found.manifests)).toSorted((a, b) => order(a) - order(b));
  const declared = objects.filter(isFunction);
  tell({
    type: 'plan',
    functions: [
      ...declared.map(({ metadata }) => `${metadata.namespace ?? platform.namespace}/${metadata.name}`),
      ...found.functions.map(({ name }) => `${platform.namespace}/${name}`),
    ],
  });

  let failed = 0;
  const report = async (name: string, namespace: string, work: () => Promise<DeployedFunction>): Promise<void> => {
    const line = await progress(`deploying ${name}`, () => work().catch((error: unknown) => failure(namespace, name, error, isFolder)));
    tell(line);
    if (line.error !== undefined) failed += 1;
  };
  const written = objects.length === 0 ? [] : await applyManifests(platform, objects, tell);
  failed += objects.length - written.length;
  for (const { name, file } of found.functions) await report(name, platform.namespace, () => deployFunction(platform, name, file, options));
  for (const object of written.filter(isFunction)) {
    const { name, namespace = platform.namespace } = object.metadata;
    await report(name, namespace, () => outcome(platform, object, options.waitSeconds, performance.now()));
  }
  return failed;
}

/** Namespaces before what is in them, functions last: what they need is then there. */
const order = (object: KubeObject): number => (object.kind === 'Namespace' ? 0 : isFunction(object) ? 2 : 1);

const isFunction = (object: KubeObject): object is FunctionResource =>
  object.kind === functions.kind && object.apiVersion === `${functions.group}/${functions.version}`;

/** Answers the objects as they are now, without those that were refused. */
async function applyManifests(
  platform: Platform,
  objects: readonly KubeObject[],
  tell: (line: DeployLine) => void,
): Promise<readonly KubeObject[]> {
  const kinds = await discoverKinds(platform.api);
  const written: KubeObject[] = [];
  for (const object of objects) {
    const { name, namespace } = object.metadata;
    const line = { type: 'manifest', kind: object.kind.toLowerCase(), name, ...(namespace === undefined ? {} : { namespace }) } as const;
    try {
      const applied = await applyObject(platform, kindOfObject(kinds, object), object);
      written.push(applied.object);
      tell({ ...line, result: applied.result });
    } catch (error) {
      tell({ ...line, result: 'failed', error: describe(error).message });
    }
  }
  return written;
}

function failure(namespace: string, name: string, thrown: unknown, isFolder: boolean): DeployedFunction {
  if (!isFolder) throw thrown;
  const { message, hint } = describe(thrown);
  return {
    type: 'function',
    namespace,
    name,
    ready: false,
    url: '',
    revision: '',
    exports: [],
    ms: 0,
    error: message,
    ...(hint ? { hint } : {}),
  };
}

/** `functions/hello/index.ts` is `hello`, and `counter.sh` is `counter`. */
function nameBase(path: string): string {
  const base = basename(path);
  return /^index\.[cm]?[jt]s$/.test(base) ? basename(join(path, '..')) : base.replace(/(?<=.)\.[A-Za-z0-9]+$/, '');
}
