/** A container's environment from its spec: plain values, references to fields, Secrets and ConfigMaps. */
import type { KubeClient } from '../../../kube/client.ts';
import { isNotFound } from '../../../resources/object.ts';
import type { KubeObject, Resource } from '../../../resources/object.ts';
import { configMaps, secrets } from '../../../resources/resources.ts';
import type { Container, EnvVar, Pod } from '../../../resources/builtin/pod-types.ts';
import { podField, resourceField } from '../fields.ts';

/** The pod cannot start as it is written; trying again helps once what it names is there. Becomes the waiting reason CreateContainerConfigError. */
export class ContainerConfigError extends Error {}

/** Reads Secrets and ConfigMaps of one namespace, each at most once. */
export class ConfigReader {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #read = new Map<string, Promise<Readonly<Record<string, Buffer>> | undefined>>();

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  /** Keys and bytes; undefined when there is no such object. */
  secret(name: string): Promise<Readonly<Record<string, Buffer>> | undefined> {
    return this.#once(secrets, name, (object) => decode((object as { data?: Record<string, string> }).data, 'base64'));
  }

  configMap(name: string): Promise<Readonly<Record<string, Buffer>> | undefined> {
    return this.#once(configMaps, name, (object) => {
      const { data, binaryData } = object as { data?: Record<string, string>; binaryData?: Record<string, string> };
      return { ...decode(data, 'utf8'), ...decode(binaryData, 'base64') };
    });
  }

  #once(
    resource: Resource,
    name: string,
    data: (object: KubeObject) => Record<string, Buffer>,
  ): Promise<Readonly<Record<string, Buffer>> | undefined> {
    const key = `${resource.plural}/${name}`;
    let reading = this.#read.get(key);
    if (!reading) {
      reading = this.#client.get(resource, { namespace: this.#namespace, name }).then(data, (error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      this.#read.set(key, reading);
    }
    return reading;
  }
}

function decode(data: Readonly<Record<string, string>> | undefined, encoding: 'base64' | 'utf8'): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)]));
}

/** envFrom first, then env, which wins; `$(NAME)` stands for an earlier variable, `$$(NAME)` for itself. */
export async function containerEnv(pod: Pod, container: Container, reader: ConfigReader): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    const ref = secretRef ?? configMapRef;
    if (!ref) continue;
    const values = secretRef ? await reader.secret(ref.name) : await reader.configMap(ref.name);
    if (!values && !ref.optional) throw new ContainerConfigError(`${secretRef ? 'secret' : 'configmap'} "${ref.name}" not found`);
    for (const [key, value] of Object.entries(values ?? {})) env[prefix + key] = value.toString();
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom ? await referenced(pod, container, variable.valueFrom, reader) : expand(variable.value ?? '', env);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

/** Command and args may name variables in the same way. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(\$)?\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (whole, escaped: string | undefined, name: string) =>
    escaped ? `$(${name})` : Object.hasOwn(env, name) ? (env[name] as string) : whole,
  );
}

async function referenced(
  pod: Pod,
  container: Container,
  from: NonNullable<EnvVar['valueFrom']>,
  reader: ConfigReader,
): Promise<string | undefined> {
  const { fieldRef, resourceFieldRef } = from;
  if (fieldRef) return required(podField(pod, fieldRef.fieldPath), `field "${fieldRef.fieldPath}"`);
  if (resourceFieldRef) {
    const { containerName = container.name } = resourceFieldRef;
    const named = allContainers(pod).find(({ name }) => name === containerName);
    if (!named) throw new ContainerConfigError(`container ${containerName} not found`);
    return required(resourceField(named, resourceFieldRef), `resource "${resourceFieldRef.resource}"`);
  }
  const ref = from.secretKeyRef ?? from.configMapKeyRef;
  if (!ref) throw new ContainerConfigError(`this node does not know values from ${Object.keys(from).join(', ')}`);
  const values = from.secretKeyRef ? await reader.secret(ref.name) : await reader.configMap(ref.name);
  const value = values && Object.hasOwn(values, ref.key) ? values[ref.key] : undefined;
  if (value !== undefined || ref.optional) return value?.toString();
  throw new ContainerConfigError(
    values
      ? `couldn't find key ${ref.key} in ${from.secretKeyRef ? 'Secret' : 'ConfigMap'} ${pod.metadata.namespace ?? ''}/${ref.name}`
      : `${from.secretKeyRef ? 'secret' : 'configmap'} "${ref.name}" not found`,
  );
}

const allContainers = ({ spec }: Pod): readonly Container[] => [...(spec.initContainers ?? []), ...spec.containers];

function required(value: string | undefined, what: string): string {
  if (value === undefined) throw new ContainerConfigError(`${what} is not known as an environment variable`);
  return value;
}
