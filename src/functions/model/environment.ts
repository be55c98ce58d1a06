/** The variables of a revision and what its volumes are made of. Variables are read from Secrets and ConfigMaps at the moment an instance needs them: never stored, never sent to gateways. */
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../resources/object.ts';
import { configMaps, secrets } from '../../resources/resources.ts';
import type { ConfigMap } from '../../resources/builtin/configmap.ts';
import type { EnvVar } from '../../resources/builtin/pod-types.ts';
import type { PodFields } from '../../resources/pod-fields.ts';

export interface EnvironmentSpec {
  readonly env?: readonly EnvVar[];
  readonly secrets?: readonly string[];
  readonly configMaps?: readonly string[];
}

type Source = 'Secret' | 'ConfigMap';

/**
 * Every key of `configMaps`, then of `secrets`, then `env`; the later wins. Throws NotFound that names the object or key that is missing.
 */
export async function resolveEnvironment(client: KubeClient, namespace: string, spec: EnvironmentSpec): Promise<Record<string, string>> {
  const read = new Map<string, Promise<Record<string, string> | undefined>>();
  const dataOf = (source: Source, name: string): Promise<Record<string, string> | undefined> => {
    const key = `${source}/${name}`;
    const known = read.get(key) ?? readData(client, namespace, source, name);
    read.set(key, known);
    return known;
  };
  const whole = async (source: Source, name: string): Promise<Record<string, string>> =>
    (await dataOf(source, name)) ?? missing(source, namespace, name);

  const env: Record<string, string> = {};
  for (const name of spec.configMaps ?? []) Object.assign(env, await whole('ConfigMap', name));
  for (const name of spec.secrets ?? []) Object.assign(env, await whole('Secret', name));
  for (const variable of spec.env ?? []) {
    const source: Source = variable.valueFrom?.secretKeyRef ? 'Secret' : 'ConfigMap';
    const reference = variable.valueFrom?.secretKeyRef ?? variable.valueFrom?.configMapKeyRef;
    if (!reference) {
      env[variable.name] = variable.value ?? '';
      continue;
    }
    const data = await dataOf(source, reference.name);
    const value = data?.[reference.key];
    if (value !== undefined) env[variable.name] = value;
    else if (reference.optional !== true) missing(source, namespace, reference.name, data && reference.key);
  }
  return env;
}

/** Throws NotFound that names the Secret, ConfigMap or key that a volume needs and that is missing: a kubelet would wait for it in silence. */
export async function checkVolumes(client: KubeClient, namespace: string, { volumes = [] }: Pick<PodFields, 'volumes'>): Promise<void> {
  await Promise.all(
    volumes.map(async ({ secret, configMap }) => {
      const source: Source = secret ? 'Secret' : 'ConfigMap';
      const name = secret?.secretName ?? configMap?.name;
      const { optional, items = [] } = secret ?? configMap ?? {};
      if (name === undefined || optional) return;
      const data = (await readData(client, namespace, source, name)) ?? missing(source, namespace, name);
      for (const { key } of items) if (!Object.hasOwn(data, key)) missing(source, namespace, name, key);
    }),
  );
}

async function readData(client: KubeClient, namespace: string, source: Source, name: string): Promise<Record<string, string> | undefined> {
  try {
    const { data = {} } = await client.get<ConfigMap>(source === 'Secret' ? secrets : configMaps, { namespace, name });
    if (source === 'ConfigMap') return { ...data };
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function missing(source: Source, namespace: string, name: string, key?: string): never {
  const what =
    key === undefined
      ? `${source} "${name}" does not exist in namespace ${namespace}`
      : `${source} "${name}" in namespace ${namespace} has no key "${key}"`;
  const command = source === 'Secret' ? 'kubectl create secret generic' : 'kubectl create configmap';
  throw new TsumugiError('NotFound', what, { hint: `create it: ${command} -n ${namespace} ${name} --from-literal=${key ?? 'KEY'}=VALUE` });
}
