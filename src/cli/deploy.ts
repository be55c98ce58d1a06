/** From a file to a URL: bundle here, upload the package, write the Function, wait until it is Ready. */
import { TsumugiError } from '../base/errors.ts';
import type { EnvVar } from '../resources/builtin/pod-types.ts';
import type { FunctionResource } from '../resources/function.ts';
import type { DeployedFunction } from '../processes/deploy-folder.ts';
import { isAlreadyExists, isConflict, isNotFound, type KubeObject } from '../resources/object.ts';
import { functions, secrets } from '../resources/resources.ts';
import { packageFile } from './package-file.ts';
import { withPermissions } from './permissions.ts';
import type { Platform } from './platform.ts';
import { watchUntil } from './watch-until.ts';

/** What flags say of a function; what is absent stays as it is. */
export interface FunctionWishes {
  readonly runtime?: string;
  readonly handler?: string;
  readonly env: readonly (readonly [string, string])[];
  /** Names of existing Secrets. */
  readonly secrets: readonly string[];
  /** Names of existing ConfigMaps. */
  readonly configMaps: readonly string[];
  /** Go into the Secret `<function>-env`. */
  readonly secretValues: readonly (readonly [string, string])[];
  readonly concurrency?: number;
  readonly minScale?: number;
  readonly maxScale?: number;
  readonly timeoutSeconds?: number;
  readonly idleTimeoutSeconds?: number;
  readonly visibility?: string;
  readonly reuse?: string;
  /** Of `permissionWords`. */
  readonly permissions: readonly string[];
}

export interface DeployOptions {
  readonly wishes: FunctionWishes;
  /** Wait until Ready at most so long; 0: do not wait. */
  readonly waitSeconds: number;
  /** It is Ready once an instance has loaded it, and not before. */
  readonly prove: boolean;
  /** Warnings of the bundler, with file and line. */
  readonly warn: (text: string) => void;
}

/** Deploys one file as the function `name`. Throws what is wrong with the file or the wishes; a function that does not become Ready is an answer. */
export async function deployFunction(
  platform: Platform,
  name: string,
  file: string,
  { wishes, waitSeconds, prove, warn }: DeployOptions,
): Promise<DeployedFunction> {
  const started = performance.now();
  const { bytes, runtimeOf } = await packageFile(platform, name, file, wishes.runtime, warn);
  const { id } = JSON.parse(
    await platform.platform('/v1/packages', { method: 'PUT', headers: { 'content-type': 'application/x-tar' }, body: bytes }),
  ) as { id: string };
  const secret = await writeSecret(platform, name, wishes.secretValues);
  const secretNames = secret ? [...wishes.secrets, secret.metadata.name] : wishes.secrets;
  const how = { prove, hasNewValues: secret !== undefined };
  const written = await writeFunction(platform, name, how, (current) => ({
    ...wishedSpec(current, id, wishes, secretNames),
    ...runtimeOf(current?.runtime),
  }));
  if (secret) await own(platform, secret, written);
  return outcome(platform, written, waitSeconds, started);
}

/** Waits (at most `waitSeconds`; 0: not at all) until the function is Ready or will not become so, and says what came of it. */
export async function outcome(
  platform: Platform,
  written: FunctionResource,
  waitSeconds: number,
  started: number,
): Promise<DeployedFunction> {
  const { name, namespace = platform.namespace } = written.metadata;
  const seen = waitSeconds === 0 ? written : await waitReady(platform, written, waitSeconds);
  const verdict = verdictOf(seen);
  const ready = verdict?.status === 'True';
  const problem = verdict?.status === 'False' ? `${verdict.reason}: ${verdict.message}` : `not Ready after ${waitSeconds} s`;
  return {
    type: 'function',
    namespace,
    name,
    ready,
    // By path, not by host: it works whatever resolves names here.
    url: platform.functionUrl(seen),
    revision: seen.status?.latestReadyRevision ?? '',
    exports: seen.status?.exports ?? [],
    ms: Math.round(performance.now() - started),
    ...(ready || (waitSeconds === 0 && verdict?.status !== 'False') ? {} : { error: problem }),
  };
}

async function writeSecret(
  platform: Platform,
  functionName: string,
  values: readonly (readonly [string, string])[],
): Promise<KubeObject | undefined> {
  if (values.length === 0) return undefined;
  const { namespace } = platform;
  const name = `${functionName}-env`;
  const labels = { 'tsumugi.dev/function': functionName };
  const data = Object.fromEntries(values.map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  try {
    return await platform.kube.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace, labels },
      type: 'Opaque',
      data,
    } as KubeObject);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return platform.kube.patch(secrets, { namespace, name }, { type: 'merge', body: { metadata: { labels }, data } });
  }
}

