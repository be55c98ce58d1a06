/** What a guest may consist of, and what is wrong with what does not. */
import { TsumugiError } from '../../base/errors.ts';
import type { Job } from '../../resources/builtin/job/types.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import type { KubeObject, Resource } from '../../resources/object.ts';
import { configMaps, jobs, pods, secrets } from '../../resources/resources.ts';

/** What others name comes first. */
const kinds: Readonly<Record<string, Resource>> = {
  'v1/ConfigMap': configMaps,
  'v1/Secret': secrets,
  'v1/Pod': pods,
  'batch/v1/Job': jobs,
};
const order = Object.keys(kinds);

const kindOf = ({ apiVersion, kind }: KubeObject): string => `${apiVersion}/${kind}`;

/** Of an object that `guestObjects` accepted. */
export const resourceOf = (object: KubeObject): Resource => kinds[kindOf(object)] as Resource;

/**
 * The objects of a guest for this namespace, in the order in which they are made. Throws Invalid that names the object and the field.
 * `elsewhere`: what to do about one of another namespace.
 */
export function guestObjects(
  namespace: string,
  objects: readonly unknown[],
  elsewhere = 'leave it out, or load the runner with that namespace',
): readonly KubeObject[] {
  const found = objects.map((object, position) => checkObject(namespace, object, `manifests[${position}]`, elsewhere));
  const names = new Set<string>();
  for (const object of found) {
    const name = `${object.kind} "${object.metadata.name}"`;
    if (names.has(name)) throw new TsumugiError('Invalid', `the manifests have two objects ${name}`);
    names.add(name);
  }
  if (!found.some(({ kind }) => kind === 'Job' || kind === 'Pod'))
    throw new TsumugiError('Invalid', 'the manifests have neither a Job nor a Pod: there is nothing to run');
  return found.sort((a, b) => order.indexOf(kindOf(a)) - order.indexOf(kindOf(b)));
}

function checkObject(namespace: string, value: unknown, path: string, elsewhere: string): KubeObject {
  const object = value as Partial<KubeObject> | null;
  if (typeof object !== 'object' || object === null || typeof object.kind !== 'string' || typeof object.apiVersion !== 'string')
    throw new TsumugiError('Invalid', `${path} is no manifest: it needs apiVersion and kind`, { field: path });
  const { apiVersion, kind, metadata } = object as KubeObject;
  const refuse = (field: string, message: string, hint?: string): never => {
    throw new TsumugiError('Invalid', `${path} (${kind} "${metadata?.name ?? ''}"): ${field}: ${message}`, {
      field: `${path}.${field}`,
      ...(hint && { hint }),
    });
  };
  if (!Object.hasOwn(kinds, `${apiVersion}/${kind}`))
    refuse('kind', `${apiVersion} ${kind} cannot be a guest's`, 'a guest may have ConfigMaps, Secrets, Pods (v1) and Jobs (batch/v1)');
  if (typeof metadata?.name !== 'string' || metadata.name === '')
    refuse('metadata.name', 'is missing', 'guests keep their names: give each one');
  if (metadata.namespace !== undefined && metadata.namespace !== namespace)
    refuse('metadata.namespace', `is "${metadata.namespace}", but the guest runs in "${namespace}"`, elsewhere);
  if (kind === 'Job' && (object as Job).spec?.ttlSecondsAfterFinished !== undefined)
    refuse(
      'spec.ttlSecondsAfterFinished',
      'must not be set: its last state would be gone before it is kept',
      'a guest is deleted when its log is kept',
    );
  if (kind === 'Pod' && ((object as Pod).spec?.restartPolicy ?? 'Always') === 'Always')
    refuse('spec.restartPolicy', 'Always: such a pod never ends', 'say Never or OnFailure');
  if (kind === 'Pod') checkPod((object as Pod).spec, 'spec', refuse);
  if (kind === 'Job') checkPod((object as Job).spec?.template?.spec, 'spec.template.spec', refuse);
  return { ...(object as KubeObject), metadata: { ...metadata, namespace } };
}

type Refuse = (field: string, message: string, hint?: string) => never;

/**
 * The platform makes a guest's pods with its own rights, and whoever may run a function may ask for guests: what would give them more
 * than a function's pod has is for those who may make pods themselves.
 */
function checkPod(spec: Partial<Pod['spec']> | undefined, path: string, refuse: Refuse): void {
  const told = (field: string): never =>
    refuse(`${path}.${field}`, 'a guest may not have it', 'make such a Pod or Job yourself, as one who may: kubectl apply');
  const { hostNetwork, hostPID, hostIPC, serviceAccountName, volumes = [] } = (spec ?? {}) as Partial<Pod['spec']> & HostAccess;
  for (const [field, value] of Object.entries({ hostNetwork, hostPID, hostIPC })) if (value) told(field);
  if (serviceAccountName !== undefined && serviceAccountName !== 'default') told('serviceAccountName');
  for (const [at, volume] of volumes.entries()) if ('hostPath' in volume) told(`volumes[${at}].hostPath`);
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [at, container] of (spec?.[list] ?? []).entries()) {
      const { privileged } = (container as { securityContext?: { privileged?: boolean } }).securityContext ?? {};
      if (privileged) told(`${list}[${at}].securityContext.privileged`);
    }
  }
}

interface HostAccess {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
}

/** The object with the labels of its run, on its pods, too. */
export function labelled(object: KubeObject, labels: Readonly<Record<string, string>>): KubeObject {
  const metadata = { ...object.metadata, labels: { ...object.metadata.labels, ...labels } };
  if (object.kind !== 'Job') return { ...object, metadata };
  const { spec } = object as Job;
  const template = {
    ...spec.template,
    metadata: { ...spec.template?.metadata, labels: { ...spec.template?.metadata?.labels, ...labels } },
  };
  return { ...object, metadata, spec: { ...spec, template } } as Job;
}
