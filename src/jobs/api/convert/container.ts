/** Containers and volumes: Kubernetes' form, and that of the API. What the API cannot say is kept where a container is changed. */
import type { Container, EnvVar, KeyToPath, Volume } from '../../../resources/builtin/pod-types.ts';
import type { ContainerJson, EnvVarJson, VersionToPathJson, VolumeJson } from '../generated/template.generated.ts';
import { defined, given, some } from './json.ts';

export function containerToJson(container: Container): ContainerJson {
  const { name, image, command, args, env, resources, volumeMounts, workingDir } = container;
  return defined({
    name,
    image,
    command: some(command),
    args: some(args),
    env: some(env?.map(variableToJson)),
    resources: resources && defined({ limits: texts(resources.limits), requests: texts(resources.requests) }),
    volumeMounts: some(volumeMounts?.map((mount) => ({ ...mount }))),
    workingDir,
  });
}

/** `known`: the container of this name as it is, with what the API does not show. */
export function containerFromJson(json: ContainerJson, known?: Container): Container {
  const { image: _, command: _c, args: _a, env: _e, resources: _r, volumeMounts: _v, workingDir: _w, ...rest } = known ?? { name: '' };
  const { name, image, command, args, env, resources, volumeMounts, workingDir } = json;
  return {
    ...rest,
    ...defined({
      image: given(image),
      command: some(command),
      args: some(args),
      env: some(env?.map((each) => variableFromJson(each, known))),
      resources: resources && defined({ limits: resources.limits, requests: resources.requests }),
      volumeMounts: some(
        volumeMounts?.map(({ name: volume = '', mountPath = '', ...more }) => ({ name: volume, mountPath, ...defined(more) })),
      ),
      workingDir: given(workingDir),
    }),
    name: given(name) ?? known?.name ?? 'main',
  };
}

function variableToJson({ name, value, valueFrom }: EnvVar): EnvVarJson {
  const { secretKeyRef, configMapKeyRef } = valueFrom ?? {};
  if (secretKeyRef) return { name, valueSource: { secretKeyRef: { secret: secretKeyRef.name, version: secretKeyRef.key } } };
  if (configMapKeyRef) return { name, valueSource: { configMapKeyRef: { configMap: configMapKeyRef.name, key: configMapKeyRef.key } } };
  return valueFrom ? { name, valueSource: {} } : { name, value: value ?? '' };
}

/** Of a request, or of a container: one whose source the API cannot say is the one of this name that is known. */
export function variableFromJson({ name = '', value, valueSource }: EnvVarJson, known?: Container): EnvVar {
  if (!valueSource) return { name, value: value ?? '' };
  const { secretKeyRef, configMapKeyRef } = valueSource;
  if (secretKeyRef) return { name, valueFrom: { secretKeyRef: { name: secretKeyRef.secret ?? '', key: secretKeyRef.version ?? '' } } };
  if (configMapKeyRef)
    return { name, valueFrom: { configMapKeyRef: { name: configMapKeyRef.configMap ?? '', key: configMapKeyRef.key ?? '' } } };
  return known?.env?.find((each) => each.name === name) ?? { name };
}

export function volumeToJson({ name, secret, configMap, emptyDir, persistentVolumeClaim }: Volume): VolumeJson {
  return defined({
    name,
    secret: secret && defined({ secret: secret.secretName, items: filesToJson(secret.items), defaultMode: secret.defaultMode }),
    configMap: configMap && defined({ configMap: configMap.name, items: filesToJson(configMap.items), defaultMode: configMap.defaultMode }),
    emptyDir: emptyDir && defined({ medium: emptyDir.medium, sizeLimit: emptyDir.sizeLimit?.toString() }),
    persistentVolumeClaim: persistentVolumeClaim && { ...persistentVolumeClaim },
  });
}

export function volumeFromJson(
  { name = '', secret, configMap, emptyDir, persistentVolumeClaim: claim }: VolumeJson,
  known?: Volume,
): Volume {
  if (!secret && !configMap && !emptyDir && !claim) return known ?? { name };
  return {
    name,
    ...defined({
      secret: secret && defined({ secretName: secret.secret, items: filesFromJson(secret.items), defaultMode: given(secret.defaultMode) }),
      configMap:
        configMap &&
        defined({ name: configMap.configMap, items: filesFromJson(configMap.items), defaultMode: given(configMap.defaultMode) }),
      emptyDir: emptyDir && defined({ medium: given(emptyDir.medium), sizeLimit: given(emptyDir.sizeLimit) }),
      persistentVolumeClaim: claim && { claimName: claim.claimName ?? '', ...(claim.readOnly ? { readOnly: true } : {}) },
    }),
  };
}

const filesToJson = (items: readonly KeyToPath[] | undefined): VersionToPathJson[] | undefined =>
  some(items?.map(({ key, path, mode }) => defined({ version: key, path, mode })));

const filesFromJson = (items: readonly VersionToPathJson[] | undefined): KeyToPath[] | undefined =>
  some(items?.map(({ version = '', path = '', mode }) => ({ key: version, path, ...defined({ mode: given(mode) }) })));

const texts = (amounts: Readonly<Record<string, string | number>> | undefined): Record<string, string> | undefined =>
  amounts && Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, String(amount)]));