/** The Secret that `--secret K=V` made goes when its function goes. */
async function own(platform: Platform, secret: KubeObject, owner: FunctionResource): Promise<void> {
  const { uid = '', name } = owner.metadata;
  if (secret.metadata.ownerReferences?.some((reference) => reference.uid === uid)) return;
  const ownerReferences = [{ apiVersion: owner.apiVersion, kind: owner.kind, name, uid }];
  await platform.kube.patch(
    secrets,
    { namespace: platform.namespace, name: secret.metadata.name },
    { type: 'merge', body: { metadata: { ownerReferences } } },
  );
}

async function writeFunction(
  platform: Platform,
  name: string,
  { prove, hasNewValues }: { readonly prove: boolean; readonly hasNewValues: boolean },
  specOf: (current: FunctionResource['spec'] | undefined) => object,
): Promise<FunctionResource> {
  const key = { namespace: platform.namespace, name };
  const options = { fieldManager: 'tsumugi', fieldValidation: 'Strict' as const };
  for (let attempt = 0; ; attempt += 1) {
    const current = await platform.kube.get<FunctionResource>(functions, key).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    const spec = specOf(current?.spec);
    // What is not Ready, or has other Secrets, is looked at again, also where the spec says nothing new.
    const isAgain = current !== undefined && (hasNewValues || verdictOf(current)?.status !== 'True');
    const annotations = {
      ...(prove && { 'tsumugi.dev/prove': 'true' }),
      ...(isAgain && { 'tsumugi.dev/deployed-at': new Date().toISOString() }),
    };
    try {
      if (!current)
        return await platform.kube.create<FunctionResource>(
          functions,
          { apiVersion: 'tsumugi.dev/v1', kind: 'Function', metadata: { ...key, annotations }, spec } as FunctionResource,
          options,
        );
      // With the version that was read: a list is replaced as a whole, so nobody may have changed it in between.
      return await platform.kube.patch<FunctionResource>(
        functions,
        key,
        { type: 'merge', body: { metadata: { resourceVersion: current.metadata.resourceVersion, annotations }, spec } },
        options,
      );
    } catch (error) {
      if (attempt < 10 && (isConflict(error) || isAlreadyExists(error))) continue;
      throw error;
    }
  }
}

function wishedSpec(
  current: FunctionResource['spec'] | undefined,
  packageId: string,
  wishes: FunctionWishes,
  secretNames: readonly string[],
): object {
  const env = new Map<string, EnvVar>(current?.env?.map((variable) => [variable.name, variable]));
  for (const [name, value] of wishes.env) env.set(name, { name, value });
  const allSecrets = [...new Set([...(current?.secrets ?? []), ...secretNames])];
  const scale = {
    ...(wishes.minScale === undefined ? {} : { min: wishes.minScale }),
    ...(wishes.maxScale === undefined ? {} : { max: wishes.maxScale }),
    ...(wishes.idleTimeoutSeconds === undefined ? {} : { idleTimeoutSeconds: wishes.idleTimeoutSeconds }),
  };
  return {
    // The other form of source is taken away: exactly one may be there.
    source: { package: packageId, ...(current?.source.inline === undefined ? {} : { inline: null }) },
    ...(wishes.handler === undefined ? {} : { handler: wishes.handler }),
    ...(wishes.env.length === 0 ? {} : { env: [...env.values()] }),
    ...(secretNames.length === 0 ? {} : { secrets: allSecrets }),
    ...(wishes.configMaps.length === 0 ? {} : { configMaps: [...new Set([...(current?.configMaps ?? []), ...wishes.configMaps])] }),
    ...(wishes.visibility === undefined ? {} : { visibility: wishes.visibility }),
    ...(wishes.reuse === undefined ? {} : { reuse: wishes.reuse }),
    ...(wishes.permissions.length === 0 ? {} : { permissions: withPermissions(current?.permissions, wishes.permissions) }),
    ...(wishes.concurrency === undefined ? {} : { concurrency: wishes.concurrency }),
    ...(wishes.timeoutSeconds === undefined ? {} : { timeoutSeconds: wishes.timeoutSeconds }),
    ...(Object.keys(scale).length === 0 ? {} : { scale }),
  };
}

/** The verdict on the present generation, and on this deploy of it, once there is one. */
function verdictOf({ metadata, status }: FunctionResource) {
  const ready = status?.conditions?.find((condition) => condition.type === 'Ready');
  const isOfNow = ready?.observedGeneration === metadata.generation && status?.observedGeneration === metadata.generation;
  return isOfNow && status?.observedDeployedAt === metadata.annotations?.['tsumugi.dev/deployed-at'] ? ready : undefined;
}

/** Until the function is Ready or will not become so; at the end of the time, what was seen last. */
async function waitReady(platform: Platform, written: FunctionResource, seconds: number): Promise<FunctionResource> {
  const { name, namespace = platform.namespace } = written.metadata;
  const last = await watchUntil<FunctionResource>(platform.kube, functions, { namespace, name }, seconds, (object) => {
    const verdict = object && verdictOf(object)?.status;
    return object === undefined || verdict === 'True' || verdict === 'False';
  });
  if (last) return last;
  throw new TsumugiError('NotFound', `function "${name}" was deleted while it was deployed`);
}
