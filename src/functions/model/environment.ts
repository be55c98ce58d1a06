/** What a revision is given, and what its volumes are made of. Variables and files are read from Secrets and ConfigMaps at the moment an instance needs them: never stored, never sent to gateways. */
import { TsumugiError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../resources/object.ts';
import { configMaps as configMapKind, secrets as secretKind } from '../../resources/resources.ts';
import type { ConfigFiles } from '../../wire/protocol.ts';
import type { ConfigMap } from '../../resources/builtin/configmap.ts';
import type { EnvVar } from '../../resources/builtin/pod-types.ts';
import type { PodFields } from '../../resources/pod-fields.ts';

export interface EnvironmentSpec {
  readonly env?: readonly EnvVar[];
  readonly secrets?: readonly string[];
  readonly configMaps?: readonly string[];
}

/** What an instance of a function is given: variables and files. */
export interface Config {
  readonly env: Readonly<Record<string, string>>;
  /** Absent: the function names neither Secrets nor ConfigMaps. */
  readonly files?: ConfigFiles;
}

type Source = 'Secret' | 'ConfigMap';

interface Data {
  /** As variables. */
  readonly texts: Readonly<Record<string, string>>;
  /** As files: base64 of the bytes, also of those that are no text. */
  readonly files: Readonly<Record<string, string>>;
}

/** Of all files of a function, in base64: they travel with its package, and on Kubernetes stay in its pods' memory. */
const maxFilesLength = 16 * 1024 * 1024;

/** Whether anything of it comes from Secrets or ConfigMaps, which may change without the function. */
export function usesConfig({ env = [], secrets = [], configMaps = [] }: EnvironmentSpec): boolean {
  return secrets.length > 0 || configMaps.length > 0 || env.some(({ valueFrom }) => valueFrom !== undefined);
}

/**
 * Variables: every key of `configMaps`, then of `secrets`, then `env`; the later wins. Files: every key of both lists. Throws NotFound
 * that names the object or key that is missing, Invalid where it is too much.
 */
export async function resolveConfig(client: KubeClient, namespace: string, spec: EnvironmentSpec): Promise<Config> {
  const read = new Map<string, Promise<Data | undefined>>();
  const dataOf = (source: Source, name: string): Promise<Data | undefined> => {
    const key = `${source}/${name}`;
    const known = read.get(key) ?? readData(client, namespace, source, name);
    read.set(key, known);
    return known;
  };
  const env: Record<string, string> = {};
  const filesOf = async (source: Source, names: readonly string[] = []): Promise<ConfigFiles['secrets']> => {
    const files: Record<string, Data['files']> = {};
    for (const name of names) {
      const data = (await dataOf(source, name)) ?? missing(source, namespace, name);
      Object.assign(env, data.texts);
      files[name] = data.files;
    }
    return files;
  };
  const configs = await filesOf('ConfigMap', spec.configMaps);
  const secrets = await filesOf('Secret', spec.secrets);
  for (const variable of spec.env ?? []) {
    const source: Source = variable.valueFrom?.secretKeyRef ? 'Secret' : 'ConfigMap';
    const reference = variable.valueFrom?.secretKeyRef ?? variable.valueFrom?.configMapKeyRef;
    if (!reference) {
      env[variable.name] = variable.value ?? '';
      continue;
    }
    const data = await dataOf(source, reference.name);
    const value = data?.texts[reference.key];
    if (value !== undefined) env[variable.name] = value;
    else if (reference.optional !== true) missing(source, namespace, reference.name, data && reference.key);
  }
  const all = [...Object.values(configs), ...Object.values(secrets)];
  const length = all.flatMap((files) => Object.values(files)).reduce((sum, text) => sum + text.length, 0);
  if (length > maxFilesLength)
    throw new TsumugiError(
      'Invalid',
      `its Secrets and ConfigMaps have ${mebibytes(length)} in all, at most ${mebibytes(maxFilesLength)} are allowed`,
      {
        hint: 'put large data into a volume',
      },
    );
  return { env, ...(all.length > 0 && { files: { secrets, configs } }) };
}

/** Of what base64 of this length holds. */
const mebibytes = (base64Length: number): string => `${Math.ceil((base64Length * 3) / 4 / 1024 / 1024)} MiB`;

/** Throws NotFound that names the Secret, ConfigMap or key that a volume needs and that is missing: a kubelet would wait for it in silence. */
export async function checkVolumes(client: KubeClient, namespace: string, { volumes = [] }: Pick<PodFields, 'volumes'>): Promise<void> {
  await Promise.all(
    volumes.map(async ({ secret, configMap }) => {
      const source: Source = secret ? 'Secret' : 'ConfigMap';
      const name = secret?.secretName ?? configMap?.name;
      const { optional, items = [] } = secret ?? configMap ?? {};
      if (name === undefined || optional) return;
      const data = (await readData(client, namespace, source, name)) ?? missing(source, namespace, name);
      for (const { key } of items) if (!Object.hasOwn(data.files, key)) missing(source, namespace, name, key);
    }),
  );
}

async function readData(client: KubeClient, namespace: string, source: Source, name: string): Promise<Data | undefined> {
  try {
    const { data = {}, binaryData = {} } = await client.get<ConfigMap>(source === 'Secret' ? secretKind : configMapKind, {
      namespace,
      name,
    });
    if (source === 'Secret') return { texts: mapValues(data, (value) => Buffer.from(value, 'base64').toString('utf8')), files: data };
    return { texts: data, files: { ...mapValues(data, (value) => Buffer.from(value).toString('base64')), ...binaryData } };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function mapValues(data: Readonly<Record<string, string>>, change: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, change(value)]));
}

function missing(source: Source, namespace: string, name: string, key?: string): never {
  const what =
    key === undefined
      ? `${source} "${name}" does not exist in namespace ${namespace}`
      : `${source} "${name}" in namespace ${namespace} has no key "${key}"`;
  const command = source === 'Secret' ? 'kubectl create secret generic' : 'kubectl create configmap';
  throw new TsumugiError('NotFound', what, { hint: `create it: ${command} -n ${namespace} ${name} --from-literal=${key ?? 'KEY'}=VALUE` });
}
